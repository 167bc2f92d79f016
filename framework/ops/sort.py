"""Order: sorting and what is read off a sorted row; and counting, what is the same."""

from math import prod

import numpy as np

from ..autograd.op import op
from ..autograd.variable import Variable
from ..device import array_module
from . import elementwise
from .comparison import isnan
from .promotion import expect, refuse, refusing
from .reduce import all_or_along, any, axes, picking, share_all
from .results import result_type
from .scatter import gather, scatter_add_into
from .shape import along, movedim, normalize, reshape

Sorted, _Top = result_type("sort", "values indices"), result_type("topk", "values indices")


@op(input=lambda grad, indices, input_shape, dim: scatter_add_into(grad[0], indices, dim, input_shape))
def sort(input, dim=-1, descending=False, stable=False, count=None):
    """(values, indices) in order along `dim`, or the first `count` of them: always stable, nan after all numbers."""
    line, dim = np.atleast_1d(input), normalize(dim, input.ndim)
    order = np.argsort(np.flip(line, dim) if descending else line, axis=dim, kind="stable")
    if descending:
        order = line.shape[dim] - 1 - np.flip(order, dim)
    order = order[along(dim, slice(count))]
    return Sorted(*(each.reshape(order.shape[: input.ndim]) for each in (np.take_along_axis(line, order, dim), order)))


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort `input` along `dim`."""
    return sort(input.detach(), dim, descending)[1]


def msort(input):
    """`input` sorted along its first dimension."""
    return sort(input, 0)[0]


def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the `k` largest or smallest elements along `dim`, in order."""
    refuse("b", "topk", input)
    expect(0 <= k <= (input.shape[normalize(dim, input.ndim)] if input.ndim else 1), "selected index k out of range")
    return _Top(*sort(input, dim, largest, False, k if input.ndim else None))


def _median(name, ignore_nan, docstring):
    """The median over all elements, or with `dim` (values, indices) along it."""

    def find(input, dim):
        order, n = sort.compute([input, dim, False, False, None])[0].indices, input.shape[dim]  # where nan are last
        numbers = (input == input).sum(dim, keepdims=True)
        middle = np.maximum(numbers - 1, 0) // 2
        return np.take_along_axis(order, middle if ignore_nan else np.where(numbers < n, numbers, middle), dim)

    def over_all(input):
        flat = input.reshape(-1)
        return flat[find(flat, 0)[0]] if flat.size else np.asarray(np.nan).astype(input.dtype)

    whole = op(over_all, name=name, input=share_all)
    return all_or_along(refusing("b", whole), refusing("b", picking(name, find)), docstring)


_MIDDLE = "The middle element in order, of two the lower; with `dim` (values, indices) along it; "
median = _median("median", False, _MIDDLE + "nan if there is one.")
nanmedian = _median("nanmedian", True, _MIDDLE + "nan are left out.")


_BETWEEN = {  # how far from the element below to the one above, given the fraction of the way
    "linear": lambda rank, below: rank - below,
    "lower": lambda rank, below: below * 0,
    "higher": lambda rank, below: elementwise.ceil(rank) - below,
    "midpoint": lambda rank, below: (elementwise.ceil(rank) - below) * 0.5,
    "nearest": lambda rank, below: elementwise.round(rank) - below,
}


def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The value below which the fraction `q` (one or a vector) of the elements lies: number q (n - 1) of the n sorted ones."""
    expect(input.dtype.name in ("float32", "float64"), "quantile() input tensor must be either float or double dtype")
    expect(input.numel(), "quantile() input tensor must be non-empty")
    expect(interpolation in _BETWEEN, f"quantile() interpolation must be one of {', '.join(_BETWEEN)}, but got {interpolation}")
    q = q if isinstance(q, Variable) else Variable.wrap(array_module(input._array).asarray(q, input._array.dtype))
    if q.ndim > 1 or q.dtype is not input.dtype:
        raise RuntimeError(f"quantile() q must be a scalar or 1D tensor of the input's dtype, but got {q.ndim}D {q.dtype}")
    expect(((q >= 0) & (q <= 1)).all().item(), f"quantile() q must be in the range [0, 1] but got {q.tolist()}")
    dims = range(input.ndim) if dim is None else [normalize(dim, input.ndim)]
    sizes = [1 if d in dims else n for d, n in enumerate(input.shape) if keepdim or d not in dims]
    input, dim = (reshape(input, (-1,)), 0) if dim is None or not input.ndim else (input, dims[0])
    rank = reshape(q, [-1 if d == dim else 1 for d in range(input.ndim)]) * (input.shape[dim] - 1)
    rank = elementwise.where(any(isnan(input), dim, True), float(input.shape[dim] - 1), rank)  # nan are last in order
    below, inorder = elementwise.floor(rank.detach()), sort(input, dim)[0]
    low, high = (gather(inorder, dim, each.long()) for each in (below, elementwise.ceil(rank.detach())))
    out = elementwise.lerp(low, high, _BETWEEN[interpolation](rank, below))
    return reshape(movedim(out, dim, 0), (*q.shape, *sizes))


# Counting: no gradient


@op
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements (or slices along `dim`) in order; if asked for, where each element went, and how many there are of each."""
    options = {"return_inverse": return_inverse, "return_counts": return_counts, "equal_nan": False}
    found = np.unique(input, axis=dim if dim is None else normalize(dim, input.ndim), **options)
    return (found[0], found[1].reshape(input.shape if dim is None else -1), *found[2:]) if return_inverse else found


@op
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """`input` without the elements (or slices along `dim`) that equal the one before; the other results as of `unique`."""
    rows = input.reshape(-1) if dim is None else np.moveaxis(input, dim, 0)
    new = array_module(rows).ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).reshape(len(new[1:]), prod(rows.shape[1:])).any(1)
    values = rows[new] if dim is None else np.moveaxis(rows[new], 0, dim)
    inverse = (np.cumsum(new) - 1).reshape(input.shape if dim is None else -1)
    counts = np.diff(np.append(np.flatnonzero(new), len(new)))
    found = (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return found if len(found) > 1 else values


def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, 2, … comes, or the sum of its weights."""
    refuse("bfV", "bincount", input)
    expect(input.ndim == 1 and not (input < 0).any().item(), "bincount only supports 1-d non-negative integral inputs.")
    return _bincount(input, weights if weights is None or weights.dtype.name == "float32" else weights.double(), minlength)


_bincount = op(lambda input, weights, n: np.bincount(input, weights, n).astype(getattr(weights, "dtype", int)), name="bincount")
isin = refusing("b", op(lambda elements, test_elements, assume_unique=False, invert=False:
                        np.isin(elements, test_elements, assume_unique, invert), name="isin"))  # fmt: skip
nonzero = op(lambda input, as_tuple=False: np.nonzero(np.atleast_1d(input)) if as_tuple else np.argwhere(input))
argwhere = op(lambda input: np.argwhere(input))
count_nonzero = op(lambda input, dim=None: (input != 0).sum(axes(dim, input.ndim)))

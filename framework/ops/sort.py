"""Order: sorting and what is read off a sorted row; and counting, what is the same."""

from math import prod

import numpy as np

from ..autograd.op import like, op
from ..autograd.variable import Variable
from ..device import array_module
from . import elementwise
from .comparison import isnan
from .reduce import any, axes, picking, share_ties
from .results import result_type
from .scan import part
from .scatter import index_select, scatter_add_into
from .shape import movedim, normalize, reshape

_Sorted, _Top = result_type("sort", "values indices"), result_type("topk", "values indices")


def _sort(input, dim=-1, descending=False, stable=False):
    """(values, indices) in order along `dim`: always stable, nan after all numbers."""
    dim, module = normalize(dim, input.ndim), array_module(input)
    if not input.ndim:
        return _Sorted(input.copy(), module.zeros((), np.int64))
    order = module.argsort(np.flip(input, dim) if descending else input, axis=dim, kind="stable")
    if descending:
        order = input.shape[dim] - 1 - np.flip(order, dim)
    return _Sorted(module.take_along_axis(input, order, dim), order)


sort = op(_sort, name="sort", input=lambda grad, out, input_shape, dim: scatter_add_into(grad[0], out[1], dim, input_shape))


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort `input` along `dim`."""
    return sort(input.detach(), dim, descending)[1]


def msort(input):
    """`input` sorted along its first dimension."""
    return sort(input, 0)[0]


def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the `k` largest or smallest elements along `dim`, in order."""
    dim = normalize(dim, input.ndim)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    found = sort(input, dim, largest)
    return _Top(*(part(each, dim, 0, k) for each in found)) if input.ndim else _Top(*found)


def _middle(ignore_nan):
    """Where the lower of the two middle elements is; where a nan is, unless they are to be ignored."""

    def find(input, dim):
        order, nan = _sort(input, dim)[1], input != input
        numbers = np.sum(~nan if ignore_nan else np.ones_like(nan), axis=dim, keepdims=True)
        place = array_module(input).take_along_axis(order, np.maximum(numbers - 1, 0) // 2, dim)
        return place if ignore_nan else np.where(nan.any(axis=dim, keepdims=True), nan.argmax(axis=dim, keepdims=True), place)

    return find


def _median(name, ignore_nan):
    """The median over all elements, or with `dim` (values, indices) along it."""
    find = _middle(ignore_nan)
    along = picking(name, find)

    def over_all(input):
        flat = input.reshape(-1)
        return flat[find(flat, 0)[0]] if flat.size else np.asarray(np.nan).astype(input.dtype)

    whole = op(over_all, name=name, input=lambda grad, input, out: share_ties(grad, input, out, None, False))

    def median(input, dim=None, keepdim=False):
        return whole(input) if dim is None else along(input, dim, keepdim)

    median.__name__, median.__doc__ = name, f"{_median.__doc__} Of two the lower; nan is {'ignored' if ignore_nan else 'kept'}."
    return median


median, nanmedian = _median("median", False), _median("nanmedian", True)

_BETWEEN = {  # how far from the element below to the one above, given the fraction of the way
    "linear": lambda rank, below: rank - below,
    "lower": lambda rank, below: below * 0,
    "higher": lambda rank, below: elementwise.ceil(rank) - below,
    "midpoint": lambda rank, below: (elementwise.ceil(rank) - below) * 0.5,
    "nearest": lambda rank, below: elementwise.round(rank) - below,
}


def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The value below which the fraction `q` (one or a vector) of the elements lies: number q (n - 1) of the n sorted ones."""
    if not input.is_floating_point():
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if not input.numel():
        raise RuntimeError("quantile() input tensor must be non-empty")
    if interpolation not in _BETWEEN:
        raise RuntimeError(f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if not isinstance(q, Variable):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
        q = Variable.wrap(array_module(input._array).asarray(q, input._array.dtype))
    if q.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if q.dtype is not input.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    if input.dtype.itemsize == 2:  # which PyTorch refuses
        return like(quantile(input.float(), q.float(), dim, keepdim, interpolation=interpolation), input)
    dims = range(input.ndim) if dim is None else [normalize(dim, input.ndim)]
    sizes = [1 if d in dims else n for d, n in enumerate(input.shape) if keepdim or d not in dims]
    input, dim = (reshape(input, (-1,)), 0) if dim is None or not input.ndim else (input, dims[0])
    rank = reshape(q, (-1,)) * (input.shape[dim] - 1)
    below, inorder = elementwise.floor(rank.detach()), sort(input, dim)[0]
    low, high = (index_select(inorder, dim, each.long()) for each in (below, elementwise.ceil(rank.detach())))
    weight = reshape(_BETWEEN[interpolation](rank, below), [-1 if d == dim else 1 for d in range(input.ndim)])
    out = elementwise.where(any(isnan(input), dim, True), float("nan"), elementwise.lerp(low, high, weight))
    return reshape(movedim(out, dim, 0), (*q.shape, *sizes))


# Counting: no gradient


def _check_rows(input, dim) -> None:
    if dim is not None and input.shape[dim] and not input.size:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")


@op
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements (or slices along `dim`) in order; if asked for, where each element went, and how many there are of each."""
    _check_rows(input, dim)
    options = {"return_inverse": return_inverse, "return_counts": return_counts, "equal_nan": False}
    found = np.unique(input, axis=dim if dim is None else normalize(dim, input.ndim), **options)
    if not return_inverse:
        return found
    return (found[0], found[1].reshape(input.shape if dim is None else -1), *found[2:])


@op
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """`input` without the elements (or slices along `dim`) that equal the one before; the other results as of `unique`."""
    _check_rows(input, dim)
    rows = input.reshape(-1) if dim is None else np.moveaxis(input, dim, 0)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).reshape(len(new[1:]), prod(rows.shape[1:])).any(1)
    values = rows[new] if dim is None else np.moveaxis(rows[new], 0, dim)
    inverse = (np.cumsum(new) - 1).reshape(input.shape if dim is None else -1)
    counts = np.diff(np.append(np.flatnonzero(new), len(new)))
    found = (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return found if len(found) > 1 else values


def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, 2, … comes, or the sum of its weights."""
    if weights is None or weights.dtype.name == "float32":
        return _bincount(input, weights, minlength)
    return _bincount(input, weights.double(), minlength)


@op
def _bincount(input, weights, minlength):
    if input.dtype.kind not in "iu":
        raise NotImplementedError("bincount() is of integers")
    if input.ndim != 1 or (input < 0).any():
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is None:
        return np.bincount(input, minlength=minlength)
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return np.bincount(input, weights, minlength).astype(weights.dtype)


# fmt: off
isin = op(lambda elements, test_elements, assume_unique=False, invert=False: np.isin(elements, test_elements, assume_unique, invert))
nonzero = op(lambda input, as_tuple=False: np.nonzero(np.atleast_1d(input)) if as_tuple else np.argwhere(input))
argwhere = op(lambda input: np.argwhere(input))
count_nonzero = op(lambda input, dim=None: np.sum(input != 0, axis=axes(dim, input.ndim), dtype=np.int64))
# fmt: on

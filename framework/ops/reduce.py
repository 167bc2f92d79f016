"""Sums, means, extremes: many elements into one, along `dim` (one, several, or None for all)."""

import builtins
import functools
import math

import numpy as np

from ..autograd.op import broadcast_to, cast, like, op
from ..autograd.variable import Variable
from ..device import array_module
from . import elementwise
from .comparison import isfinite, isnan
from .elementwise import exp, log, square, where
from .promotion import floating
from .results import result_type
from .scan import as_type, product_of_others, total_type
from .scatter import scatter_add_into
from .shape import normalize, unsqueeze

ValuesIndices = result_type("ValuesIndices", "values indices")
_MinMax = result_type("aminmax", "min max")


def axes(dim, ndim: int, of_nothing=None):
    """`dim` (one, several, None for all) as NumPy's `axis`, checked; an empty tuple means `of_nothing`, usually all."""
    if dim is None:
        return None
    dims = tuple(normalize(each, ndim) for each in (dim if isinstance(dim, (list, tuple)) else (dim,)))
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return (dims if ndim else None) or of_nothing


def spelled(function):
    """`function` with NumPy's `axis` and `keepdims` accepted for `dim` and `keepdim`."""

    @functools.wraps(function)
    def wrapper(*args, **named):
        return function(*args, **{{"axis": "dim", "keepdims": "keepdim"}.get(name, name): value for name, value in named.items()})

    return wrapper


def in_single(function):
    """`function` computed in float32 for the 16-bit floating types, and rounded once, at the end."""

    @functools.wraps(function)
    def wrapper(input, *args, **named):
        dtype = input._array.dtype
        if dtype.itemsize > 2 or dtype.kind not in "fV":
            return function(input, *args, **named)
        return cast(function(cast(input, np.dtype(np.float32)), *args, **named), dtype)

    return wrapper


def spread(reduced, shape, dim, keepdim):
    """What was reduced from `shape` along `dim`, broadcast back to `shape`."""
    dims = axes(dim, len(shape))
    if not keepdim and dims:
        reduced = reduced.reshape(tuple(1 if i in dims else length for i, length in enumerate(shape)))
    return broadcast_to(reduced, shape)


def count(shape, dim) -> int:
    """How many elements go into one along `dim`."""
    dims = axes(dim, len(shape))
    return math.prod(shape if dims is None else [shape[each] for each in dims])


def _sum(input, dim=None, keepdim=False):
    return np.sum(input, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=total_type(input))


def _prod(input, dim=None, keepdim=False):
    return np.prod(input, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=total_type(input))


# fmt: off
sum_op = op(_sum, name="sum", input=lambda grad, input_shape, dim, keepdim: spread(grad, input_shape, dim, keepdim))
mean_op = op(lambda input, dim, keepdim: _sum(input, dim, keepdim) / count(input.shape, dim), name="mean",
             input=lambda grad, input_shape, dim, keepdim: spread(grad / count(input_shape, dim), input_shape, dim, keepdim))
prod_op = op(_prod, name="prod",
             input=lambda grad, input, input_shape, dim, keepdim:
                 spread(grad, input_shape, dim, keepdim) * product_of_others(input, dim))
# fmt: on


@spelled
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of the elements; integers are summed as int64, or all in `dtype`."""
    return as_type(sum_op(as_type(input, dtype), dim, keepdim), dtype)


@spelled
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of the elements that are not nan."""
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype)


@spelled
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """sum / n; RuntimeError for integers, whose mean is not one."""
    if not (dtype or input.dtype).is_floating_point:
        kind = f"{'Input' if dtype is None else 'Optional'} dtype must be either a floating point or complex dtype"
        raise RuntimeError(f"mean(): could not infer output dtype. {kind}. Got: {(dtype or input.dtype).title}")
    return mean_op(as_type(input, dtype), dim, keepdim)


@spelled
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are not nan."""
    return nansum(input, dim, keepdim, dtype=dtype) / sum(input.detach() == input.detach(), dim, keepdim)


@spelled
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product of the elements, in the type that `sum` has."""
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"prod(): argument 'dim' must be int, not {type(dim).__name__}")
    return as_type(prod_op(as_type(input, dtype), dim, keepdim), dtype)


@spelled
@in_single
def var(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The variance sum((x - mean)^2) / (n - correction), with Bessel's correction of 1 unless told otherwise."""
    dim, degrees = _degrees(input, dim, unbiased, correction)
    return sum(square(input - mean(input, dim, True)), dim, keepdim) / degrees


@spelled
@in_single
def std(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The square root of the variance, ||x - mean|| / sqrt(n - correction); its gradient where all are equal is 0."""
    dim, degrees = _degrees(input, dim, unbiased, correction)
    return euclidean(input - mean(input, dim, True), dim, keepdim) / degrees**0.5


def _degrees(input, dim, unbiased, correction):
    """`dim`, and n - correction: the number of independent deviations.  A bool in the place of `dim` is `unbiased`."""
    if not input.is_floating_point():
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return dim, builtins.max(float(count(input.shape, dim) - (int(unbiased) if correction is None else correction)), 0.0)


@spelled
def var_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """(variance, mean)."""
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, None if isinstance(dim, bool) else dim, keepdim)


@spelled
def std_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """(standard deviation, mean)."""
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, None if isinstance(dim, bool) else dim, keepdim)


def _refuse_empty(name, input, dims) -> None:
    """Of nothing there is no largest element."""
    if dims is None and not input.size:
        named = "" if name.startswith("arg") else " Specify the reduction dim with the 'dim' argument."
        error = IndexError if name.startswith("arg") else RuntimeError
        raise error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{named}")
    for each in dims or ():
        if not input.shape[each]:
            raise IndexError(f"{name}(): Expected reduction dim {each} to have non-zero size.")


def _extreme(name, compute):
    """The extreme over several dimensions: ties share the gradient evenly."""

    def forward(input, dim=(), keepdim=False):
        dims = axes(dim, input.ndim)
        _refuse_empty(name, input, dims)
        return compute(input, axis=dims, keepdims=keepdim)

    return op(forward, name=name, input=lambda grad, input, out, dim, keepdim: share_ties(grad, input, out, dim, keepdim))


def _place(name, compute):
    """Where the extreme is: along `dim`, or in all elements in one row."""

    def forward(input, dim=None, keepdim=False):
        if isinstance(dim, (tuple, list)):
            raise TypeError(f"{name}(): argument 'dim' (position 1) must be int, not {type(dim).__name__}")
        dims = axes(dim, input.ndim)
        _refuse_empty(name, input, dims)
        return compute(input, axis=dims and dims[0], keepdims=keepdim)

    return op(forward, name=name)


# fmt: off
amax, amin = _extreme("amax", np.max), _extreme("amin", np.min)
max_of_all, min_of_all = _extreme("max", np.max), _extreme("min", np.min)
argmax, argmin = _place("argmax", np.argmax), _place("argmin", np.argmin)
all = op(lambda input, dim=None, keepdim=False: _truth(np.all(input, axis=axes(dim, input.ndim, ()), keepdims=keepdim), input))
any = op(lambda input, dim=None, keepdim=False: _truth(np.any(input, axis=axes(dim, input.ndim, ()), keepdims=keepdim), input))
# fmt: on


def _truth(result, input):
    """Bools, except that uint8, which served for bool before there was one, stays what it is."""
    return result.astype(np.uint8 if input.dtype == np.uint8 else np.bool_)


def share_ties(grad, input, out, dim, keepdim):
    ties = input == spread(out, input.shape, dim, keepdim)
    winners = like(sum_op(ties, dim, keepdim), grad)
    return spread(grad / winners, input.shape, dim, keepdim) * ties


def picking(name, find):
    """An op that picks one element along `dim`, at the index `find(input, dim)`: (values, indices)."""
    result = result_type(name, "values indices")

    def forward(input, dim, keepdim=False):
        dim = normalize(dim, input.ndim)
        if not input.ndim:
            return result(input.copy(), np.zeros((), np.int64))
        _refuse_empty(name, input, (dim,))
        indices = find(input, dim)
        values = array_module(input).take_along_axis(input, indices, dim)
        return result(values, indices) if keepdim else result(values.squeeze(dim), indices.squeeze(dim))

    return op(forward, name=name, input=_to_picked)


def _to_picked(grad, out, input_shape, dim, keepdim):
    grad, indices = (grad[0], out[1]) if keepdim or not input_shape else (unsqueeze(each, dim) for each in (grad[0], out[1]))
    return scatter_add_into(grad, indices, dim, input_shape)


max_along = picking("max", lambda input, dim: np.argmax(input, dim, keepdims=True))
min_along = picking("min", lambda input, dim: np.argmin(input, dim, keepdims=True))


@spelled
def max(input, dim=None, keepdim=False, **named):
    """The largest element; with `dim` (values, indices) along it; with a second tensor the larger of the two, element by element."""
    return _max_or_min(input, dim, keepdim, named, max_of_all, max_along, "maximum")


@spelled
def min(input, dim=None, keepdim=False, **named):
    """The smallest element; with `dim` (values, indices) along it; with a second tensor the smaller of the two, element by element."""
    return _max_or_min(input, dim, keepdim, named, min_of_all, min_along, "minimum")


def _max_or_min(input, dim, keepdim, named, over_all, along, between):
    other = named.pop("other", dim)
    if named:
        raise TypeError(f"unexpected keyword argument '{next(iter(named))}'")
    if isinstance(other, Variable):
        return getattr(elementwise, between)(input, other)
    return over_all(input) if dim is None else along(input, dim, keepdim)


def aminmax(input, *, dim=None, keepdim=False):
    """(min, max) of all elements, or along `dim`."""
    return _MinMax(amin(input, () if dim is None else dim, keepdim), amax(input, () if dim is None else dim, keepdim))


@spelled
@in_single
def logsumexp(input, dim, keepdim=False):
    """log sum exp(x), shifted by the largest element so that nothing overflows."""
    (input,) = floating((input,))
    if not count(input.shape, dim):
        return log(sum(exp(input), dim, keepdim))
    top = amax(input.detach(), dim, True)
    top = where(isfinite(top), top, 0.0)
    total = log(sum(exp(input - top), dim, keepdim))
    return total + top.reshape(total.shape)


def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """(sum |x|^p)^(1/p); the largest |x| for p = inf, the smallest for -inf; how many are not 0 for p = 0; "fro" is 2."""
    if not (dtype or input.dtype).is_floating_point:
        kind = (dtype or input.dtype).title
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {kind}")
    return _norm(as_type(input, dtype), p, dim, keepdim)


@in_single
def _norm(input, p, dim, keepdim):
    if isinstance(p, str) and p != "fro":
        raise NotImplementedError(f"norm() does not support p={p!r}")
    if p in (2, None, "fro"):
        return euclidean(input, dim, keepdim)
    size = elementwise.abs(input)
    if p in (math.inf, -math.inf):
        if not count(input.shape, dim):
            raise RuntimeError(f"linalg.vector_norm cannot compute the {p} norm on an empty tensor because it does not have an identity")
        return (amax if p > 0 else amin)(size, () if dim is None else dim, keepdim)
    if p == 0:
        return sum(like(size != 0, size), dim, keepdim)
    total = sum(where(size == 0, 0.0, size) ** p, dim, keepdim)
    nothing = total == 0  # here, as at an element of 0, there is no gradient: PyTorch's choice is 0
    return where(nothing, 0.0, where(nothing, 1.0, total) ** (1 / p))


def dist(input, other, p=2):
    """The p-norm of `input - other`."""
    return norm(input - other, p)


# fmt: off
euclidean = op(lambda input, dim=None, keepdim=False: np.sqrt(np.sum(np.square(input), axis=axes(dim, input.ndim), keepdims=keepdim)),
               name="norm",  # at 0, where the norm has no gradient, PyTorch's choice: 0
               input=lambda grad, input, out, input_shape, dim, keepdim:
                   input * spread(where(out == 0, 0.0, grad / where(out == 0, 1.0, out)), input_shape, dim, keepdim))
# fmt: on

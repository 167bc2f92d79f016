"""Sums, means, extremes: many elements into one, along `dim` (one, several, or None for all)."""

import builtins
import math

import numpy as np

from ..autograd.op import broadcast_to, like, op
from ..autograd.variable import Variable
from . import elementwise
from .elementwise import exp, where
from .promotion import expect, floating, refuse, refusing
from .results import result_type
from .scan import in_dtype, product_of_others, total_type
from .scatter import scatter_add_into
from .shape import distinct, normalize, unsqueeze

_MinMax = result_type("aminmax", "min max")


def axes(dim, ndim: int, of_nothing=None):
    """`dim` (one, several, None for all) as NumPy's `axis`, checked; an empty tuple means `of_nothing`, usually all."""
    if dim is None:
        return None
    dims = distinct(dim, ndim)
    return (dims if ndim else None) or of_nothing


def spread(reduced, shape, dim, keepdim):
    """What was reduced from `shape` along `dim`, broadcast back to `shape`."""
    dims = axes(dim, len(shape))
    if not keepdim and dims:
        reduced = reduced.reshape(tuple(1 if i in dims else length for i, length in enumerate(shape)))
    return broadcast_to(reduced, shape)


def mean_of(shape, total, correction=0):
    """`total` / (n - correction), where n elements of `shape` went into each of `total`."""
    n = math.prod(shape) // (math.prod(total.shape) or 1)
    return total / builtins.max(float(n - correction), 0.0)


@op(promote=in_dtype, input=lambda grad, input_shape, dim, keepdim: spread(grad, input_shape, dim, keepdim))
def sum(input, dim=None, keepdim=False, dtype=None):
    """The sum of the elements; integers are summed as int64, or all in `dtype`."""
    return input.sum(axes(dim, input.ndim), total_type(input, dtype), keepdims=keepdim)


@op(promote=in_dtype, input=lambda grad, input, dim, keepdim: spread(grad, input.shape, dim, keepdim) * (input == input))
def nansum(input, dim=None, keepdim=False, dtype=None):
    """The sum of the elements that are not nan."""
    return sum.forward(where(input == input, input, 0), dim, keepdim, dtype)


@op(promote=in_dtype, input=lambda grad, input_shape, dim, keepdim: spread(mean_of(input_shape, grad), input_shape, dim, keepdim))
def mean(input, dim=None, keepdim=False, dtype=None):
    """sum / n; RuntimeError for integers, whose mean is not one."""
    if input.dtype.kind in "biu":
        raise RuntimeError(f"mean(): could not infer output dtype. The dtype must be a floating point one. Got: {input.dtype}")
    return mean_of(input.shape, input.sum(axes(dim, input.ndim), keepdims=keepdim))


@op(promote=in_dtype, input=lambda grad, input, dim, keepdim: spread(grad, input.shape, dim, keepdim) * product_of_others(input, dim))
def prod(input, dim=None, keepdim=False, dtype=None):
    """The product of the elements, in the type that `sum` has."""
    return input.prod(_one_axis("prod", dim, input.ndim), total_type(input, dtype), keepdims=keepdim)


def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are not nan."""
    refuse("biu", "nanmean", input)
    return nansum(input, dim, keepdim, dtype) / sum(input.detach() == input.detach(), dim, keepdim)


def _one_axis(name, dim, ndim):
    """`dim` or None as NumPy's `axis`, for functions that do not take several."""
    expect(not isinstance(dim, (tuple, list)), f"{name}(): argument 'dim' must be int, not {type(dim).__name__}", TypeError)
    return None if dim is None else normalize(dim, ndim)


# Variances


def _corrected(args):
    """A bool in the place of `dim` is `unbiased`; and `unbiased` is a correction of 1."""
    input, dim, unbiased, keepdim, correction = args
    refuse("biu", "std and var", input)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return input, dim, unbiased, keepdim, int(unbiased) if correction is None else correction


@op(promote=_corrected)
def var(input, dim=None, unbiased=True, keepdim=False, correction=None):
    """The variance sum((x - mean)^2) / (n - correction), with Bessel's correction of 1 unless told otherwise."""
    total = np.square(input - mean.forward(input, dim, True)).sum(axes(dim, input.ndim), keepdims=keepdim)
    return mean_of(input.shape, total, correction)


@op(promote=_corrected)
def std(input, dim=None, unbiased=True, keepdim=False, correction=None):
    """The square root of the variance; its gradient where all are equal is 0."""
    return np.sqrt(var.forward(input, dim, unbiased, keepdim, correction))


@var.rule("input")
def _to_elements(grad, input, dim, keepdim, correction):
    slope = mean_of(input.shape, 2 * grad, correction)
    return spread(slope, input.shape, dim, keepdim) * (input - mean(input, dim, True))


@std.rule("input")
def _(grad, input, out, dim, keepdim, correction):
    return _to_elements(where(out == 0, 0.0, 0.5 * grad / where(out == 0, 1.0, out)), input, dim, keepdim, correction)


def var_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """(variance, mean)."""
    return var(input, dim, unbiased, keepdim, correction), mean(input, None if isinstance(dim, bool) else dim, keepdim)


def std_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """(standard deviation, mean)."""
    return std(input, dim, unbiased, keepdim, correction), mean(input, None if isinstance(dim, bool) else dim, keepdim)


# Extremes


def _refuse_empty(name, input, dims) -> None:
    """Of nothing there is no largest element."""
    for each in dims:
        expect(input.shape[each], f"{name}(): Expected reduction dim {each} to have non-zero size.", IndexError)


def share_ties(grad, input, out, dim, keepdim):
    ties = input == spread(out, input.shape, dim, keepdim)
    return spread(grad / like(sum(ties, dim, keepdim), grad), input.shape, dim, keepdim) * ties


def share_all(grad, input, out):
    """Of all elements, those that are the extreme share the gradient: if that is nan, the nan."""
    ties = (input == out) | ((input != input) & (out != out))
    return grad / like(sum(ties), grad) * ties


def _extreme(name, compute, rule=share_ties):
    """The extreme over several dimensions: ties share the gradient evenly."""

    def forward(input, dim=(), keepdim=False):
        dims = axes(dim, input.ndim)
        _refuse_empty(name, input, dims or ())
        return compute(input, axis=dims, keepdims=keepdim)

    return op(forward, name=name, input=rule)


def _place(name, compute):
    """Where the extreme is: along `dim`, or in all elements in one row."""

    def forward(input, dim=None, keepdim=False):
        axis = _one_axis(name, dim, input.ndim)
        _refuse_empty(name, input, range(input.ndim) if axis is None else (axis,)[: input.ndim])
        return compute(input, axis=axis, keepdims=keepdim)

    return refusing("b", op(forward, name=name))


def picking(name, find):
    """An op that picks one element along `dim`, at the index `find(input, dim)`: (values, indices)."""
    result = result_type(name, "values indices")

    def forward(input, dim, keepdim=False):
        line, dim = np.atleast_1d(input), normalize(dim, input.ndim)
        _refuse_empty(name, line, (dim,))
        indices = find(line, dim)
        picked = np.take_along_axis(line, indices, dim), indices
        return result(*(each if keepdim and input.ndim else each.squeeze(dim) for each in picked))

    def to_picked(grad, indices, input_shape, dim, keepdim):
        grad, indices = (each if keepdim or not input_shape else unsqueeze(each, dim) for each in (grad[0], indices))
        return scatter_add_into(grad, indices, dim, input_shape)

    return op(forward, name=name, input=to_picked)


def all_or_along(whole, along, docstring, between=None):
    """The function of three forms: one of all elements, (values, indices) along a dimension, or one of each two of two tensors."""

    def function(input, *args, **named):
        if not args and not named:
            return whole(input)
        other = named.get("other", args[0] if args else None)
        return between(input, other) if between is not None and isinstance(other, Variable) else along(input, *args, **named)

    function.__name__, function.__doc__ = whole.__name__, docstring
    return function


amax, amin = _extreme("amax", np.max), _extreme("amin", np.min)
argmax, argmin = _place("argmax", np.argmax), _place("argmin", np.argmin)
max_along = picking("max", lambda input, dim: argmax.compute([input, dim, True])[0])
min_along = picking("min", lambda input, dim: argmin.compute([input, dim, True])[0])
_FORMS = "The {0} element; with `dim` (values, indices) along it; with a second tensor the {1} of the two, element by element."
max = all_or_along(_extreme("max", np.max, share_all), max_along, _FORMS.format("largest", "larger"), elementwise.maximum)
min = all_or_along(_extreme("min", np.min, share_all), min_along, _FORMS.format("smallest", "smaller"), elementwise.minimum)
all = op(lambda input, dim=None, keepdim=False: _truth(input.all(axes(dim, input.ndim, ()), keepdims=keepdim), input))
any = op(lambda input, dim=None, keepdim=False: _truth(input.any(axes(dim, input.ndim, ()), keepdims=keepdim), input))


def _truth(result, input):
    """Bools, except that uint8, which served for bool before there was one, stays what it is."""
    return result.astype(np.uint8 if input.dtype == np.uint8 else np.bool_)


def aminmax(input, *, dim=None, keepdim=False):
    """(min, max) of all elements, or along `dim`."""
    return _MinMax(*(extreme(input, () if dim is None else dim, keepdim) for extreme in (amin, amax)))


# Exponential sums and norms


@op(promote=lambda args: (*floating(args[:1]), *args[1:]))
def logsumexp(input, dim, keepdim=False):
    """log sum exp(x), shifted by the largest element so that nothing overflows."""
    axis = axes(dim, input.ndim)
    top = np.nan_to_num(input.max(axis, keepdims=True), nan=np.nan) if input.size else 0
    out = np.log(np.exp(input - top).sum(axis, keepdims=True)) + top
    return out if keepdim else out.squeeze(axis)


@logsumexp.rule("input")
def _(grad, input, out, dim, keepdim):
    grad, out = (spread(each, input.shape, dim, keepdim) for each in (grad, out))
    return grad * exp(input - out)


def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """(sum |x|^p)^(1/p); the largest |x| for p = inf, the smallest for -inf; how many are not 0 for p = 0; "fro" is 2."""
    input, *_ = in_dtype((input, dtype))
    refuse("biu", "norm", input)
    expect(not isinstance(p, str) or p == "fro", f"norm() does not support p={p!r}", NotImplementedError)
    if p in (2, None, "fro"):
        return power_norm(input, 2, dim, keepdim)
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(elementwise.abs(input), () if dim is None else dim, keepdim)
    return power_norm(input, p, dim, keepdim) if p else sum(like(input != 0, input), dim, keepdim)


@op(name="norm")
def power_norm(input, p, dim, keepdim):
    return ((input if p == 2 else np.abs(input)) ** p).sum(axes(dim, input.ndim), keepdims=keepdim) ** (1 / p)


@power_norm.rule("input")
def _(grad, input, out, p, dim, keepdim):
    """sign(x) |x / norm|^(p-1); at 0, where there may be none, PyTorch's choice is 0."""
    if p == 2:
        return input * spread(where(out == 0, 0.0, grad / where(out == 0, 1.0, out)), input.shape, dim, keepdim)
    grad, out = (spread(each, input.shape, dim, keepdim) for each in (grad, out))
    nothing = (input == 0) | (out == 0)
    ratio = where(nothing, 1.0, input) / where(nothing, 1.0, out)
    return where(nothing, 0.0, grad * elementwise.sign(input) * elementwise.abs(ratio) ** (p - 1))

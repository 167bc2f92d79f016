"""Sums, means, extremes: many elements into one, along `dim` (one, several, or None for all)."""

import builtins
from collections import namedtuple

import numpy as np

from .. import dtypes
from ..autograd.op import broadcast_to, cast, like, op
from ..autograd.variable import Variable
from ..device import array_module
from . import elementwise
from .comparison import isfinite
from .elementwise import exp, log, square, where
from .index import scatter_add_into
from .promotion import floating, refuse, refusing
from .shape import cat, flip

ValuesIndices = namedtuple("ValuesIndices", ("values", "indices"))


def axes(dim):
    """`dim` as NumPy's `axis`; PyTorch's empty tuple means all dimensions."""
    if isinstance(dim, (list, tuple)):
        return tuple(dim) or None
    return dim


def spread(reduced, shape, dim, keepdim):
    """What was reduced from `shape` along `dim`, broadcast back to `shape`."""
    if not keepdim and dim is not None and shape:
        dims = dim if isinstance(dim, (list, tuple)) else (dim,)
        dims = {each % len(shape) for each in dims}
        if dims:
            reduced = reduced.reshape(tuple(1 if i in dims else length for i, length in enumerate(shape)))
    return broadcast_to(reduced, shape)


def _sum(input, dim=None, keepdim=False):
    kind = input.dtype.kind
    return np.sum(input, axis=axes(dim), keepdims=keepdim, dtype=np.int64 if kind in "biu" else input.dtype)


sum_op = op(_sum, name="sum", input=lambda grad, input_shape, dim, keepdim: spread(grad, input_shape, dim, keepdim))


def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of the elements; integers are summed as int64, or all in `dtype`."""
    return sum_op(input, dim, keepdim) if dtype is None else cast(sum_op(cast(input, dtype.numpy), dim, keepdim), dtype.numpy)


def count(shape, dim) -> int:
    """How many elements go into one along `dim`."""
    dims = range(len(shape)) if dim is None or dim == () else dim if isinstance(dim, (list, tuple)) else (dim,)
    return int(np.prod([shape[each] for each in dims], dtype=np.int64)) if shape else 1


def mean(input, dim=None, keepdim=False, *, dtype=None):
    """sum / n; RuntimeError for integers, whose mean is not one."""
    dtype = dtype or dtypes.of_numpy(input._array.dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {dtype.name}"
        )
    n = count(input.shape, dim)
    return sum(input, dim, keepdim, dtype=dtype) / (n if n else float("nan"))


def var(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The variance sum((x - mean)^2) / (n - correction), with Bessel's correction of 1 unless told otherwise."""
    return sum(square(input - mean(input, dim, True)), dim, keepdim) / _degrees(input, dim, unbiased, correction)


def std(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The square root of the variance, ||x - mean|| / sqrt(n - correction); its gradient where all are equal is 0."""
    return norm(input - mean(input, dim, True), 2, dim, keepdim) / _degrees(input, dim, unbiased, correction) ** 0.5


def _degrees(input, dim, unbiased, correction):
    """n - correction, the number of independent deviations; nan if there are none."""
    degrees = builtins.max(count(input.shape, dim) - (int(unbiased) if correction is None else correction), 0)
    return degrees if degrees else float("nan")


def _prod(input, dim=None, keepdim=False):
    return np.prod(input, axis=dim, keepdims=keepdim, dtype=np.int64 if input.dtype.kind in "biu" else input.dtype)


# fmt: off
prod = op(_prod, name="prod",
          input=lambda grad, input, out, input_shape, dim, keepdim:
              spread(grad, input_shape, dim, keepdim) * product_of_others(input, dim))
# Extremes over several dimensions: ties share the gradient evenly
amax = op(lambda input, dim=(), keepdim=False: np.max(input, axis=axes(dim), keepdims=keepdim),
          input=lambda grad, input, out, dim, keepdim: share_ties(grad, input, out, dim, keepdim))
amin = op(lambda input, dim=(), keepdim=False: np.min(input, axis=axes(dim), keepdims=keepdim),
          input=lambda grad, input, out, dim, keepdim: share_ties(grad, input, out, dim, keepdim))
argmax = refusing("b", op(lambda input, dim=None, keepdim=False: np.argmax(input, axis=dim, keepdims=keepdim)))
argmin = refusing("b", op(lambda input, dim=None, keepdim=False: np.argmin(input, axis=dim, keepdims=keepdim)))
all = op(lambda input, dim=None, keepdim=False: _truth(np.all(input, axis=axes(dim), keepdims=keepdim), input))
any = op(lambda input, dim=None, keepdim=False: _truth(np.any(input, axis=axes(dim), keepdims=keepdim), input))
cumsum = op(lambda input, dim: np.cumsum(input, dim, np.int64 if input.dtype.kind in "biu" else input.dtype).reshape(input.shape),
            input=lambda grad, dim: flip(cumsum(flip(grad, dim), dim), dim))
# fmt: on


def _truth(result, input):
    """Bools, except that uint8, which served for bool before there was one, stays what it is."""
    return result.astype(np.uint8 if input.dtype == np.uint8 else np.bool_)


def product_of_others(input, dim):
    """For each element the product of all the others, right even where an element is zero: running products from both ends."""
    if dim is None:
        return product_of_others(input.reshape((-1,)), 0).reshape(input.shape)
    length = input.shape[dim] if input.ndim else 1
    if not input.ndim:
        return input * 0 + 1
    parts = [input[(slice(None),) * (dim % input.ndim) + (slice(i, i + 1),)] for i in range(length)]
    if length < 2:
        return input * 0 + 1
    before, after = [parts[0] * 0 + 1], [parts[0] * 0 + 1]
    for left, right in zip(parts[:-1], reversed(parts[1:]), strict=True):
        before.append(before[-1] * left)
        after.append(after[-1] * right)
    return cat([a * b for a, b in zip(before, reversed(after), strict=True)], dim)


def share_ties(grad, input, out, dim, keepdim):
    shape, dim = input.shape, None if dim == () else dim
    ties = input == spread(out, shape, dim, keepdim)
    winners = like(sum_op(ties, dim, keepdim), grad)
    return spread(grad / winners, shape, dim, keepdim) * ties


def _pick(array, indices, dim):
    return array_module(array).take_along_axis(array, indices, dim)


def _extreme(argument):
    def forward(input, dim, keepdim=False):
        if not input.ndim:
            return ValuesIndices(input.copy(), np.zeros((), np.int64))
        indices = argument(input, axis=dim, keepdims=True)
        values = _pick(input, indices, dim)
        return ValuesIndices(values, indices) if keepdim else ValuesIndices(values.squeeze(dim), indices.squeeze(dim))

    return forward


def _to_winners(grad, out, input_shape, dim, keepdim):
    if not input_shape:
        return grad[0]
    indices, grad = out[1], grad[0]
    if not keepdim:
        shape = tuple(1 if i == dim % len(input_shape) else n for i, n in enumerate(input_shape))
        indices, grad = indices.reshape(shape), grad.reshape(shape)
    return scatter_add_into(grad, indices, dim, input_shape)


max_along = op(_extreme(np.argmax), name="max", input=_to_winners)
min_along = op(_extreme(np.argmin), name="min", input=_to_winners)


def max(input, dim=None, keepdim=False, **named):
    """The largest element; with `dim` (values, indices) along it; with a second tensor the larger of the two, element by element."""
    return _max_or_min(input, dim, keepdim, named, amax, max_along, "maximum")


def min(input, dim=None, keepdim=False, **named):
    """The smallest element; with `dim` (values, indices) along it; with a second tensor the smaller of the two, element by element."""
    return _max_or_min(input, dim, keepdim, named, amin, min_along, "minimum")


def _max_or_min(input, dim, keepdim, named, over_all, along, between):
    other = named.pop("other", dim)
    if named:
        raise TypeError(f"unexpected keyword argument '{next(iter(named))}'")
    if isinstance(other, Variable):
        return getattr(elementwise, between)(input, other)
    return over_all(input) if dim is None else along(input, dim, keepdim)


def logsumexp(input, dim, keepdim=False):
    """log sum exp(x), shifted by the largest element so that nothing overflows."""
    (input,) = floating((input,))
    top = amax(input.detach(), dim, True)
    top = where(isfinite(top), top, 0.0)
    total = log(sum(exp(input - top), dim, True)) + top
    return total if keepdim else total.squeeze(dim)


def norm(input, p=2, dim=None, keepdim=False):
    """(sum |x|^p)^(1/p); the largest |x| for p = inf; sqrt(sum x^2) for "fro"."""
    refuse("biu", "norm", input)
    size = elementwise.abs(input)
    if p == float("inf"):
        return amax(size, () if dim is None else dim, keepdim)
    if p in (2, "fro"):
        return euclidean(input, dim, keepdim)
    return sum(size**p, dim, keepdim) ** (1 / p)


# fmt: off
euclidean = op(lambda input, dim=None, keepdim=False: np.sqrt(np.sum(np.square(input), axis=axes(dim), keepdims=keepdim)),
               name="norm",  # at 0, where the norm has no gradient, PyTorch's choice: 0
               input=lambda grad, input, out, input_shape, dim, keepdim:
                   input * spread(where(out == 0, 0.0, grad / where(out == 0, 1.0, out)), input_shape, dim, keepdim))
# fmt: on

"""Running sums, products and extremes: each element out is made of those before it along `dim`; and differences, the other way round."""

import numpy as np

from ..autograd.op import cast, op
from ..device import array_module
from .results import result_type
from .scatter import scatter_add_into
from .shape import cat, constant_pad, flip, normalize


def as_type(input, dtype):
    """`input` in the type `dtype`, if one is given."""
    return input if dtype is None or input.dtype is dtype else cast(input, dtype.numpy)


def total_type(input):
    """The type of sums and products of `input`: that of the whole numbers is int64."""
    return np.int64 if input.dtype.kind in "biu" else input.dtype


# fmt: off
cumsum_op = op(lambda input, dim: np.cumsum(input, normalize(dim, input.ndim), total_type(input)).reshape(input.shape), name="cumsum",
               input=lambda grad, dim: flip(cumsum_op(flip(grad, (dim,)), dim), (dim,)))
cumprod_op = op(lambda input, dim: np.cumprod(input, normalize(dim, input.ndim), total_type(input)).reshape(input.shape), name="cumprod",
                input=lambda grad, input, dim: _cumprod_gradient(grad, input, dim))
# fmt: on


def cumsum(input, dim, *, dtype=None):
    """Running sums: out[i] = x[0] + … + x[i]."""
    return as_type(cumsum_op(as_type(input, dtype), dim), dtype)


def cumprod(input, dim, *, dtype=None):
    """Running products: out[i] = x[0] · … · x[i]."""
    return as_type(cumprod_op(as_type(input, dtype), dim), dtype)


def part(input, dim, *limits):
    """`input[start:stop]`, but along `dim`."""
    return input[(slice(None),) * dim + (slice(*limits),)]


def _product_before(input, dim):
    """x[0] · … · x[i-1], which of nothing is 1."""
    shift = [int(each == dim) for each in range(input.ndim)]
    return constant_pad(cumprod_op(input, dim), shift, [-each for each in shift], 1)


def product_of_others(input, dim):
    """For each element the product of all the others, right even where an element is zero: running products from both ends."""
    if dim is None:
        return product_of_others(input.reshape((-1,)), 0).reshape(input.shape)
    if not input.ndim:
        return input * 0 + 1
    dim = normalize(dim, input.ndim)
    return _product_before(input, dim) * flip(_product_before(flip(input, (dim,)), dim), (dim,))


def _cumprod_gradient(grad, input, dim):
    """x[0] · … · x[i-1] · r[i], where r[i] = grad[i] + x[i+1] r[i+1] is what arrives through all later products: no division by zero."""
    if not input.ndim or not input.shape[dim]:
        return grad
    dim = normalize(dim, input.ndim)
    arrived = [part(grad, dim, -1, None)]
    for i in range(input.shape[dim] - 2, -1, -1):
        arrived.append(part(grad, dim, i, i + 1) + part(input, dim, i + 1, i + 2) * arrived[-1])
    return _product_before(input, dim) * cat(arrived[::-1], dim)


def _running_extreme(name, accumulate):
    """(values, indices): of equals the last index; nan counts as extreme, and stays."""
    result = result_type(name, "values indices")

    def forward(input, dim):
        dim = normalize(dim, input.ndim)
        if not input.ndim:
            return result(input.copy(), np.zeros((), np.int64))
        values = accumulate(input, axis=dim)
        places = array_module(input).arange(input.shape[dim]).reshape([-1 if d == dim else 1 for d in range(input.ndim)])
        return result(values, np.maximum.accumulate(np.where((input == values) | (input != input), places, 0), axis=dim))

    return op(forward, name=name, input=lambda grad, out, input_shape, dim: scatter_add_into(grad[0], out[1], dim, input_shape))


cummax = _running_extreme("cummax", np.maximum.accumulate)
cummin = _running_extreme("cummin", np.minimum.accumulate)


def diff(input, n=1, dim=-1, prepend=None, append=None):
    """x[i+1] - x[i] along `dim`, `n` times over, after joining what is given to either end."""
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim, ends = normalize(dim, input.ndim), [each for each in (prepend, append) if each is not None]
    if any(each.ndim != input.ndim for each in ends):
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if ends:
        input = cat([each for each in (prepend, input, append) if each is not None], dim)
    for _ in range(min(n, input.shape[dim])):
        later, earlier = part(input, dim, 1, None), part(input, dim, None, -1)
        input = later ^ earlier if input.dtype.name == "bool" else later - earlier
    return input

"""Running sums, products and extremes: each element out is made of those before it along `dim`; and differences, the other way round."""

import numpy as np

from ..autograd.op import cast, op
from .promotion import expect
from .results import result_type
from .scatter import scatter_add_into
from .shape import along, at_least, cat, constant_pad, flip, normalize


def in_dtype(args):
    """The arguments of an op: `input`, the first, cast to `dtype`, the last, if one is given."""
    return args if args[-1] is None else (cast(args[0], args[-1].numpy), *args[1:])


def total_type(input, dtype):
    """The type of sums and products of `input`, which has been cast to `dtype` if one was given: that of the whole numbers is int64."""
    return np.int64 if dtype is None and input.dtype.kind in "biu" else input.dtype


@op(promote=in_dtype, input=lambda grad, dim: flip(cumsum(flip(grad, (dim,)), dim), (dim,)))
def cumsum(input, dim, dtype=None):
    """Running sums: out[i] = x[0] + … + x[i]."""
    return np.cumsum(input, normalize(dim, input.ndim), total_type(input, dtype)).reshape(input.shape)


@op(promote=in_dtype)
def cumprod(input, dim, dtype=None):
    """Running products: out[i] = x[0] · … · x[i]."""
    return np.cumprod(input, normalize(dim, input.ndim), total_type(input, dtype)).reshape(input.shape)


def _product_before(input, dim):
    """x[0] · … · x[i-1], which of nothing is 1."""
    shift = [int(each == dim) for each in range(input.ndim)]
    return constant_pad(cumprod(input, dim), shift, [-each for each in shift], 1)


def product_of_others(input, dim):
    """For each element the product of all the others, right even where an element is zero: running products from both ends."""
    if dim is None or not input.ndim:
        return product_of_others(input.reshape((-1,)), 0).reshape(input.shape)
    dim = normalize(dim, input.ndim)
    return _product_before(input, dim) * flip(_product_before(flip(input, (dim,)), dim), (dim,))


@cumprod.rule("input")
def _(grad, input, dim):
    """x[0] · … · x[i-1] · r[i], where r[i] = grad[i] + x[i+1] r[i+1] is what arrives through all later products: no division by zero."""
    if not input.ndim or not input.shape[dim]:
        return grad
    dim = normalize(dim, input.ndim)
    arrived = [grad[along(dim, slice(-1, None))]]
    for i in range(input.shape[dim] - 2, -1, -1):
        arrived.append(grad[along(dim, slice(i, i + 1))] + input[along(dim, slice(i + 1, i + 2))] * arrived[-1])
    return _product_before(input, dim) * cat(arrived[::-1], dim)


def _accumulated(extreme, line, dim):
    """The extreme so far, of ever more neighbours: 2, 4, 8, …  CuPy's has no `accumulate`."""
    for step in [1 << k for k in range((line.shape[dim] - 1).bit_length() or 1)]:  # once at least, for a copy
        line, before = line.copy(), line
        line[along(dim, slice(step, None))] = extreme(before[along(dim, slice(step, None))], before[along(dim, slice(None, -step))])
    return line


def _running_extreme(name, extreme):
    """(values, indices): of equals the last index; nan counts as extreme, and stays."""
    result = result_type(name, "values indices")

    def forward(input, dim):
        line, dim = np.atleast_1d(input), normalize(dim, input.ndim)
        values, places = _accumulated(extreme, line, dim), np.cumsum(np.ones_like(line, np.int64), dim) - 1
        indices = _accumulated(np.maximum, np.where((line == values) | (line != line), places, 0), dim)
        return result(values.reshape(input.shape), indices.reshape(input.shape))

    return op(forward, name=name, input=lambda grad, indices, input_shape, dim: scatter_add_into(grad[0], indices, dim, input_shape))


cummax, cummin = _running_extreme("cummax", np.maximum), _running_extreme("cummin", np.minimum)


def diff(input, n=1, dim=-1, prepend=None, append=None):
    """x[i+1] - x[i] along `dim`, `n` times over, after joining what is given to either end."""
    dim = normalize(dim, at_least(1, input, "diff").ndim)
    expect(n >= 0, f"order must be non-negative but got {n}")
    pieces = [each for each in (prepend, input, append) if each is not None]
    expect(all(each.ndim == input.ndim for each in pieces), "diff expects prepend or append to be the same dimension as input")
    input = cat(pieces, dim) if len(pieces) > 1 or not n else input
    for _ in range(min(n, input.shape[dim])):
        later, earlier = input[along(dim, slice(1, None))], input[along(dim, slice(-1))]
        input = later ^ earlier if input.dtype.name == "bool" else later - earlier
    return input

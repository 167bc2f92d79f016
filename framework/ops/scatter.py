"""Picking and placing elements along one dimension (gather, scatter, index_…), by a mask, or by their place among all."""

from math import inf

import numpy as np

from ..autograd.op import broadcast_to, like, op
from ..autograd.variable import Variable
from ..device import array_module
from . import comparison, elementwise
from .elementwise import where
from .index import _add_at, add_at, getitem, put_at
from .shape import normalize, reshape


def _places(name, shape, dim, index):
    """For each element of `index` its full position in an array of `shape`: its own place, but `index` along `dim`."""
    if index.dtype.kind != "i" and index.size:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    dim, shape = normalize(dim, len(shape)), shape or (1,)
    if (index.ndim or 1) != len(shape):
        kind = "input" if name == "gather" else "self"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {kind} tensor")
    index = index.reshape(index.shape or (1,))
    if any(n > m for d, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if d != dim):
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(shape)} apart from dimension {dim}")
    _check_bounds(index, dim, shape[dim])
    module = array_module(index)
    grid = np.ogrid[tuple(slice(n) for n in index.shape)]
    return tuple(index if d == dim else module.asarray(each) for d, each in enumerate(grid))


def _check_bounds(index, dim, length, error=RuntimeError) -> None:
    if index.size and (index.min() < 0 or index.max() >= length):
        wrong = int(index.min() if index.min() < 0 else index.max())
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {length}")


def _gather(input, dim, index):
    return input.reshape(input.shape or (1,))[_places("gather", input.shape, dim, index)].reshape(index.shape)


def _scatter_add(input, index, dim, shape):
    return _add_at(input.reshape(input.shape or (1,)), shape or (1,), _places("scatter_add", shape, dim, index)).reshape(shape)


def _scattering(name, write, **rules):
    """An op that changes the elements of `input` at `index` along `dim` by `write(them, where, src)`."""

    def forward(input, dim, index, src):
        out = input.copy().reshape(input.shape or (1,))
        write(out, _places(name, input.shape, dim, index), src.reshape(src.shape or (1,)) if hasattr(src, "shape") else src)
        return out.reshape(input.shape)

    return op(forward, name=name, **rules)


# fmt: off
gather = op(_gather, name="gather", input=lambda grad, dim, index, input_shape: scatter_add_into(grad, index, dim, input_shape))
scatter_add_into = op(_scatter_add, name="scatter_add", input=lambda grad, index, dim: gather(grad, dim, index))  # into zeros of `shape`
scatter_src = _scattering("scatter", lambda out, places, src: out.__setitem__(places, src),
                          input=lambda grad, dim, index: scatter_src(grad, dim, index, 0.0),
                          src=lambda grad, dim, index: gather(grad, dim, index))
scatter_amax = _scattering("scatter_reduce", lambda out, places, src: np.maximum.at(out, places, src))
scatter_amin = _scattering("scatter_reduce", lambda out, places, src: np.minimum.at(out, places, src))
scatter_prod = _scattering("scatter_reduce", lambda out, places, src: np.multiply.at(out, places, src))
# fmt: on


@scatter_amax.rule("input", "src")
@scatter_amin.rule("input", "src")
def _(grad, input, src, out, dim, index):
    """Shared evenly among all that are the extreme."""
    from_input, from_src = like(input == out, grad), like(src == gather(out, dim, index), grad)
    share = grad / (from_input + scatter_add_into(from_src, index, dim, input.shape))
    return share * from_input, gather(share, dim, index) * from_src


@scatter_prod.rule("input", "src")
def _(grad, input, src, dim, index):
    """The product of the others: where one factor is zero only that one has a gradient, where two are none."""
    ones = [where(each == 0, 1.0, each) for each in (input, src)]
    product = scatter_prod(ones[0], dim, index, ones[1])
    zeros = like(input == 0, grad) + scatter_add_into(like(src == 0, grad), index, dim, input.shape)

    def others(factor, product, zeros):
        return where(factor == 0, where(zeros == 1, product, 0.0), where(zeros == 0, product / where(factor == 0, 1.0, factor), 0.0))

    gathered = [gather(each, dim, index) for each in (product, zeros, grad)]
    return grad * others(input, product, zeros), gathered[2] * others(src, *gathered[:2])


def _source(name, input, dim, index, src):
    """The part of `src` that `index` speaks of; a number stands for a tensor full of it."""
    if not isinstance(src, Variable):
        return like(Variable.wrap(array_module(index._array).full(index.shape, src)), input)
    if src.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    if (src.ndim or 1) != (index.ndim or 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if any(n > m for n, m in zip(index.shape, src.shape, strict=False)):
        sizes = f"apart from dimension {dim} and to be no larger size than src {list(src.shape)}"
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} {sizes}")
    return src if src.shape == index.shape else getitem(src, tuple(slice(n) for n in index.shape))


def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """`input` with `src` (a tensor or a number) written at `index` along `dim`: out[index[i, j], j] = src[i, j] for dim = 0."""
    src = _source("scatter", input, dim, index, value if src is None else src)
    if reduce is None:
        return scatter_src(input, dim, index, src)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    return scatter_reduce(input, dim, index, src, {"add": "sum", "multiply": "prod"}[reduce])


def scatter_add(input, dim, index, src):
    """`input` with `src` added at `index` along `dim`: out[index[i, j], j] += src[i, j] for dim = 0."""
    return input + scatter_add_into(_source("scatter", input, dim, index, src), index, dim, tuple(input.shape))


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """`input` with all of `src` that meets at one place reduced by "sum", "prod", "mean", "amax" or "amin", with what is there or not."""
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    src, shape = _source("scatter", input, dim, index, src), tuple(input.shape)
    if not include_self:
        input = scatter(input, dim, index, _neutral(reduce, input._array.dtype))
    if reduce == "sum":
        return scatter_add(input, dim, index, src)
    if reduce == "mean":
        count = scatter_add_into(index * 0 + 1, index, dim, shape) + int(include_self)
        total, count = scatter_add(input, dim, index, src), elementwise.clamp(count, 1)
        return total / count if input.is_floating_point() else like(elementwise.floor_divide(total, count), input)
    return {"prod": scatter_prod, "amax": scatter_amax, "amin": scatter_amin}[reduce](input, dim, index, src)


def _neutral(reduce, dtype):
    """The number that changes nothing."""
    if reduce not in ("amax", "amin") or dtype.kind == "b":
        return int(reduce in ("prod", "amin"))
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max
    return -inf if reduce == "amax" else inf


def _along(name, input, dim, index, error=RuntimeError, negative=False):
    """The index, as `x[…]` wants it, of the slices `index` of `input` along `dim`."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {index.dtype.title}")
    if index.dtype.numpy.kind != "i":
        raise error(f"{name}(): Expected dtype int32/int64 for index but got: {index.dtype.title}")
    dim = normalize(dim, input.ndim)
    if not negative:
        _check_bounds(index._array, dim, input.shape[dim], error)
    return (slice(None),) * dim + (reshape(index, (-1,)),)


def _at_least_1d(function):
    """`function` of (input, dim, index, …) for tensors of no dimension too: as if they had one, of length 1."""

    def wrapped(input, dim, index, *args, **named):
        if input.ndim:
            return function(input, dim, index, *args, **named)
        return reshape(function(reshape(input, (1,)), dim, index, *args, **named), ())

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    return wrapped


@_at_least_1d
def index_select(input, dim, index):
    """The slices `index` of `input` along `dim`."""
    return getitem(input, _along("index_select", input, dim, index))


@_at_least_1d
def index_add(input, dim, index, source, *, alpha=1):
    """`input` with `alpha` times the slices of `source` added to its slices `index` along `dim`."""
    where = _along("index_add_", input, dim, index)
    mixed = f"self ({input.dtype.title}) and source ({source.dtype.title}) must have the same scalar type"
    source = _checked_slices("index_add_", input, where, source, mixed, RuntimeError)
    source = source if alpha == 1 else like(source * (alpha if input.is_floating_point() else int(alpha)), input)
    return input + add_at(source, tuple(input.shape), where)


@_at_least_1d
def index_copy(input, dim, index, source):
    """`input` with its slices `index` along `dim` replaced by those of `source`."""
    where = _along("index_copy_", input, dim, index, IndexError)
    mixed = f"self and source expected to have the same dtype, but got (self) {input.dtype.title} and (source) {source.dtype.title}"
    return put_at(input, where, _checked_slices("index_copy_", input, where, source, mixed, IndexError))


def _checked_slices(name, input, where, source, mixed, error):
    """`source`, whose slices must be of the same type, as many as the indices, and fit."""
    if source.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): {mixed}")
    dim, n = len(where) - 1, where[-1].numel()
    source = source if source.ndim else reshape(source, (1,))
    if source.ndim <= dim or source.shape[dim] != n:
        size = source.shape[dim] if source.ndim > dim else source.ndim
        raise error(f"{name}(): Number of indices ({n}) should be equal to source.size(dim) ({size})")
    if (*source.shape[:dim], *source.shape[dim + 1 :]) != (*input.shape[:dim], *input.shape[dim + 1 :]):
        shapes = f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        raise error(f"source tensor shape must match self tensor shape, excluding the specified dimension. {shapes}")
    return source


@_at_least_1d
def index_fill(input, dim, index, value):
    """`input` with its slices `index` along `dim` set to one number."""
    _check_scalar("index_fill_", value)
    return put_at(input, _along("index_fill_", input, dim, index, IndexError, negative=True), value)


def _check_scalar(name, value) -> None:
    if isinstance(value, Variable) and value.ndim:
        raise RuntimeError(f"{name} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")


_fill = op(lambda input, mask, value: np.where(mask, array_module(input).asarray(value).astype(input.dtype), input), name="masked_fill",
           input=lambda grad, mask: _fill(grad, mask, 0), value=lambda grad, mask: grad * mask)  # fmt: skip


def masked_fill(input, mask, value):
    """`value`, one number, where `mask` is true, `input` elsewhere."""
    if mask.dtype.name != "bool":
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.title}")
    _check_scalar("masked_fill_", value)
    return _fill(input, mask, value)


def masked_select(input, mask):
    """The elements of `input` where `mask` is true, one after the other."""
    if mask.dtype.name != "bool":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = comparison.ne(input.detach(), mask).shape
    return getitem(broadcast_to(input, shape), (broadcast_to(mask, shape),))


def take(input, index):
    """The elements of `input`, all in one row, at `index`: in the shape of `index`."""
    if index.dtype.name != "int64":
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype.title}")
    return getitem(reshape(input, (-1,)), (index,))


def take_along_dim(input, indices, dim=None):
    """The elements of `input` at `indices` along `dim`, broadcast in the other dimensions; with none, of all in one row."""
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    if input.ndim != indices.ndim:
        sizes = f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, {sizes}")
    dim = normalize(dim, input.ndim)
    shape = comparison.ne(*(getitem(each.detach(), (slice(None),) * dim + (slice(1),)) for each in (input, indices))).shape
    whole = [tuple(each.shape[dim] if d == dim else n for d, n in enumerate(shape)) for each in (input, indices)]
    return gather(broadcast_to(input, whole[0]), dim, broadcast_to(indices, whole[1]))

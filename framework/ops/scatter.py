"""Picking and placing elements along one dimension (gather, scatter, index_…), by a mask, or by their place among all."""

from math import inf

import numpy as np

from ..autograd.op import broadcast_to, like, op
from ..autograd.variable import Variable
from ..device import array_module
from ..size import broadcast_shapes
from . import elementwise
from .elementwise import where
from .index import READS, add_at, add_rows, getitem, put_at, within
from .promotion import expect, filling, refuse, same_type
from .shape import along, clone, normalize, reshape


def _places(name, shape, dim, index):
    """For each element of `index` its full position in an array of `shape`: its own place, but `index` along `dim`."""
    dim, index = normalize(dim, len(shape)), index if index.ndim else index.reshape(1)
    shape, module = shape or (1,), array_module(index)
    expect(index.dtype.kind == "i" and index.itemsize >= 4 or not index.size, f"{name}(): Expected dtype int32/int64 for index")
    if index.ndim != len(shape) or any(n > m for d, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if d != dim):
        raise RuntimeError(f"{name}(): Expected index {list(index.shape)} to be no larger than {list(shape)} apart from dimension {dim}")
    _check_bounds(index, dim, shape[dim])
    return tuple(index if d == dim else module.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - d)) for d, n in enumerate(index.shape))


def _check_bounds(index, dim, length, error=RuntimeError) -> None:
    if not within(index, length):
        wrong = int(index.min() if index.min() < 0 else index.max())
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {length}")


def _scatter_add(input, index, dim, shape):
    rows = np.ravel_multi_index(_places("scatter_add", shape, dim, index), shape or (1,))
    return add_rows.compute([input, rows.reshape(-1), shape, ()])[0]


def _scattering(name, write, **rules):
    """An op that changes the elements of `input` at `index` along `dim` by `write(them, where, src)`."""

    def forward(input, dim, index, src):
        out = input.copy()
        write(np.atleast_1d(out), _places(name, input.shape, dim, index), np.atleast_1d(src) if hasattr(src, "ndim") else src)
        return out

    return op(forward, name=name, **rules)


def _multiply_at(out, places, src):
    """out[places] *= src, in as many rounds as a place comes at most; CuPy's multiply has no `at`."""
    rows, flat, src = np.ravel_multi_index(places, out.shape).reshape(-1), out.reshape(-1), src.reshape(-1)
    order = np.argsort(rows, kind="stable")
    rounds = array_module(out).arange(rows.size) - np.searchsorted(rows[order], rows[order])  # how often its place came before
    for turn in range(int(rounds.max()) + 1 if rounds.size else 0):
        now = order[rounds == turn]
        flat[rows[now]] *= src[now]


# fmt: off
gather = op(lambda input, dim, index: np.atleast_1d(input)[_places("gather", input.shape, dim, index)].reshape(index.shape), name="gather",
            input=lambda grad, dim, index, input_shape: scatter_add_into(grad, index, dim, input_shape))
scatter_add_into = op(_scatter_add, name="scatter_add", input=lambda grad, index, dim: gather(grad, dim, index))  # into zeros of `shape`
scatter_src = _scattering("scatter", lambda out, places, src: out.__setitem__(places, src),
                          input=lambda grad, dim, index: scatter_src(grad, dim, index, 0.0),
                          src=lambda grad, dim, index: gather(grad, dim, index))
scatter_amax = _scattering("scatter_reduce", lambda out, places, src: array_module(out).maximum.at(out, places, src))
scatter_amin = _scattering("scatter_reduce", lambda out, places, src: array_module(out).minimum.at(out, places, src))
scatter_prod = _scattering("scatter_reduce", lambda out, places, src: _multiply_at(out, places, src))
_REDUCING = {"prod": scatter_prod, "amax": scatter_amax, "amin": scatter_amin}
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
    product = scatter_prod(where(input == 0, 1.0, input), dim, index, where(src == 0, 1.0, src))  # of those that are not zero
    zeros = like(input == 0, grad) + scatter_add_into(like(src == 0, grad), index, dim, input.shape)

    def others(factor, grad, product, zeros):
        return grad * where(zeros == like(factor == 0, zeros), product / where(factor == 0, 1.0, factor), 0.0)

    return others(input, grad, product, zeros), others(src, *(gather(each, dim, index) for each in (grad, product, zeros)))


def _source(name, input, dim, index, src):
    """The part of `src` that `index` speaks of; a number stands for a tensor full of it."""
    if not isinstance(src, Variable):
        return like(Variable.wrap(array_module(index._array).full(index.shape, filling((input, src))[1])), input)
    same_type(input, src)
    if (src.ndim or 1) != (index.ndim or 1) or any(n > m for n, m in zip(index.shape, src.shape, strict=False)):
        raise RuntimeError(f"{name}(): Expected index {list(index.shape)} to be no larger than src {list(src.shape)}")
    return src if src.shape == index.shape else getitem(src, tuple(map(slice, index.shape)))


def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """`input` with `src` (a tensor or a number) written at `index` along `dim`: out[index[i, j], j] = src[i, j] for dim = 0."""
    expect(reduce in (None, "add", "multiply"), "reduce argument must be either add or multiply.")
    write = {None: scatter_src, "add": scatter_add, "multiply": scatter_prod}[reduce]
    return write(input, dim, index, _source("scatter", input, dim, index, value if src is None else src))


def scatter_add(input, dim, index, src):
    """`input` with `src` added at `index` along `dim`: out[index[i, j], j] += src[i, j] for dim = 0."""
    return input + scatter_add_into(_source("scatter", input, dim, index, src), index, dim, tuple(input.shape))


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """`input` with all of `src` that meets at one place reduced by "sum", "prod", "mean", "amax" or "amin", with what is there or not."""
    expect(reduce in ("sum", "mean", *_REDUCING), f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    src = _source("scatter_reduce", input, dim, index, src)
    if not include_self:
        input = scatter(input, dim, index, _neutral(reduce, input._array.dtype))
    if reduce == "sum":
        return scatter_add(input, dim, index, src)
    if reduce == "mean":
        refuse("b", "scatter_reduce mean", input)
        count = scatter_add_into(index * 0 + 1, index, dim, tuple(input.shape)) + int(include_self)
        total, count = scatter_add(input, dim, index, src), elementwise.clamp(count, 1)
        return total / count if input.is_floating_point() else like(elementwise.floor_divide(total, count), input)
    return _REDUCING[reduce](input, dim, index, src)


def _neutral(reduce, dtype):
    """The number that changes nothing."""
    if reduce not in ("amax", "amin") or dtype.kind == "b":
        return int(reduce in ("prod", "amin"))
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max
    return -inf if reduce == "amax" else inf


def _along(name, input, dim, index, error=RuntimeError):
    """The index, as `x[…]` wants it, of the slices `index` of `input` along `dim`; `error` where one is negative or too large."""
    dim = normalize(dim, input.ndim)
    if index.ndim > 1 or index._array.dtype not in (np.int32, np.int64):
        raise RuntimeError(f"{name}(): Expected a vector of dtype int32/int64 for index, but got {index.ndim}D {index.dtype.name}")
    expect(input.ndim or index.numel() == 1, f"{name}(): of no dimensions there is one slice, but got {index.numel()} indices")
    if error is not None:
        _check_bounds(index._array, dim, (input.shape or (1,))[dim], error)
    return along(dim, reshape(index, (-1,))) if input.ndim else ()


def index_select(input, dim, index):
    """The slices `index` of `input` along `dim`."""
    where = _along("index_select", input, dim, index, IndexError)
    return READS["index_select"](input, where) if where else clone(input)


def index_add(input, dim, index, source, *, alpha=1):
    """`input` with `alpha` times the slices of `source` added to its slices `index` along `dim`."""
    where = _along("index_add", input, dim, index)
    _check_slices("index_add", input, where, source, RuntimeError)
    source = source if alpha == 1 else like(source * (alpha if input.is_floating_point() else int(alpha)), input)
    return input + add_at(source, tuple(input.shape), where)


def index_copy(input, dim, index, source):
    """`input` with its slices `index` along `dim` replaced by those of `source`."""
    where = _along("index_copy", input, dim, index, IndexError)
    _check_slices("index_copy", input, where, source, IndexError)
    return put_at(input, where, source)


def _check_slices(name, input, where, source, error) -> None:
    """`source` must be of the type of `input`, with as many slices as there are indices, of the same shape."""
    same_type(input, source)
    wanted = [where[-1].numel() if d == len(where) - 1 else n for d, n in enumerate(input.shape)]
    expect(list(source.shape) == wanted, f"{name}(): source should be of shape {wanted}, but got {list(source.shape)}", error)


def index_fill(input, dim, index, value):
    """`input` with its slices `index` along `dim` set to one number."""
    return put_at(input, _along("index_fill", input, dim, index, None), filling((input, value))[1])


def _masked(args):
    """The mask must be one, and the value one number."""
    input, mask, value = args
    expect(mask.dtype.name == "bool", f"only boolean masks are supported, but got a mask with dtype {mask.dtype.name}")
    return input, mask, filling((input, value))[1]


@op(promote=_masked, input=lambda grad, mask: masked_fill(grad, mask, 0), value=lambda grad, mask: grad * mask)
def masked_fill(input, mask, value):
    """`value`, one number, where `mask` is true, `input` elsewhere."""
    return np.where(mask, array_module(input).asarray(value).astype(input.dtype), input)


def masked_select(input, mask):
    """The elements of `input` where `mask` is true, one after the other."""
    _masked((input, mask, 0))
    shape = broadcast_shapes(input.shape, mask.shape)
    return getitem(broadcast_to(input, shape), (broadcast_to(mask, shape),))


def take(input, index):
    """The elements of `input`, all in one row, at `index`: in the shape of `index`."""
    expect(index.dtype.name == "int64", f"take(): Expected a long tensor for index, but got {index.dtype.name}")
    return getitem(reshape(input, (-1,)), (index,))


def take_along_dim(input, indices, dim=None):
    """The elements of `input` at `indices` along `dim`, broadcast in the other dimensions; with none, of all in one row."""
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    if input.ndim != indices.ndim:
        raise RuntimeError(f"take_along_dim(): input and indices should have as many dimensions, but got {input.ndim} and {indices.ndim}")
    dim = normalize(dim, input.ndim)
    before, after = (broadcast_shapes(*(each.shape[part] for each in (input, indices))) for part in (slice(dim), slice(dim + 1, None)))
    input, indices = (broadcast_to(each, (*before, each.shape[dim], *after)) for each in (input, indices))
    return gather(input, dim, indices)

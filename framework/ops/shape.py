"""Rearranging elements: reshape, transpose, join, split, pad.  Those that can are views of the same memory."""

from math import prod

import numpy as np

from ..autograd.op import op, writable
from ..device import array_module
from .promotion import common, expect, filling


def normalize(dim: int, ndim: int) -> int:
    """`dim` counted from the front; IndexError if a tensor of `ndim` dimensions has none such."""
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


def distinct(dims, ndim: int) -> tuple:
    """Several `dims` counted from the front; RuntimeError if one is named twice."""
    if isinstance(dims, int):
        return (normalize(dims, ndim),)
    dims = tuple(normalize(each, ndim) for each in dims)
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {max(dims, key=dims.count)} appears multiple times in the list of dims")
    return dims


def at_least(ndim: int, input, name: str):
    """`input` itself; RuntimeError if it has fewer dimensions than that."""
    expect(input.ndim >= ndim, f"{name}: input tensor must have at least {ndim} dimensions, but got {input.ndim}")
    return input


def along(dim: int, part) -> tuple:
    """The index of `part` of the dimension `dim`."""
    return (slice(None),) * dim + (part,)


# The same elements in another shape


@op(name="view", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
def reshape(input, shape):
    """The elements of `input`, in their order, in another shape, where one length may be -1: a view if possible, else a copy."""
    if min(shape, default=0) < -1:
        raise RuntimeError(f"invalid shape dimension {min(shape)} of shape {list(shape)}")
    return input.reshape(shape)


@op(name="view", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
def view(input, shape):
    """The same memory in another shape; RuntimeError if that cannot be."""
    out = reshape.forward(input, shape)
    if input.size and not (input.flags.c_contiguous or array_module(input).may_share_memory(input, out)):
        raise RuntimeError("view size is not compatible with input tensor's size and stride. Use .reshape(...) instead.")
    return out


@op(view=True, input=lambda grad: grad)  # the engine sums it back
def expand(input, size):
    """A view of `input` as if it were repeated along its dimensions of length 1, to the shape `size`; -1 keeps a length."""
    extra = len(size) - input.ndim
    full = tuple(input.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(size))
    try:
        return input[...] if full == input.shape else writable(np.broadcast_to(input, full), input)
    except ValueError:
        raise RuntimeError(f"expand: a tensor of shape {list(input.shape)} cannot be expanded to {list(size)}") from None


@op(view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
def squeeze(input, dim=None):
    """`input` without its dimensions of length 1; with `dim`, without those of them that it names."""
    dims = distinct(range(input.ndim) if dim is None else dim, input.ndim)
    return input.squeeze(tuple(each for each in dims if input.ndim and input.shape[each] == 1))


@op(view=True, input=lambda grad: t(grad))
def t(input):
    """A matrix with rows and columns exchanged; vectors and numbers as they are."""
    expect(input.ndim <= 2, f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


@op(view=True, input=lambda grad, input_shape, dimension, step: add_windows(grad, input_shape, dimension, step))
def unfold(input, dimension, size, step):
    """All windows of `size` slices along `dimension`, each `step` after the one before: (…, n, …) -> (…, windows, …, size), a view."""
    dim = normalize(dimension, at_least(1, input, "unfold").ndim)
    if not (0 <= size <= input.shape[dim] and step > 0):
        raise RuntimeError(f"unfold: no windows of size {size} and step {step} in a dimension of length {input.shape[dim]}")
    shape, strides = [*input.shape, size], [*input.strides, input.strides[dim]]
    shape[dim], strides[dim] = (input.shape[dim] - size) // step + 1, input.strides[dim] * step
    return array_module(input).lib.stride_tricks.as_strided(input, shape, strides)


@op(windows=lambda grad, windows_shape, dimension, step: unfold(grad, dimension, windows_shape[-1], step))
def add_windows(windows, shape, dimension, step):
    """Zeros of `shape`, with the windows that `unfold` cuts added at their places."""
    out, dim = array_module(windows).zeros(shape, windows.dtype), normalize(dimension, len(shape))
    for place in range(windows.shape[-1]):
        out[along(dim, slice(place, place + step * (windows.shape[dim] - 1) + 1, step))] += windows[..., place]
    return out


# fmt: off
reinterpret = op(lambda input, dtype: input.view(dtype), name="view_as_dtype", view=True)  # the same bits: no gradient
permute = op(lambda input, dims: input.transpose(dims), view=True,
             input=lambda grad, dims: permute(grad, np.argsort([each % len(dims) for each in dims]).tolist()))
transpose = op(lambda input, dim0, dim1: input.swapaxes(dim0, dim1) if input.ndim else input[...], view=True,
               input=lambda grad, dim0, dim1: transpose(grad, dim0, dim1))
movedim = op(lambda input, source, destination: np.moveaxis(input, source, destination), name="permute", view=True,
             input=lambda grad, source, destination: movedim(grad, destination, source))
unsqueeze = op(lambda input, dim: input[along(normalize(dim, input.ndim + 1), None)], view=True,
               input=lambda grad, input_shape: reshape(grad, input_shape))
clone = op(lambda input: input.copy(), input=lambda grad: grad)
flip = op(lambda input, dims: np.flip(input, distinct(dims, input.ndim) if input.ndim else ()).copy(),
          input=lambda grad, dims: flip(grad, dims))
tril = op(lambda input, diagonal=0: np.tril(at_least(2, input, "tril"), diagonal), input=lambda grad, diagonal: tril(grad, diagonal))
triu = op(lambda input, diagonal=0: np.triu(at_least(2, input, "triu"), diagonal), input=lambda grad, diagonal: triu(grad, diagonal))
# fmt: on


@op(input=lambda grad, shifts, dims: roll(grad, -shifts if isinstance(shifts, int) else [-each for each in shifts], dims))
def roll(input, shifts, dims=None):
    """The elements moved on by `shifts` along `dims`, or in their order if left out; those pushed out come in again at the start."""
    expect(np.size(shifts) == (1 if dims is None else np.size(dims)), f"shifts and dimensions must align. shifts: {shifts}, dims: {dims}")
    return np.roll(input, shifts, dims)


@op(input=lambda grad, input_shape, repeats: _sum_repeats(grad, input_shape, repeats))
def repeat(input, repeats):
    """`input` laid out `repeats[i]` times along dimension i, as tiles: (m, n) -> (repeats[0] m, repeats[1] n)."""
    expect(input.ndim <= len(repeats), "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return np.tile(input, repeats)


def _sum_repeats(grad, shape, repeats):
    """Every repetition's share of the gradient, added up."""
    lengths = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    apart = grad.reshape(tuple(each for pair in zip(repeats, lengths, strict=True) for each in pair))
    return apart.sum(tuple(range(0, 2 * len(repeats), 2))).reshape(shape)


def contiguous(input):
    """`input` itself if its elements lie in memory in the order they are read, else a copy for which that holds."""
    return input if input.is_contiguous() else clone(input)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""
    start, end = normalize(start_dim, input.ndim), normalize(end_dim, input.ndim)
    expect(start <= end, "flatten() has invalid args: start_dim cannot come after end_dim")
    if input.ndim and start == end:
        return input
    return reshape(input, (*input.shape[:start], prod(input.shape[start : end + 1]), *input.shape[end + 1 :]))


# Joining and cutting


def _tensors(given, name):
    wrong = [type(each).__name__ for each in given if not hasattr(each, "ndim")]
    expect(not wrong, f"{name} expects Tensors, but got {wrong}", TypeError)
    return tuple(given)


def _joinable(args):
    """The tensors to join in a common type; those of shape (0,) fit anything, as in PyTorch's first days."""
    given, dim = args
    expect(given, "cat expects a non-empty list of Tensors", ValueError)
    tensors = common(_tensors(given, "cat"))
    kept = [each for each in tensors if tuple(each.shape) != (0,)] or tensors[:1]
    return list(kept), normalize(dim, kept[0].ndim)


def _stackable(args):
    tensors, dim = _tensors(args[0], "stack"), args[1]
    sizes = {tuple(each.shape) for each in tensors}
    expect(len(sizes) == 1, f"stack expects each tensor of a non-empty list to be of equal size, but got the sizes {[*sizes]}")
    return list(common(tensors)), dim


# fmt: off
cat = op(lambda tensors, dim=0: np.concatenate(tensors, axis=dim), promote=_joinable,
         tensors=lambda grad, tensors_shape, dim: split_with_sizes(grad, [shape[dim] for shape in tensors_shape], dim))
stack = op(lambda tensors, dim=0: np.stack(tensors, axis=dim), promote=_stackable, tensors=lambda grad, dim: unbind(grad, dim))
# fmt: on


@op(name="split", view=True,
    input=lambda grad, input_shape, split_sizes, dim: _whole(cat, grad, input_shape, dim, [(n,) for n in split_sizes]))  # fmt: skip
def split_with_sizes(input, split_sizes, dim=0):
    """`input` cut along `dim` into pieces of the given sizes: views."""
    dim, length = normalize(dim, input.ndim), at_least(1, input, "split").shape[dim]
    if sum(split_sizes) != length or min(split_sizes, default=0) < 0:
        raise RuntimeError(f"split: the sizes must not be negative and sum to {length} (dimension {dim} of input), but got {split_sizes}")
    ends = np.cumsum(split_sizes, dtype=np.int64).tolist()
    return tuple(input[along(dim, slice(end - size, end))] for end, size in zip(ends, split_sizes, strict=True))


@op(view=True, input=lambda grad, input_shape, dim: _whole(stack, grad, input_shape, dim, [()] * input_shape[dim]))
def unbind(input, dim=0):
    """The slices of `input` along `dim`, without that dimension: views."""
    expect(input.ndim, "Dimension specified as 0 but tensor has no dimensions", IndexError)
    dim = normalize(dim, input.ndim)
    return tuple(input[(*along(dim, place), ...)] for place in range(input.shape[dim]))


def _whole(join, grads, shape, dim, lengths):
    """The gradient of a tensor of that `shape`, joined from those of its pieces of `lengths` along `dim`; of an unused piece it is zero."""
    dim, known = normalize(dim, len(shape)), next(each for each in grads if each is not None)
    array = getattr(known, "_array", known)
    zeros = (array_module(array).zeros((*shape[:dim], *length, *shape[dim + 1 :]), array.dtype) for length in lengths)
    return join([zero if each is None else each for each, zero in zip(grads, zeros, strict=True)], dim)


def split(tensor, split_size_or_sections, dim=0):
    """`tensor` cut along `dim` into pieces of one size (the last may be smaller) or of the sizes given."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    length, size = at_least(1, tensor, "split").shape[normalize(dim, tensor.ndim)], split_size_or_sections
    expect(size > 0 or size == length == 0, f"split expects split_size to be positive, but got {size} for a dimension of size {length}")
    return split_with_sizes(tensor, [min(size, length - i) for i in range(0, length, size or 1)] or [0], dim)


def chunk(input, chunks, dim=0):
    """`input` cut along `dim` into at most `chunks` pieces of equal size."""
    expect(chunks > 0, f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = at_least(1, input, "chunk").shape[normalize(dim, input.ndim)]
    return split(input, -(-length // chunks) if length else [0] * chunks, dim)


# Padding


@op(name="constant_pad_nd", input=lambda grad, before, after: constant_pad(grad, [-each for each in before], [-each for each in after]))
def constant_pad(input, before, after, value=0):
    """`before[i]` and `after[i]` elements of `value` around dimension i; negative numbers cut off."""
    shape = tuple(n + a + b for n, a, b in zip(input.shape, before, after, strict=True))
    expect(min(shape, default=0) >= 0, f"padding by {before} before and {after} after leaves nothing of a tensor of {tuple(input.shape)}")
    out = array_module(input).full(shape, value, input.dtype)
    inside = tuple(slice(max(a, 0), max(n - max(b, 0), 0)) for a, b, n in zip(before, after, shape, strict=True))
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for a, b, n in zip(before, after, input.shape, strict=True))
    out[inside] = input[kept]
    return out


def constant_pad_nd(input, pad, value=0):
    """Elements of `value` around the last dimensions: `pad` = (before last, after last, before second last, …); negative: cut off."""
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise RuntimeError(f"Length of pad must be even and at most twice the number of dimensions, but got {len(pad)} for {input.ndim}")
    untouched = [0] * (input.ndim - len(pad) // 2)
    return constant_pad(input, [*untouched, *pad[-2::-2]], [*untouched, *pad[-1::-2]], filling((input, float(value)))[1])


broadcast_to = expand

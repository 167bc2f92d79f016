"""Rearranging elements: reshape, transpose, join, split, pad.  Those that can are views of the same memory."""

import numpy as np

from ..autograd.op import op
from ..autograd.variable import Variable
from ..device import array_module
from .promotion import common


def normalize(dim: int, ndim: int) -> int:
    """`dim` counted from the front; IndexError if a tensor of `ndim` dimensions has none such."""
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


def distinct(dims, ndim: int) -> tuple:
    """Several `dims` counted from the front; RuntimeError if one is named twice."""
    dims = tuple(normalize(each, ndim) for each in ((dims,) if isinstance(dims, int) else dims))
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return dims


def writable(view, of):
    """NumPy hands some views out read-only: this one may be written to if `of`, whose memory it shows, may be."""
    if isinstance(view, np.ndarray) and of.flags.writeable:
        view.flags.writeable = True
    return view


def _checked_reshape(input, shape):
    if min(shape, default=0) < -1:
        raise RuntimeError(f"invalid shape dimension {min(shape)} of shape {list(shape)}")
    try:
        return input.reshape(shape)
    except ValueError:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {input.size}") from None


def _as_view(input, shape):
    out = _checked_reshape(input, shape)
    shares = array_module(input).may_share_memory(input, out) or isinstance(input, np.generic)  # a scalar, in a gradient rule
    if input.size and not shares:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
            "subspaces). Use .reshape(...) instead."
        )
    return out


def _expanded(input, size):
    """-1 keeps a dimension's length."""
    extra = len(size) - input.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(size)}) must be greater or equal to the number of dimensions ({input.ndim})"
        )
    if -1 in size[:extra]:
        raise RuntimeError(f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {size.index(-1)}")
    size = tuple(input.shape[i - extra] if n == -1 else n for i, n in enumerate(size))
    for i, n in enumerate(size[extra:]):
        if input.shape[i] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({input.shape[i]}) "
                f"at non-singleton dimension {i + extra}."
            )
    return writable(array_module(input).broadcast_to(input, size), input)


def _squeezed(input, dim):
    dims = distinct(range(input.ndim) if dim is None else dim, input.ndim)
    return input.squeeze(tuple(each for each in dims if input.ndim and input.shape[each] == 1))


def _flattened(shape, start_dim, end_dim):
    start, end = normalize(start_dim, len(shape)), normalize(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return (1,)
    return (*shape[:start], int(np.prod(shape[start : end + 1], dtype=np.int64)), *shape[end + 1 :])


def _swapped(input, dim0, dim1):
    return input.swapaxes(normalize(dim0, input.ndim), normalize(dim1, input.ndim)) if input.ndim else input[...]


def _permuted(input, dims):
    if len(dims) != input.ndim:
        raise RuntimeError(f"permute: the tensor has {input.ndim} dimensions, but the ordering {tuple(dims)} has {len(dims)}")
    return input.transpose(distinct(dims, input.ndim))


def _rolled(input, shifts, dims):
    if np.size(shifts) != (1 if dims is None else np.size(dims)):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {shifts}, dims: {dims}")
    return np.roll(input, shifts, dims)


def at_least(ndim: int, input, name: str):
    """`input` itself; RuntimeError if it has fewer dimensions than that."""
    if input.ndim < ndim:
        raise RuntimeError(f"{name}: input tensor must have at least {ndim} dimensions, but got {input.ndim}")
    return input


def _repeated(input, repeats):
    if input.ndim > len(repeats):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return np.tile(input, repeats)


def _windows(input, dimension, size, step):
    dim = normalize(dimension, at_least(1, input, "unfold").ndim)
    if not 0 <= size <= input.shape[dim]:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {input.shape[dim]} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    shape, strides = [*input.shape, size], [*input.strides, input.strides[dim]]
    shape[dim], strides[dim] = (input.shape[dim] - size) // step + 1, input.strides[dim] * step
    return array_module(input).lib.stride_tricks.as_strided(input, shape, strides)


def _transposed(input):
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


def _inverse(dims):
    return tuple(int(each) for each in np.argsort([each % len(dims) for each in dims])) if dims else ()


# fmt: off
reshape = op(_checked_reshape, name="view", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
view = op(_as_view, name="view", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
reinterpret = op(lambda input, dtype: input.view(dtype), name="view_as_dtype", view=True)  # the same bits: no gradient
permute = op(_permuted, name="permute", view=True, input=lambda grad, dims: permute(grad, _inverse(dims)))
transpose = op(_swapped, name="transpose", view=True, input=lambda grad, dim0, dim1: transpose(grad, dim0, dim1))
movedim = op(lambda input, source, destination: array_module(input).moveaxis(input, source, destination), name="permute", view=True,
             input=lambda grad, source, destination: movedim(grad, destination, source))
t = op(lambda input: _transposed(input), view=True, input=lambda grad: t(grad))  # vectors and numbers stay as they are
expand = op(_expanded, name="expand", view=True, input=lambda grad: grad)  # the engine sums it back
squeeze = op(lambda input, dim=None: _squeezed(input, dim), view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
unsqueeze = op(lambda input, dim: array_module(input).expand_dims(input, normalize(dim, input.ndim + 1)), view=True,
               input=lambda grad, input_shape: reshape(grad, input_shape))
unfold = op(_windows, name="unfold", view=True,
            input=lambda grad, input_shape, dimension, step: add_windows(grad, input_shape, dimension, step))
clone = op(lambda input: input.copy(), input=lambda grad: grad)
flip = op(lambda input, dims: np.flip(input, distinct(dims, input.ndim)).copy() if input.ndim else input.copy(),
          input=lambda grad, dims: flip(grad, dims))
roll = op(lambda input, shifts, dims=None: _rolled(input, shifts, dims),
          input=lambda grad, shifts, dims: roll(grad, -shifts if isinstance(shifts, int) else [-each for each in shifts], dims))
tril = op(lambda input, diagonal=0: np.tril(at_least(2, input, "tril"), diagonal), input=lambda grad, diagonal: tril(grad, diagonal))
triu = op(lambda input, diagonal=0: np.triu(at_least(2, input, "triu"), diagonal), input=lambda grad, diagonal: triu(grad, diagonal))
repeat = op(_repeated, name="repeat", input=lambda grad, input_shape, repeats: _sum_repeats(grad, input_shape, repeats))
# fmt: on


@op
def add_windows(windows, shape, dimension, step):
    """Zeros of `shape`, with the windows that `unfold` cuts added at their places."""
    out = array_module(windows).zeros(shape, windows.dtype)
    dim = normalize(dimension, len(shape))
    for place in range(windows.shape[-1]):
        out[_along(dim, slice(place, place + step * (windows.shape[dim] - 1) + 1, step))] += windows[..., place]
    return out


add_windows.rule("windows")(lambda grad, windows_shape, dimension, step: unfold(grad, dimension, windows_shape[-1], step))


def _sum_repeats(grad, shape, repeats):
    """Every repetition's share of the gradient, added up."""
    lengths = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    apart = grad.reshape(tuple(each for pair in zip(repeats, lengths, strict=True) for each in pair))
    return apart.sum(tuple(range(0, 2 * len(repeats), 2))).reshape(shape)


def contiguous(input):
    """`input` itself if its elements lie in memory in the order they are read, else a copy for which that holds."""
    return input if input.is_contiguous() else clone(input)


def broadcast_to(input, size):
    """`input` expanded to the shape `size`."""
    return expand(input, size)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""
    if input.ndim and normalize(start_dim, input.ndim) == normalize(end_dim, input.ndim):
        return input
    return reshape(input, _flattened(input.shape, start_dim, end_dim))


def _along(dim, part):
    """The index of `part` of the dimension `dim`."""
    return (slice(None),) * dim + (part,)


def _joinable(args):
    """The tensors to join in a common type; those of shape (0,) fit anything, as in PyTorch's first days."""
    tensors, dim = args
    if not tensors:
        raise ValueError("expected a non-empty list of Tensors")
    for place, each in enumerate(tensors):
        if not hasattr(each, "ndim"):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(each).__name__}")
        if not each.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    tensors = common(tuple(tensors))
    kept = [each for each in tensors if tuple(each.shape) != (0,)] or tensors[:1]
    return list(kept), normalize(dim, kept[0].ndim)


def _stackable(args):
    tensors, dim = args
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for place, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            a, b = list(tensors[0].shape), list(each.shape)
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {a} at entry 0 and {b} at entry {place}")
    return list(common(tuple(tensors))), dim


def _pieces(input, split_sizes, dim=0):
    dim, length = normalize(dim, input.ndim), at_least(1, input, "split").shape[dim]
    if sum(split_sizes) != length or min(split_sizes, default=0) < 0:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to be non-negative and to sum exactly to {length} "
            f"(input tensor's size at dimension {dim}), but got split_sizes={list(split_sizes)}"
        )
    ends = np.cumsum(split_sizes, dtype=np.int64).tolist()
    return tuple(input[_along(dim, slice(end - size, end))] for end, size in zip(ends, split_sizes, strict=True))


def _slices(input, dim=0):
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize(dim, input.ndim)
    return tuple(input[(*_along(dim, place), ...)] for place in range(input.shape[dim]))


def _all_there(grads, shapes):
    """The gradients of an op's several outputs: zeros for those that were not used."""
    known = next(each for each in grads if each is not None)
    array, wrap = (known._array, Variable.wrap) if isinstance(known, Variable) else (known, lambda array: array)
    zeros = array_module(array).zeros
    return [wrap(zeros(shape, array.dtype)) if each is None else each for each, shape in zip(grads, shapes, strict=True)]


def _join_again(grad, shape, sizes, dim):
    dim = normalize(dim, len(shape))
    return cat(_all_there(grad, [(*shape[:dim], each, *shape[dim + 1 :]) for each in sizes]), dim)


def _stack_again(grad, shape, dim):
    dim = normalize(dim, len(shape))
    return stack(_all_there(grad, [(*shape[:dim], *shape[dim + 1 :])] * shape[dim]), dim)


# fmt: off
cat = op(lambda tensors, dim=0: array_module(tensors[0]).concatenate(tensors, axis=dim), promote=_joinable,
         tensors=lambda grad, tensors_shape, dim: split_with_sizes(grad, [shape[dim] for shape in tensors_shape], dim))
stack = op(lambda tensors, dim=0: array_module(tensors[0]).stack(tensors, axis=dim), promote=_stackable,
           tensors=lambda grad, dim: unbind(grad, dim))
split_with_sizes = op(_pieces, name="split", view=True,
                      input=lambda grad, input_shape, split_sizes, dim: _join_again(grad, input_shape, split_sizes, dim))
unbind = op(_slices, name="unbind", view=True, input=lambda grad, input_shape, dim: _stack_again(grad, input_shape, dim))
# fmt: on


def split(tensor, split_size_or_sections, dim=0):
    """`tensor` cut along `dim` into pieces of one size (the last may be smaller) or of the sizes given."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    length, size = at_least(1, tensor, "split").shape[normalize(dim, tensor.ndim)], split_size_or_sections
    if size < 0 or (length and not size):
        raise RuntimeError(f"split expects split_size to be positive, but got split_size={size} for a dimension of size {length}")
    return split_with_sizes(tensor, [min(size, length - i) for i in range(0, length, size or 1)] or [0], dim)


def chunk(input, chunks, dim=0):
    """`input` cut along `dim` into at most `chunks` pieces of equal size."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = at_least(1, input, "chunk").shape[normalize(dim, input.ndim)]
    return split(input, -(-length // chunks) if length else [0] * chunks, dim)


@op(name="constant_pad_nd")
def constant_pad(input, before, after, value=0):
    """`before[i]` and `after[i]` elements of `value` around dimension i; negative numbers cut off."""
    shape = tuple(n + a + b for n, a, b in zip(input.shape, before, after, strict=True))
    if any(n < 0 for n in shape):
        raise RuntimeError(f"padding {before} before and {after} after leaves nothing of a tensor of shape {tuple(input.shape)}")
    out = array_module(input).full(shape, value, input.dtype)
    inside = tuple(slice(max(a, 0), max(n - max(b, 0), 0)) for a, b, n in zip(before, after, shape, strict=True))
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for a, b, n in zip(before, after, input.shape, strict=True))
    out[inside] = input[kept]
    return out


@constant_pad.rule("input")
def _(grad, before, after):
    return constant_pad(grad, [-each for each in before], [-each for each in after])


def constant_pad_nd(input, pad, value=0):
    """Elements of `value` around the last dimensions: `pad` = (before last, after last, before second last, …); negative: cut off."""
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise RuntimeError(f"Length of pad must be even and at most twice the number of dimensions, but got {len(pad)} for {input.ndim}")
    untouched = [0] * (input.ndim - len(pad) // 2)
    return constant_pad(input, [*untouched, *pad[-2::-2]], [*untouched, *pad[-1::-2]], value)

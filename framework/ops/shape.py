"""Rearranging elements: reshape, transpose, join, split, pad.  Those that can are views of the same memory."""

import numpy as np

from ..autograd.op import broadcast_to, op
from ..device import array_module
from .promotion import common


def normalize(dim: int, ndim: int) -> int:
    """`dim` counted from the front; IndexError if a tensor of `ndim` dimensions has none such."""
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


def _checked_reshape(input, shape):
    try:
        return input.reshape(shape)
    except ValueError:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {input.size}") from None


def _as_view(input, shape):
    out = _checked_reshape(input, shape)
    if input.size and not array_module(input).may_share_memory(input, out):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
            "subspaces). Use .reshape(...) instead."
        )
    return out


def _expanded(input, shape):
    """-1 keeps a dimension's length."""
    extra = len(shape) - input.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(shape)}) must be greater or equal to the number of dimensions ({input.ndim})"
        )
    shape = tuple(input.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(shape))
    for i, n in enumerate(shape[extra:]):
        if input.shape[i] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({input.shape[i]}) "
                f"at non-singleton dimension {i + extra}."
            )
    return array_module(input).broadcast_to(input, shape)


def _squeezed(input, dim):
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = tuple(d for d in (normalize(each, input.ndim) for each in dims) if input.ndim and input.shape[d] == 1)
    return input.squeeze(dims)


def _flattened(shape, start_dim, end_dim):
    start, end = normalize(start_dim, len(shape)), normalize(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return (1,)
    return (*shape[:start], int(np.prod(shape[start : end + 1], dtype=np.int64)), *shape[end + 1 :])


def _swapped(input, dim0, dim1):
    return input.swapaxes(normalize(dim0, input.ndim), normalize(dim1, input.ndim)) if input.ndim else input[...]


def _inverse(dims):
    return tuple(int(each) for each in np.argsort([each % len(dims) for each in dims])) if dims else ()


# fmt: off
reshape = op(_checked_reshape, name="reshape", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
view = op(_as_view, name="view", view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
permute = op(lambda input, dims: input.transpose(dims), view=True, input=lambda grad, dims: permute(grad, _inverse(dims)))
transpose = op(_swapped, name="transpose", view=True, input=lambda grad, dim0, dim1: transpose(grad, dim0, dim1))
expand = op(_expanded, name="expand", view=True, input=lambda grad: grad)  # the engine sums it back
squeeze = op(lambda input, dim=None: _squeezed(input, dim), view=True, input=lambda grad, input_shape: reshape(grad, input_shape))
unsqueeze = op(lambda input, dim: array_module(input).expand_dims(input, normalize(dim, input.ndim + 1)), view=True,
               input=lambda grad, input_shape: reshape(grad, input_shape))
clone = op(lambda input: input.copy(), input=lambda grad: grad)
flip = op(lambda input, dims: np.flip(input, dims).copy() if input.ndim else input.copy(), input=lambda grad, dims: flip(grad, dims))
roll = op(lambda input, shifts, dims=None: np.roll(input, shifts, dims),
          input=lambda grad, shifts, dims: roll(grad, tuple(-each for each in shifts) if isinstance(shifts, tuple) else -shifts, dims))
tril = op(lambda input, diagonal=0: np.tril(input, diagonal), input=lambda grad, diagonal: tril(grad, diagonal))
triu = op(lambda input, diagonal=0: np.triu(input, diagonal), input=lambda grad, diagonal: triu(grad, diagonal))
contiguous = op(lambda input: input if input.flags.c_contiguous else array_module(input).ascontiguousarray(input),
                view=True, input=lambda grad: grad)
# fmt: on


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""
    return reshape(input, _flattened(input.shape, start_dim, end_dim))


def t(input):
    """The transpose of a matrix; a vector stays as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return transpose(input, 0, 1) if input.ndim == 2 else input


def movedim(input, source, destination):
    """The dimensions `source` moved to the places `destination`, the others in their order."""
    source = [source] if isinstance(source, int) else source
    destination = [destination] if isinstance(destination, int) else destination
    order = [each for each in range(input.ndim) if each not in [s % input.ndim for s in source]]
    for place, each in sorted((d % input.ndim, s % input.ndim) for d, s in zip(destination, source, strict=True)):
        order.insert(place, each)
    return permute(input, tuple(order))


@op(promote=lambda args: (common(args[0]), args[1]))
def cat(tensors, dim=0):
    return array_module(tensors[0]).concatenate(tensors, axis=dim)


@cat.rule("tensors")
def _(grad, tensors_shape, dim):
    return split_with_sizes(grad, [shape[dim] for shape in tensors_shape], dim)


def split_with_sizes(input, split_sizes, dim=0):
    """`input` cut along `dim` into pieces of the given sizes."""
    dim = normalize(dim, input.ndim)
    if sum(split_sizes) != input.shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {input.shape[dim]} "
            f"(input tensor's size at dimension {dim}), but got {list(split_sizes)}"
        )
    starts = np.cumsum([0, *split_sizes])
    return tuple(input[(slice(None),) * dim + (slice(int(a), int(b)),)] for a, b in zip(starts[:-1], starts[1:], strict=True))


def split(tensor, split_size_or_sections, dim=0):
    """`tensor` cut along `dim` into pieces of one size (the last may be smaller) or of the sizes given."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    length, size = tensor.shape[normalize(dim, tensor.ndim)], split_size_or_sections
    return split_with_sizes(tensor, [min(size, length - i) for i in range(0, length, size)] or [0], dim)


def chunk(input, chunks, dim=0):
    """`input` cut along `dim` into at most `chunks` pieces of equal size."""
    return split(input, max(-(-input.shape[normalize(dim, input.ndim)] // chunks), 1), dim)


def unbind(input, dim=0):
    """The slices of `input` along `dim`."""
    dim = normalize(dim, input.ndim)
    return tuple(input[(slice(None),) * dim + (i,)] for i in range(input.shape[dim]))


def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension `dim`."""
    shapes = {tuple(each.shape) for each in tensors}
    if len(shapes) > 1:
        a, b = sorted(shapes)[:2]
        raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(a)} and {list(b)}")
    return cat([unsqueeze(each, dim) for each in tensors], dim)


def tile(input, dims):
    """`input` repeated `dims[i]` times along dimension i."""
    dims = (1,) * (input.ndim - len(dims)) + tuple(dims)
    shape = (1,) * (len(dims) - input.ndim) + tuple(input.shape)
    alternating = [each for length in shape for each in (1, length)]
    repeated = [each for times, length in zip(dims, shape, strict=True) for each in (times, length)]
    out = clone(broadcast_to(reshape(input, tuple(alternating)), tuple(repeated)))
    return reshape(out, tuple(times * length for times, length in zip(dims, shape, strict=True)))


@op
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

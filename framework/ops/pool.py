"""Pooling: each output is the largest, or the mean, of a window of the input.  Shapes: (N, C, *spatial) -> (N, C, *positions)."""

from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module
from .reduce import ValuesIndices
from .shape import constant_pad, reshape


def positions(spatial, kernel, stride, padding, dilation, ceil_mode) -> tuple:
    """How many windows there are along each dimension; with `ceil_mode` a last one that starts inside may hang over the edge."""
    counts = []
    for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + p:
            count += 1
        if count < 1:
            raise RuntimeError(f"Given input size {tuple(spatial)} and kernel {tuple(kernel)}: the calculated output size is too small")
        counts.append(count)
    return tuple(counts)


def _windows(padded, out, kernel, stride, dilation):
    """(N, C, *out, *kernel), a view: every window of the padded input."""
    steps = padded.strides[2:]
    strides = (
        *padded.strides[:2],
        *(a * s for a, s in zip(steps, stride, strict=True)),
        *(a * d for a, d in zip(steps, dilation, strict=True)),
    )
    return array_module(padded).lib.stride_tricks.as_strided(padded, (*padded.shape[:2], *out, *kernel), strides)


def _filled(input, out, kernel, stride, padding, dilation, value):
    """The input with as much of `value` around it as the windows reach."""
    after = tuple(
        (o - 1) * s + d * (k - 1) + 1 - n - p
        for n, o, k, s, p, d in zip(input.shape[2:], out, kernel, stride, padding, dilation, strict=True)
    )
    return constant_pad(input, (0, 0, *padding), (0, 0, *after), value)


@op
def max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode):
    """The largest of each window, and where in its plane (H W, counted through) it was."""
    spatial = input.shape[2:]
    out = positions(spatial, kernel, stride, padding, dilation, ceil_mode)
    padded = _filled(input, out, kernel, stride, padding, dilation, -np.inf if input.dtype.kind in "fV" else np.iinfo(input.dtype).min)
    windows = _windows(padded, out, kernel, stride, dilation).reshape(*input.shape[:2], *out, prod(kernel))
    winner = windows.argmax(-1)  # the first of equals, as PyTorch's; a nan wins
    module, indices = array_module(input), 0
    for axis, tap in enumerate(np.unravel_index(winner, kernel)):
        start = module.arange(out[axis]).reshape((-1,) + (1,) * (len(out) - 1 - axis)) * stride[axis] - padding[axis]
        indices = indices * spatial[axis] + start + tap * dilation[axis]
    return ValuesIndices(module.take_along_axis(windows, winner[..., None], -1)[..., 0], indices)


@op
def unpool(output, indices, shape):
    """Zeros of `shape`, with each element of `output` added at its index in its plane."""
    n, c = shape[:2]
    out = array_module(output).zeros((n * c, prod(shape[2:])), output.dtype)
    planes = array_module(output).arange(n * c)[:, None]
    places = (n * c, prod(indices.shape[2:]))
    np.add.at(out, (planes, indices.reshape(places)), output.reshape(places))
    return out.reshape(shape)


@op
def pick(input, indices):
    """The elements at `indices` in each plane: (N, C, *spatial) -> the shape of `indices`."""
    planes = input.shape[0] * input.shape[1]
    rows, places = input.reshape(planes, prod(input.shape[2:])), indices.reshape(planes, prod(indices.shape[2:]))
    return array_module(input).take_along_axis(rows, places, 1).reshape(indices.shape)


max_pool_with_indices.rule("input")(lambda grad, out, input_shape: unpool(grad[0], out[1], input_shape))
unpool.rule("output")(lambda grad, indices: pick(grad, indices))
pick.rule("input")(lambda grad, indices, input_shape: unpool(grad, indices, input_shape))


@fusable("input")
def max_pool(input, kernel, stride, padding, dilation, ceil_mode):
    """The largest of each window alone: what a layer asks for, and what a kernel replaces."""
    return max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode)[0]


def _divisors(spatial, out, kernel, stride, padding, count_include_pad):
    """How many elements each window counts, an array of shape `out`: padding counts if asked for, what hangs over the edge never."""
    total = np.ones(())
    for n, o, k, s, p in zip(spatial, out, kernel, stride, padding, strict=True):
        start = np.arange(o) * s - p
        low, high = (-p, n + p) if count_include_pad else (0, n)
        total = total[..., None] * (np.minimum(start + k, high) - np.maximum(start, low))
    return total


@op
def sum_pool(input, kernel, stride, padding, out):
    """The sum of each window."""
    padded = _filled(input, out, kernel, stride, padding, (1,) * len(out), 0)
    windows = _windows(padded, out, kernel, stride, (1,) * len(out))
    return windows.sum(axis=tuple(range(-len(kernel), 0)), dtype=input.dtype)


@op
def spread_windows(output, input_shape, kernel, stride, padding):
    """Each element of `output` added to every place of its window: the gradient of `sum_pool`."""
    out, spatial = output.shape[2:], input_shape[2:]
    reach = tuple(max((o - 1) * s + k, n + p) for o, s, k, n, p in zip(out, stride, kernel, spatial, padding, strict=True))
    padded = array_module(output).zeros((*input_shape[:2], *reach), output.dtype)
    for tap in np.ndindex(*kernel):
        padded[(..., *(slice(t, t + s * (o - 1) + 1, s) for t, s, o in zip(tap, stride, out, strict=True)))] += output
    return padded[(..., *(slice(p, p + n) for p, n in zip(padding, spatial, strict=True)))].copy()


sum_pool.rule("input")(lambda grad, input_shape, kernel, stride, padding: spread_windows(grad, input_shape, kernel, stride, padding))
spread_windows.rule("output")(lambda grad, output_shape, kernel, stride, padding: sum_pool(grad, kernel, stride, padding, output_shape[2:]))


def avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """The mean of each window."""
    out = positions(input.shape[2:], kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    total = sum_pool(input, kernel, stride, padding, out)
    if divisor_override is not None:
        return total / divisor_override
    divisors = _divisors(input.shape[2:], out, kernel, stride, padding, count_include_pad)
    if divisors.min() == divisors.max():
        return total / float(divisors.flat[0])
    return total * total.new_tensor(1 / divisors)


@op
def adaptive_sum(input, matrices):
    """`input` multiplied along each spatial dimension by a (out, n) matrix."""
    for axis, matrix in enumerate(matrices, start=2):
        input = np.moveaxis(np.tensordot(input, matrix.astype(input.dtype), (axis, 1)), -1, axis)
    return input


adaptive_sum.rule("input")(lambda grad, matrices: adaptive_sum(grad, [matrix.T for matrix in matrices]))


def adaptive_avg_pool(input, output_size):
    """The mean of windows chosen so that exactly `output_size` come out: window i is [i n / out], [(i + 1) n / out] rounded outwards."""
    matrices = []
    for n, o in zip(input.shape[2:], output_size, strict=True):
        place, i = np.arange(n), np.arange(o)[:, None]
        start, end = i * n // o, -((-(i + 1) * n) // o)
        inside = (place >= start) & (place < end)
        matrices.append(inside / inside.sum(1, keepdims=True))
    return adaptive_sum(input, matrices)


def adaptive_max_pool(input, output_size):
    """The largest of each of `output_size` windows, chosen as in `adaptive_avg_pool`."""
    from .shape import stack

    lengths = input.shape[2:]
    shape = (*input.shape[:2], *output_size)
    cells = []
    for cell in np.ndindex(*output_size):
        window = tuple(slice(i * n // o, -((-(i + 1) * n) // o)) for i, n, o in zip(cell, lengths, output_size, strict=True))
        cells.append(input[(slice(None), slice(None), *window)].flatten(2).max(-1)[0])
    return reshape(stack(cells, -1), shape)

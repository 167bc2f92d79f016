"""Pooling: each output is the largest, or the mean, of a window of the input.  Shapes: (N, C, *spatial) -> (N, C, *positions)."""

from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module
from .elementwise import where
from .reduce import ValuesIndices
from .resample import area_taps, resample_spatial
from .shape import constant_pad


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
        if d > 1 and not all(any(0 <= i * s - p + j * d < n for j in range(k)) for i in range(count)):
            raise RuntimeError(f"kernel {tuple(kernel)} of dilation {d} has a window wholly outside of the input {tuple(spatial)}")
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
def window_max(input, places):
    """The largest of each window, and where in its plane (H W, counted through) it was; `places` (…, out, kernel) for each dimension."""
    module, spatial, dims = array_module(input), input.shape[2:], len(places)
    flat = 0  # (…, *out, *kernel)
    for axis, place in enumerate(places):
        shape = [1] * (2 * dims)
        shape[axis], shape[dims + axis] = place.shape[-2:]
        flat = flat * spatial[axis] + place.reshape(*place.shape[:-2], *shape)
    flat = module.asarray(flat.reshape(*flat.shape[:-dims], -1))
    planes = module.arange(prod(input.shape[:2])).reshape(*input.shape[:2], *(1,) * (dims + 1))
    windows = input.ravel()[flat + planes * prod(spatial)]
    winner = windows.argmax(-1)[..., None]  # the first of equals, as PyTorch's; a nan wins
    indices = module.take_along_axis(module.broadcast_to(flat, windows.shape), winner, -1)
    return ValuesIndices(module.take_along_axis(windows, winner, -1)[..., 0], indices[..., 0])


def max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode):
    """The largest of each window, and where it was."""
    out, places = positions(input.shape[2:], kernel, stride, padding, dilation, ceil_mode), []
    for n, o, k, s, p, d in zip(input.shape[2:], out, kernel, stride, padding, dilation, strict=True):
        place = np.arange(o)[:, None] * s - p + np.arange(k) * d
        inside = (place >= 0) & (place < n)
        first = np.take_along_axis(place, inside.argmax(1)[:, None], 1)
        places.append(np.where(inside, place, first))  # what lies in the padding does not count
    return window_max(input, places)


def adaptive_max_pool(input, output_size):
    """The largest of each of `output_size` windows, chosen as in `adaptive_avg_pool`, and where it was."""
    return window_max(input, [area_taps(n, o).places for n, o in zip(input.shape[2:], output_size, strict=True)])


def fractional_max_pool(input, kernel, output_size, samples):
    """The largest of each of `output_size` windows at intervals drawn by `samples` (N, C, 2) in [0, 1) (Graham, 2014), and where it was."""
    places = []
    for n, k, o, u in zip(input.shape[2:], kernel, output_size, (samples[..., 1:], samples[..., :1]), strict=True):
        step = u.dtype.type((n - k) / (o - 1) if o > 1 else 0)
        start = ((np.arange(o, dtype=u.dtype) + u) * step).astype(np.int64) - (u * step).astype(np.int64)
        start[..., -1] = n - k
        places.append(start[..., None] + np.arange(k))
    return window_max(input, places)


@op
def unpool(output, indices, shape):
    """Zeros of `shape`, with each element of `output` added at its index in its plane."""
    out = array_module(output).zeros(prod(shape), output.dtype)
    np.add.at(out, _through(indices, shape), output.ravel())
    return out.reshape(shape)


@op
def place(input, indices, shape):
    """Zeros of `shape`, with each element of `input` written at its index in its plane: of several in one place, the last stays."""
    out = array_module(input).zeros(prod(shape), input.dtype)
    out[_through(indices, shape)] = input.ravel()
    return out.reshape(shape)


def _through(indices, shape):
    """Indices in a plane each, as indices into all planes of `shape` (N, C, *spatial), flat."""
    planes = array_module(indices).arange(prod(shape[:2])).reshape(-1, 1)
    return (indices.reshape(len(planes), prod(indices.shape[2:])) + planes * prod(shape[2:])).ravel()


@op
def pick(input, indices):
    """The elements at `indices` in each plane: (N, C, *spatial) -> the shape of `indices`."""
    return input.ravel()[_through(indices, input.shape)].reshape(indices.shape)


window_max.rule("input")(lambda grad, out, input_shape: unpool(grad[0], out[1], input_shape))
unpool.rule("output")(lambda grad, indices: pick(grad, indices))
place.rule("input")(lambda grad, indices: pick(grad, indices))
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


def adaptive_avg_pool(input, output_size):
    """The mean of windows chosen so that exactly `output_size` come out: window i is [i n / out], [(i + 1) n / out] rounded outwards."""
    return resample_spatial(input, [area_taps(n, o) for n, o in zip(input.shape[2:], output_size, strict=True)])


def lp_pool(input, p, kernel, stride, ceil_mode):
    """(sum x^p)^(1/p) over each window; a window that hangs over the edge counts as if it were full."""
    total = avg_pool(input**p, kernel, stride, (0,) * len(kernel), ceil_mode, True, None) * prod(kernel)
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / p))  # at 0 the root has no gradient; PyTorch's choice: 0

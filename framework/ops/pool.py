"""Pooling: each output is the largest, or the mean, of a window of the input.  Shapes: (N, C, *spatial) -> (N, C, *positions)."""

from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module
from .elementwise import where
from .reduce import ValuesIndices
from .resample import Taps, area_taps, resample_spatial


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


def _window_taps(n, out, kernel, stride, padding):
    """The elements of each window along a dimension: those in the padding weigh nothing."""
    place = np.arange(out)[:, None] * stride - padding + np.arange(kernel)
    return Taps(np.clip(place, 0, n - 1), ((place >= 0) & (place < n)).astype(np.float64))


def avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """The mean of each window."""
    out = positions(input.shape[2:], kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    total = resample_spatial(input, list(map(_window_taps, input.shape[2:], out, kernel, stride, padding)))
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

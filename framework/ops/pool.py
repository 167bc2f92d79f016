"""Pooling: each output is the largest, or the mean, of a window of the input.  Shapes: (N, C, *spatial) -> (N, C, *positions)."""

from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module, constant
from . import conv
from .resample import mean_taps, resample
from .scatter import gather
from .shape import flatten, reshape


def positions(spatial, kernel, stride, padding, dilation, ceil_mode) -> tuple:
    """How many windows there are along each dimension; RuntimeError if, dilated, one of them lies wholly in the padding."""
    out = conv.positions(spatial, kernel, stride, padding, dilation, ceil_mode)
    for n, o, k, s, p, d in zip(spatial, out, kernel, stride, padding, dilation, strict=True):
        if d > 1 and not all(any(0 <= i * s - p + j * d < n for j in range(k)) for i in range(o)):
            raise RuntimeError(f"kernel {tuple(kernel)} of dilation {d} has a window wholly outside of the input {tuple(spatial)}")
    return out


def _windows(spatial, kernel, stride, padding, dilation, ceil_mode):
    """For each dimension its length n, and where the elements of each window are: (positions, kernel); not in [0, n) is the padding."""
    out = positions(spatial, kernel, stride, padding, dilation, ceil_mode)
    for n, o, k, s, p, d in zip(spatial, out, kernel, stride, padding, dilation, strict=True):
        yield n, np.arange(o)[:, None] * s - p + np.arange(k) * d


@op
def winners(input, places):
    """Where in its plane (H W, counted through) the largest of each window is; `places` (…, positions, kernel) for each dimension."""
    module, (n, c, *spatial), dims = array_module(input), input.shape, len(places)
    flat = 0  # (…, *positions, *kernel)
    for axis, place in enumerate(places):
        shape = [1] * (2 * dims)
        shape[axis], shape[dims + axis] = place.shape[-2:]
        flat = flat * spatial[axis] + place.reshape(*place.shape[:-2], *shape)
    flat = constant(flat.reshape(*flat.shape[:-dims], prod(flat.shape[-dims:])), input)
    planes = module.arange(n * c).reshape(n, c, *(1,) * (dims + 1))
    windows = input.ravel()[flat + planes * prod(spatial)]
    winner = windows.argmax(-1)[..., None]  # the first of equals, as PyTorch's; a nan wins
    return module.take_along_axis(module.broadcast_to(flat, windows.shape), winner, -1)[..., 0]


def largest(input, places) -> tuple:
    """The largest of each window, and where it was: see `winners`."""
    indices = winners(input, places)
    return reshape(gather(flatten(input, 2), 2, flatten(indices, 2)), indices.shape), indices


def max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode) -> tuple:
    """The largest of each window, and where it was."""
    places = []
    for n, place in _windows(input.shape[2:], kernel, stride, padding, dilation, ceil_mode):
        inside = (place >= 0) & (place < n)
        first = np.take_along_axis(place, inside.argmax(1)[:, None], 1)
        places.append(np.where(inside, place, first))  # what lies in the padding does not count
    return largest(input, places)


@fusable("input")
def max_pool(input, kernel, stride, padding, dilation, ceil_mode):
    """The largest of each window alone: what a layer asks for, and what a kernel replaces."""
    return max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode)[0]


def avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad=True, divisor_override=None):
    """The mean of each window: padding counts if asked for, what hangs over the edge never."""
    taps = []
    windows = _windows(input.shape[2:], kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    for (n, place), p in zip(windows, padding, strict=True):
        low, high = (-p, n + p) if count_include_pad else (0, n)
        count = ((place >= low) & (place < high)).sum(1, keepdims=True)
        taps.append(mean_taps(place, n, 1 if divisor_override else count))
    total = resample(input, 2, taps)
    return total / divisor_override if divisor_override else total

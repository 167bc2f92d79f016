"""Images rearranged: pixels to channels and back, windows to columns and back."""

import numpy as np

from .resample import Taps, resample_spatial
from .shape import constant_pad, permute, reshape


def pixel_shuffle(input, r):
    """(…, C r^2, H, W) -> (…, C, H r, W r): every r^2 channels become a square of pixels (Shi et al., 2016)."""
    *batch, c, h, w = input.shape
    n = len(batch)
    out = reshape(input, (*batch, c // r**2, r, r, h, w))
    return reshape(permute(out, (*range(n + 1), n + 3, n + 1, n + 4, n + 2)), (*batch, c // r**2, h * r, w * r))


def pixel_unshuffle(input, r):
    """(…, C, H r, W r) -> (…, C r^2, H, W): the opposite."""
    *batch, c, h, w = input.shape
    n = len(batch)
    out = reshape(input, (*batch, c, h // r, r, w // r, r))
    return reshape(permute(out, (*range(n + 1), n + 2, n + 4, n + 1, n + 3)), (*batch, c * r**2, h // r, w // r))


def channel_shuffle(input, groups):
    """The channels of all groups taken in turn: the first of each, then the second of each (Zhang et al., 2018)."""
    n, c, *spatial = input.shape
    out = reshape(input, (n, groups, c // groups, *spatial))
    return reshape(permute(out, (0, 2, 1, *range(3, out.ndim))), (n, c, *spatial))


def _window_taps(out, kernel, stride, dilation):
    """For each dimension: all elements of all windows, one window after the other."""
    each = zip(out, kernel, stride, dilation, strict=True)
    return [Taps((np.arange(o)[:, None] * s + np.arange(k) * d).reshape(-1, 1)) for o, k, s, d in each]


def unfold(input, out, kernel, stride, padding, dilation):
    """Every window as a column: (N, C, *spatial) -> (N, C * prod(kernel), prod(out))."""
    (n, c), (o1, o2), (k1, k2) = input.shape[:2], out, kernel
    padded = constant_pad(input, (0, 0, *padding), (0, 0, *padding))
    windows = resample_spatial(padded, _window_taps(out, kernel, stride, dilation))  # (N, C, o1 * k1, o2 * k2)
    windows = permute(reshape(windows, (n, c, o1, k1, o2, k2)), (0, 1, 3, 5, 2, 4))
    return reshape(windows, (n, c * k1 * k2, o1 * o2))


def fold(input, spatial, out, kernel, stride, padding, dilation):
    """Columns added up where their windows lie, the transpose of `unfold`: (N, C * prod(kernel), prod(out)) -> (N, C, *spatial)."""
    n, c, (o1, o2), (k1, k2) = input.shape[0], input.shape[1] // (kernel[0] * kernel[1]), out, kernel
    windows = permute(reshape(input, (n, c, k1, k2, o1, o2)), (0, 1, 4, 2, 5, 3))
    windows = reshape(windows, (n, c, o1 * k1, o2 * k2))
    taps = zip(_window_taps(out, kernel, stride, dilation), spatial, padding, strict=True)
    padded = resample_spatial(windows, [each.transposed(length + 2 * p) for each, length, p in taps])
    cut = (0, 0, *(-p for p in padding))
    return constant_pad(padded, cut, cut)

"""Images and other grids made larger or smaller, padded, cut into windows, their pixels rearranged."""

import math
from functools import partial

import numpy as np

from ...dtypes import float64
from ...ops import conv
from ...ops.promotion import expect, refuse
from ...ops.resample import Taps, area_taps, cubic_taps, linear_taps, nearest_taps, resample
from ...ops.shape import constant_pad_nd, movedim, reshape, transpose
from .arguments import batched, tuple_of, window

# mode -> spatial dimensions it is for, and the taps along one of them
_MODES = {
    "nearest": ((1, 2, 3), nearest_taps), "nearest-exact": ((1, 2, 3), partial(nearest_taps, exact=True)),
    "area": ((1, 2, 3), lambda n, out, *_: area_taps(n, out)), "bicubic": ((2,), cubic_taps),
    "linear": ((1,), linear_taps), "bilinear": ((2,), linear_taps), "trilinear": ((3,), linear_taps),
}  # fmt: skip
_NUMPYS_NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def interpolate(input, size=None, scale_factor=None, mode: str = "nearest", align_corners=None, recompute_scale_factor=None,
                antialias: bool = False):  # fmt: skip
    """(N, C, *spatial) stretched to `size`, or by `scale_factor`: nearest, nearest-exact, linear, bilinear, trilinear, bicubic or area."""
    expect(mode in _MODES and not antialias, f"{mode=}, {antialias=} is not supported; modes: {[*_MODES]}", NotImplementedError)
    refuse("biu", f"interpolate {mode}", input)
    (allowed, taps), spatial, dims = _MODES[mode], tuple(input.shape[2:]), input.ndim - 2
    expect((size is None) != (scale_factor is None), "one of size and scale_factor should be defined, and only one", ValueError)
    expect(dims in allowed, f"Got {input.ndim}D input for mode {mode}, which is for {[*allowed]} spatial dimensions", NotImplementedError)
    expect(align_corners is None or len(allowed) == 1, "align_corners is for the modes linear, bilinear, bicubic and trilinear", ValueError)
    given = size if scale_factor is None else scale_factor
    expect(isinstance(given, (int, float)) or len(given) == dims, f"expected {dims} sizes or scale factors, but got {given}", ValueError)
    scales, size = tuple_of(scale_factor, dims), tuple_of(size, dims)
    if scale_factor is not None:
        size = tuple(int(n * scale) for n, scale in zip(spatial, scales, strict=True))
    expect(min(*input.shape[1:], *size) > 0, f"sizes should be greater than 0, but the input's are {input.shape}, the output's {size}")
    real = np.float64 if input.dtype is float64 else np.float32
    along = []
    for n, out, scale in zip(spatial, size, scales, strict=True):
        short = mode.endswith("linear") and out == n or mode == "nearest" and dims == 2 and out in (n, 2 * n)  # cuts of PyTorch's
        along.append(taps(n, out, None if recompute_scale_factor or short else scale, bool(align_corners), real))
    return resample(input, 2, along)


def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` by the nearest input."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` linearly, the corners aligned."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


def pad(input, pad, mode: str = "constant", value=None):
    """Add elements around the last dimensions: `pad` = (before last, after last, before second last, …); negative numbers cut off.

    They are `value`, or with mode "reflect" mirrored at the edge, "replicate" the edge's own, "circular" those of the other end.
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    expect(mode in _NUMPYS_NAMES, f"Unrecognised padding mode {mode}", NotImplementedError)
    expect(not value, f'Padding mode "{mode}" doesn\'t take in value argument')
    offered = len(pad) in (2, 4, 6) and input.ndim - len(pad) // 2 in (1, 2)
    expect(offered, f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.", NotImplementedError)
    refuse("" if mode == "circular" else "b", f"pad {mode}", input)
    taps = []
    for dim, before, after in zip(range(-1, -4, -1), pad[::2], pad[1::2], strict=False):
        n, added = input.shape[dim], (max(before, 0), max(after, 0))
        kept = np.arange(max(-before, 0), n - max(-after, 0))
        most = {"reflect": len(kept) - 1, "circular": len(kept)}.get(mode, math.inf)
        expect(len(kept) and max(added) <= most, f"padding ({before}, {after}) is too much for a dimension of length {n} and mode {mode}")
        taps.insert(0, Taps(np.pad(kept, added, _NUMPYS_NAMES[mode])[:, None]))
    return resample(input, input.ndim - len(taps), taps)


def pixel_shuffle(input, upscale_factor: int):
    """(…, C r^2, H, W) -> (…, C, H r, W r), r = `upscale_factor`: every r^2 channels become a square of pixels (Shi et al., 2016)."""
    r = upscale_factor
    expect(input.ndim > 2 and r > 0 and not input.shape[-3] % r**2, f"expected (…, C r^2, H, W), r > 0, but got {list(input.shape)}, {r=}")
    *batch, c, h, w = input.shape
    squares = movedim(reshape(input, (*batch, c // r**2, r, r, h, w)), (-4, -3), (-3, -1))  # (…, C, H, r, W, r)
    return reshape(squares, (*batch, c // r**2, h * r, w * r))


def pixel_unshuffle(input, downscale_factor: int):
    """(…, C, H r, W r) -> (…, C r^2, H, W), r = `downscale_factor`: the opposite of `pixel_shuffle`."""
    r = downscale_factor
    *batch, c, h, w = input.shape
    expect(r > 0 and not h % r and not w % r, f"expected (…, C, H r, W r), r > 0, but got {list(input.shape)}, {r=}")
    channels = movedim(reshape(input, (*batch, c, h // r, r, w // r, r)), (-3, -1), (-4, -3))  # (…, C, r, r, H, W)
    return reshape(channels, (*batch, c * r**2, h // r, w // r))


def channel_shuffle(input, groups: int):
    """The channels (N, C, …) of `groups` groups taken in turn: the first of each, then the second of each (Zhang et al., 2018)."""
    right = input.ndim > 2 and groups > 0 and not input.shape[1] % groups
    expect(right, f"channel_shuffle expects (N, C, …), C divisible by groups, but got {list(input.shape)} and {groups=}")
    n, c, *spatial = input.shape
    return reshape(transpose(reshape(input, (n, groups, c // groups, *spatial)), 1, 2), (n, c, *spatial))


@batched("unfold", 2, not_for="iu")
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of (N, C, H, W) as a column: (N, C * prod(kernel), windows)."""
    kernel, *geometry = window(2, kernel_size, stride, padding, dilation)
    return conv.unfold(input, kernel, geometry)


@batched("fold", 1, not_for="iu")
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C * prod(kernel), windows) added up where their windows lie in (N, C, *output_size)."""
    size, (kernel, *geometry) = tuple_of(output_size, 2), window(2, kernel_size, stride, padding, dilation)
    (n, rows, columns), taps, windows = input.shape, math.prod(kernel), math.prod(conv.positions(size, kernel, *geometry))
    right = not rows % taps and columns == windows
    expect(right, f"fold to output_size={size} expects input of size (N, C * {taps}, {windows}), but got {list(input.shape)}")
    return conv.fold(input, (n, rows // taps, *size), kernel, geometry)

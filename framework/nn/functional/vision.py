"""Images and other grids made larger or smaller, cut into windows, their pixels rearranged."""

import math

import numpy as np

from ...dtypes import float64
from ...ops import vision as ops
from ...ops.conv import positions
from ...ops.pool import adaptive_avg_pool
from ...ops.resample import cubic_taps, linear_taps, nearest_taps, resample_spatial
from .arguments import batched, floating, tuple_of

# mode -> spatial dimensions it is for, and the taps along one of them
_MODES = {
    "nearest": ((1, 2, 3), lambda n, out, scale, align_corners, real: nearest_taps(n, out, scale, real, False)),
    "nearest-exact": ((1, 2, 3), lambda n, out, scale, align_corners, real: nearest_taps(n, out, scale, real, True)),
    "area": ((1, 2, 3), None),
    "linear": ((1,), linear_taps),
    "bilinear": ((2,), linear_taps),
    "trilinear": ((3,), linear_taps),
    "bicubic": ((2,), cubic_taps),
}


def interpolate(input, size=None, scale_factor=None, mode: str = "nearest", align_corners=None, recompute_scale_factor=None,
                antialias: bool = False):  # fmt: skip
    """(N, C, *spatial) stretched to `size`, or by `scale_factor`: nearest, nearest-exact, linear, bilinear, trilinear, bicubic or area."""
    spatial, dims = tuple(input.shape[2:]), input.ndim - 2
    if mode in ("nearest", "nearest-exact", "area") and align_corners is not None:
        raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{'either' if size is None else 'only one of'} size or scale_factor should be defined")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    given = scale_factor if size is None else size
    if isinstance(given, (tuple, list)) and len(given) != dims:
        raise ValueError(f"Input and {'scale_factor' if size is None else 'output'} must have the same number of spatial dimensions, "
                         f"but got input with spatial dimensions of {list(spatial)} and {given}.")  # fmt: skip
    if mode not in _MODES or dims not in (1, 2, 3):
        raise NotImplementedError(f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: "
                                  f"{' | '.join(_MODES)} (got {mode})")  # fmt: skip
    allowed, taps = _MODES[mode]
    if dims not in allowed:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {allowed[0] + 2}D input")
    scales, size = tuple_of(scale_factor, dims), tuple_of(size, dims)
    if scale_factor is not None:
        size = tuple(int(n * scale) for n, scale in zip(spatial, scales, strict=True))
    if min(*input.shape[1:], *size) < 1:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {list(input.shape)} and output {list(size)}")
    floating(f"interpolate {mode}", input)
    if taps is None:
        return adaptive_avg_pool(input, size)
    real = np.float64 if input.dtype is float64 else np.float32
    along = []
    for n, out, scale in zip(spatial, size, scales, strict=True):
        forgotten = recompute_scale_factor or _scale_is_forgotten(mode, dims, n, out)
        along.append(taps(n, out, None if forgotten else scale, bool(align_corners), real))
    return resample_spatial(input, along)


def _scale_is_forgotten(mode, dims, n, out) -> bool:
    """Where a size comes out the same, or twice as large, some modes of PyTorch's take a short way."""
    return mode.endswith("linear") and out == n or mode == "nearest" and dims == 2 and out in (n, 2 * n)


def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` by the nearest input."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` linearly, the corners aligned."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


def pixel_shuffle(input, upscale_factor: int):
    """(…, C r^2, H, W) -> (…, C, H r, W r), r = `upscale_factor` (Shi et al., 2016)."""
    _check_shuffle("pixel_shuffle", input, "upscale_factor", upscale_factor)
    if input.shape[-3] % upscale_factor**2:
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
                           f"but input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor**2}")  # fmt: skip
    return ops.pixel_shuffle(input, upscale_factor)


def pixel_unshuffle(input, downscale_factor: int):
    """(…, C, H r, W r) -> (…, C r^2, H, W), r = `downscale_factor`."""
    _check_shuffle("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    for what, dim in (("height", -2), ("width", -1)):
        if input.shape[dim] % downscale_factor:
            raise RuntimeError(f"pixel_unshuffle expects {what} to be divisible by downscale_factor, "
                               f"but input.size({dim})={input.shape[dim]} is not divisible by {downscale_factor}")  # fmt: skip
    return ops.pixel_unshuffle(input, downscale_factor)


def _check_shuffle(name, input, what, factor) -> None:
    if input.ndim < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)")
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {what}, but got {factor}")


def channel_shuffle(input, groups: int):
    """The channels (N, C, …) of `groups` groups taken in turn (Zhang et al., 2018)."""
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0 or input.shape[1] % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and {groups} groups.")
    return ops.channel_shuffle(input, groups)


def _geometry(spatial, kernel_size, dilation, padding, stride):
    """(kernel, stride, padding, dilation), and how many windows there are along each dimension."""
    kernel, stride, padding, dilation = (tuple_of(each, 2) for each in (kernel_size, stride, padding, dilation))
    if min(*kernel, *stride, *dilation) <= 0 or min(padding) < 0:
        raise RuntimeError("kernel size, stride and dilation should be greater than zero, and padding not negative, "
                           f"but got kernel_size={kernel}, stride={stride}, dilation={dilation}, padding={padding}")  # fmt: skip
    out = positions(spatial, kernel, stride, padding, dilation)
    if min(out) < 1:
        raise RuntimeError(f"Given input with spatial size {tuple(spatial)}, kernel_size={kernel}, dilation={dilation}, padding={padding} "
                           f"calculated shape of the array of sliding blocks as {out}: its components must be at least one.")  # fmt: skip
    return (kernel, stride, padding, dilation), out


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of (N, C, H, W) as a column: (N, C * prod(kernel), windows)."""
    input, alone = batched("unfold", input, 2)
    geometry, out = _geometry(input.shape[2:], kernel_size, dilation, padding, stride)
    columns = ops.unfold(input, out, *geometry)
    return columns.squeeze(0) if alone else columns


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C * prod(kernel), windows) added up where their windows lie in (N, C, *output_size)."""
    input, alone = batched("fold", input, 1)
    size = tuple_of(output_size, 2)
    geometry, out = _geometry(size, kernel_size, dilation, padding, stride)
    if input.shape[1] % math.prod(geometry[0]):
        raise RuntimeError("Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
                           f"but got input.size(1)={input.shape[1]} and kernel_size={geometry[0]}.")  # fmt: skip
    if input.shape[2] != math.prod(out):
        raise RuntimeError(f"Given output_size={size}, expected size of input's dimension 2 to match the number of sliding blocks "
                           f"{' * '.join(map(str, out))} = {math.prod(out)}, but got input.size(2)={input.shape[2]}.")  # fmt: skip
    image = ops.fold(input, size, out, *geometry)
    return image.squeeze(0) if alone else image

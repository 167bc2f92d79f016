"""Pooling."""

import math

import numpy as np

from ...creation import rand
from ...ops import pool as ops
from ...ops.elementwise import where
from ...ops.promotion import expect
from ...ops.resample import area_taps, resample
from .arguments import batched, spatial, tuple_of, window


def _window(input, kernel_size, stride, padding, dilation=1) -> tuple:
    """The kernel, stride (if none, the kernel), padding and dilation of a pooling of `input`."""
    stride = kernel_size if stride in (None, (), []) else stride
    kernel, stride, padding, dilation = window(input.ndim - 2, kernel_size, stride, padding, dilation)
    expect(0 not in input.shape[1:], f"pooling needs input with non-zero sizes apart from the batch, got {list(input.shape)}")
    right = all(p <= k // 2 for k, p in zip(kernel, padding, strict=True))
    expect(right, f"pad should be at most half of effective kernel size, but got pad={padding}, kernel_size={kernel}")
    return kernel, stride, padding, dilation


@spatial(not_for="b")
def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window; with `return_indices` also where in its plane it was."""
    pool = ops.max_pool_with_indices if return_indices else ops.max_pool
    return pool(input, *_window(input, kernel_size, stride, padding, dilation), ceil_mode)


@spatial(not_for="biu")
def avg_pool(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """The mean of each window: its sum over how many elements it has, or over `divisor_override`."""
    expect(divisor_override != 0, "divisor must be not zero")
    kernel, stride, padding, _ = _window(input, kernel_size, stride, padding)
    return ops.avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)


@spatial(not_for="biu")
def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum x^p)^(1/p) of each window, p = `norm_type`; a window that hangs over the edge counts as if it were full."""
    kernel, stride, padding, dilation = _window(input, kernel_size, stride, 0)
    if norm_type in (math.inf, -math.inf):
        sign = 1 if norm_type > 0 else -1
        return sign * ops.max_pool(sign * input.abs(), kernel, stride, padding, dilation, ceil_mode)
    total = ops.avg_pool(input ** float(norm_type), kernel, stride, padding, ceil_mode) * math.prod(kernel)
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / norm_type))  # at 0 the root has no gradient; PyTorch's choice: 0


def _area_taps(input, output_size) -> list:
    """Along each dimension the windows of an adaptive pooling: None in `output_size` stands for the input's."""
    size = [n if o is None else o for o, n in zip(tuple_of(output_size, input.ndim - 2), input.shape[2:], strict=True)]
    right = min(size) >= 0 and 0 not in input.shape[1:]
    expect(right, f"adaptive pooling needs input with non-zero sizes and output_size >= 0, got {list(input.shape)} and {size}")
    return list(map(area_taps, input.shape[2:], size))


@spatial(not_for="biu")
def adaptive_avg_pool(input, output_size):
    """The means of windows that cover the input, so many that the output has `output_size`: see `area_taps`."""
    taps = _area_taps(input, output_size)
    return resample(input, 2, taps) if any([len(each.places) != 1 for each in taps]) else input.mean(tuple(range(2, input.ndim)), True)


@spatial(not_for="biu")
def adaptive_max_pool(input, output_size, return_indices=False):
    """The largest elements of the windows of `adaptive_avg_pool`; with `return_indices` also where they were."""
    out = ops.largest(input, [each.places for each in _area_taps(input, output_size)])
    return out if return_indices else out[0]


@batched("fractional_max_pool2d", 2, not_for="biu")
def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """The largest of windows at random intervals, so that the output has `output_size`, or `output_ratio` of the input's (Graham, 2014)."""
    kernel, spatial = _window(input, kernel_size, 1, 0)[0], input.shape[2:]
    if output_size is None:
        expect(output_ratio is not None, "fractional_max_pool2d requires either an output_size or an output_ratio", ValueError)
        output_size = [int(n * ratio) for n, ratio in zip(spatial, tuple_of(output_ratio, 2), strict=True)]
    size = tuple_of(output_size, 2)
    fits = all(o + k - 1 <= n for n, k, o in zip(spatial, kernel, size, strict=True))
    expect(fits, f"fractional_max_pool2d(): kernel {kernel} and output {size} too large relative to input {list(spatial)}")
    samples = rand(*input.shape[:2], 2, dtype=input.dtype, device=input.device) if _random_samples is None else _random_samples  # u
    samples, places = samples.numpy(force=True), []
    for n, k, o, u in zip(spatial, kernel, size, (samples[..., 1:], samples[..., :1]), strict=True):
        step = u.dtype.type((n - k) / (o - 1) if o > 1 else 0)
        start = ((np.arange(o, dtype=u.dtype) + u) * step).astype(np.int64) - (u * step).astype(np.int64)
        start[..., -1] = n - k
        places.append(start[..., None] + np.arange(k))
    out = ops.largest(input, places)
    return out if return_indices else out[0]


@spatial(not_for="biu")
def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The opposite of max pooling: every element where `indices` say it was (of several in one place the last), zeros between them."""
    expect(indices.numel() == input.numel(), f"Expected shape of indices to be that of the input, {input.shape}, but got {indices.shape}")
    kernel, stride, padding, _ = _window(input, kernel_size, stride, padding)
    size = [(n - 1) * s + k - 2 * p for n, k, s, p in zip(input.shape[2:], kernel, stride, padding, strict=True)]
    if output_size is not None:
        wanted = tuple(output_size[-len(size) :])
        near = all(n - s < o < n + s for o, n, s in zip(wanted, size, stride, strict=True))
        expect(near, f"invalid output_size {wanted}: it must be less than a stride, {stride}, away from {tuple(size)}", ValueError)
        size = wanted
    planes, values = input.new_zeros(*input.shape[:2], math.prod(size)), input.flatten(2)
    return planes.scatter(2, indices.reshape(values.shape), values).reshape(*input.shape[:2], *size)


max_pool1d, max_pool2d, max_pool3d = max_pool
avg_pool1d, avg_pool2d, avg_pool3d = avg_pool
lp_pool1d, lp_pool2d, lp_pool3d = lp_pool
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = adaptive_avg_pool
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = adaptive_max_pool
max_unpool1d, max_unpool2d, max_unpool3d = max_unpool

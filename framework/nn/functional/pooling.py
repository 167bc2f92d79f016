"""Pooling."""

import math

from ...creation import rand
from ...dtypes import int64
from ...ops import pool as ops
from ...ops.elementwise import abs
from .arguments import floating, spatial, tuple_of


def _window(input, kernel_size, stride, padding, dilation=1):
    """The kernel, stride, padding and dilation of a pooling of `input`."""
    kernel, padding, dilation = (tuple_of(each, input.ndim - 2) for each in (kernel_size, padding, dilation))
    stride = kernel if stride is None or stride in ([], ()) else tuple_of(stride, input.ndim - 2)
    if 0 in input.shape[1:]:
        raise RuntimeError(f"Expected input with non-zero size for non-batch dimensions, but got: {list(input.shape)}")
    if min(*kernel, *stride, *dilation) <= 0:
        raise RuntimeError("kernel size, stride and dilation should be greater than zero: stride should not be zero")
    for k, p in zip(kernel, padding, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > k // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation=1")
    return kernel, stride, padding, dilation


@spatial
def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window; with `return_indices` also where in its plane it was."""
    pool = ops.max_pool_with_indices if return_indices else ops.max_pool
    return pool(input, *_window(input, kernel_size, stride, padding, dilation), ceil_mode)


@spatial
def avg_pool(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """The mean of each window: its sum over how many elements it has, or over `divisor_override`."""
    floating("avg_pool", input)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, stride, padding, _ = _window(input, kernel_size, stride, padding)
    return ops.avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)


@spatial
def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum x^p)^(1/p) of each window, p = `norm_type`."""
    kernel, stride, padding, dilation = _window(input, kernel_size, stride, 0)
    if norm_type in (math.inf, -math.inf):
        sign = 1 if norm_type > 0 else -1
        return sign * ops.max_pool(sign * abs(input), kernel, stride, padding, dilation, ceil_mode)
    floating("lp_pool", input)
    return ops.lp_pool(input, float(norm_type), kernel, stride, ceil_mode)


def _adaptive_size(input, output_size) -> tuple:
    """The whole output size: None stands for the input's."""
    floating("adaptive_pool", input)
    if 0 in input.shape[1:]:
        raise RuntimeError(f"Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(input.shape)}")
    size = tuple(n if o is None else o for o, n in zip(tuple_of(output_size, input.ndim - 2), input.shape[2:], strict=True))
    if min(size) < 0:
        raise RuntimeError(f"elements of output_size must be greater than or equal to 0 but received {size}")
    return size


@spatial
def adaptive_avg_pool(input, output_size):
    """The means of windows chosen so that the output has `output_size`."""
    return ops.adaptive_avg_pool(input, _adaptive_size(input, output_size))


@spatial
def adaptive_max_pool(input, output_size, return_indices=False):
    """The largest elements of windows chosen so that the output has `output_size`; with `return_indices` also where they were."""
    out = ops.adaptive_max_pool(input, _adaptive_size(input, output_size))
    return out if return_indices else out[0]


@spatial
def fractional_max_pool(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """The largest of windows at random intervals, so that the output has `output_size`, or `output_ratio` of the input's (Graham, 2014)."""
    floating("fractional_max_pool2d", input)
    kernel = tuple_of(kernel_size, 2)
    if output_size is None:
        if output_ratio is None:
            raise ValueError("fractional_max_pool2d requires specifying either an output_size or an output_ratio")
        output_size = tuple(int(n * ratio) for n, ratio in zip(input.shape[2:], tuple_of(output_ratio, 2), strict=True))
    size = tuple_of(output_size, 2)
    for what, n, k, o in zip(("height", "width"), input.shape[2:], kernel, size, strict=True):
        if o + k - 1 > n:
            raise RuntimeError(f"fractional_max_pool2d(): pool {what} {k} too large relative to input {what} {n}")
    samples = rand(*input.shape[:2], 2, dtype=input.dtype) if _random_samples is None else _random_samples
    out = ops.fractional_max_pool(input, kernel, size, samples.numpy(force=True))
    return out if return_indices else out[0]


@spatial
def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The opposite of max pooling: every element where `indices` say it was, zeros between them."""
    if indices.dtype is not int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype.name}")
    if indices.numel() != input.numel():
        raise RuntimeError(f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) "
                           f"but got indices tensor with shape: {list(indices.shape)}")  # fmt: skip
    kernel, padding = tuple_of(kernel_size, input.ndim - 2), tuple_of(padding, input.ndim - 2)
    stride = kernel if stride is None else tuple_of(stride, input.ndim - 2)
    natural = [(n - 1) * s + k - 2 * p for n, k, s, p in zip(input.shape[2:], kernel, stride, padding, strict=True)]
    size = tuple(natural) if output_size is None else _allowed_size(output_size, natural, stride)
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < math.prod(size):
        raise RuntimeError(f"Found an invalid max index: {int(indices.max())} (output volumes are of size {'x'.join(map(str, size))})")
    return ops.place(input, indices.reshape(input.shape), (*input.shape[:2], *size))


def _allowed_size(output_size, natural, stride) -> tuple:
    """The spatial part of `output_size`, less than a stride away from the size that follows from the input's."""
    dims = len(natural)
    if len(output_size) not in (dims, dims + 2):
        raise ValueError(f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has {len(output_size)}")
    size = tuple(output_size[-dims:])
    for dim, (wanted, n, s) in enumerate(zip(size, natural, stride, strict=True)):
        if not n - s < wanted < n + s:
            raise ValueError(f'invalid output_size "{size}" (dim {dim} must be between {n - s} and {n + s})')
    return size


max_pool1d, max_pool2d, max_pool3d = max_pool
avg_pool1d, avg_pool2d, avg_pool3d = avg_pool
lp_pool1d, lp_pool2d, lp_pool3d = lp_pool
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = adaptive_avg_pool
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = adaptive_max_pool
fractional_max_pool2d = fractional_max_pool[1]
max_unpool1d, max_unpool2d, max_unpool3d = max_unpool

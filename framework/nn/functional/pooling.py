"""Pooling."""

import math

from ...creation import rand
from ...dtypes import int64
from ...ops import pool as ops
from ...ops.elementwise import abs
from .arguments import batched, floating, tuple_of


def _of(dims):
    return f"over {dims} spatial dimension{'s' * (dims > 1)}"


def _windows(name, dims, input, kernel_size, stride, padding, dilation=1):
    """The input with a batch, whether it had none, and the window's kernel, stride, padding and dilation, checked."""
    input, alone = batched(name, input, dims)
    if 0 in input.shape[1:]:
        raise RuntimeError(f"{name}: expected input with non-zero size for non-batch dimensions, but got: {list(input.shape)}")
    kernel = tuple_of(kernel_size, dims)
    stride = kernel if stride is None or stride in ([], ()) else tuple_of(stride, dims)
    padding, dilation = tuple_of(padding, dims), tuple_of(dilation, dims)
    if min(*kernel, *stride, *dilation) <= 0:
        raise RuntimeError(f"{name}: kernel size, stride and dilation should be greater than zero; stride should not be zero")
    for k, p in zip(kernel, padding, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > k // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation=1")
    return input, alone, (kernel, stride, padding, dilation)


def _with_indices(result, alone, return_indices):
    """(values, indices), or the values alone, without the batch if there was none."""
    values, indices = (each.squeeze(0) for each in result) if alone else result
    return (values, indices) if return_indices else values


def _max_pooling(dims):
    name = f"max_pool{dims}d"

    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        input, alone, window = _windows(name, dims, input, kernel_size, stride, padding, dilation)
        if return_indices:
            return _with_indices(ops.max_pool_with_indices(input, *window, ceil_mode), alone, True)
        out = ops.max_pool(input, *window, ceil_mode)
        return out.squeeze(0) if alone else out

    max_pool.__name__ = name
    max_pool.__doc__ = f"The largest element of each window {_of(dims)}; with `return_indices` also where in its plane it was."
    return max_pool


def _avg_pooling(dims):
    name = f"avg_pool{dims}d"

    def avg_pool(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        input, alone, (kernel, stride, padding, _) = _windows(name, dims, input, kernel_size, stride, padding)
        floating(name, input)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        out = ops.avg_pool(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return out.squeeze(0) if alone else out

    avg_pool.__name__ = name
    avg_pool.__doc__ = f"The mean of each window {_of(dims)}."
    return avg_pool


def _lp_pooling(dims):
    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        if norm_type in (float("inf"), -float("inf")):
            sign = 1 if norm_type > 0 else -1
            return sign * (max_pool1d, max_pool2d, max_pool3d)[dims - 1](sign * abs(input), kernel_size, stride, 0, 1, ceil_mode)
        input, alone, (kernel, stride, *_) = _windows(f"lp_pool{dims}d", dims, input, kernel_size, stride, 0)
        floating(f"lp_pool{dims}d", input)
        out = ops.lp_pool(input, float(norm_type), kernel, stride, ceil_mode)
        return out.squeeze(0) if alone else out

    lp_pool.__name__ = f"lp_pool{dims}d"
    lp_pool.__doc__ = f"(sum x^p)^(1/p) of each window {_of(dims)}, p = `norm_type`."
    return lp_pool


def _adaptive(name, dims, input, output_size):
    """The input with a batch, whether it had none, and the whole output size."""
    input, alone = batched(name, input, dims)
    floating(name, input)
    if 0 in input.shape[1:]:
        raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(input.shape)}")
    size = tuple(n if o is None else o for o, n in zip(tuple_of(output_size, dims), input.shape[2:], strict=True))
    if min(size) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {size}")
    return input, alone, size


def _adaptive_avg_pooling(dims):
    name = f"adaptive_avg_pool{dims}d"

    def adaptive_avg_pool(input, output_size):
        input, alone, size = _adaptive(name, dims, input, output_size)
        out = ops.adaptive_avg_pool(input, size)
        return out.squeeze(0) if alone else out

    adaptive_avg_pool.__name__ = name
    adaptive_avg_pool.__doc__ = f"The means of windows {_of(dims)}, chosen so that the output has `output_size`."
    return adaptive_avg_pool


def _adaptive_max_pooling(dims):
    name = f"adaptive_max_pool{dims}d"

    def adaptive_max_pool(input, output_size, return_indices=False):
        input, alone, size = _adaptive(name, dims, input, output_size)
        return _with_indices(ops.adaptive_max_pool(input, size), alone, return_indices)

    adaptive_max_pool.__name__ = name
    adaptive_max_pool.__doc__ = f"The largest elements of windows {_of(dims)}, chosen so that the output has `output_size`."
    return adaptive_max_pool


def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """The largest of windows at random intervals, so that the output has `output_size`, or `output_ratio` of the input's (Graham, 2014)."""
    input, alone = batched("fractional_max_pool2d", input, 2)
    floating("fractional_max_pool2d", input)
    if output_size is None:
        if output_ratio is None:
            raise ValueError("fractional_max_pool2d requires specifying either an output_size or an output_ratio")
        output_size = tuple(int(n * r) for n, r in zip(input.shape[2:], tuple_of(output_ratio, 2), strict=True))
    kernel, size = tuple_of(kernel_size, 2), tuple_of(output_size, 2)
    for what, n, k, o in zip(("height", "width"), input.shape[2:], kernel, size, strict=True):
        if o + k - 1 > n:
            raise RuntimeError(f"fractional_max_pool2d(): pool {what} {k} too large relative to input {what} {n}")
    if _random_samples is None:
        _random_samples = rand(*input.shape[:2], 2, dtype=input.dtype)
    return _with_indices(ops.fractional_max_pool(input, kernel, size, _random_samples.detach().numpy(force=True)), alone, return_indices)


def _max_unpooling(dims):
    name = f"max_unpool{dims}d"

    def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        if indices.dtype is not int64:
            raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype.name}")
        if indices.shape != input.shape:
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) "
                f"but got indices tensor with shape: {list(indices.shape)}"
            )
        input, alone = batched(name, input, dims)
        kernel, padding = tuple_of(kernel_size, dims), tuple_of(padding, dims)
        stride = kernel if stride is None else tuple_of(stride, dims)
        size = _unpooled_size(input.shape[2:], kernel, stride, padding, output_size)
        shape = (*input.shape[:2], *size)
        if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < math.prod(size):
            raise RuntimeError(f"Found an invalid max index: {int(indices.max())} (output volumes are of size {'x'.join(map(str, size))})")
        out = ops.place(input, indices.reshape(input.shape), shape)
        return out.squeeze(0) if alone else out

    max_unpool.__name__ = name
    max_unpool.__doc__ = f"The opposite of max_pool{dims}d: every element where `indices` say it was, zeros between them."
    return max_unpool


def _unpooled_size(spatial, kernel, stride, padding, output_size) -> tuple:
    natural = [(n - 1) * s + k - 2 * p for n, k, s, p in zip(spatial, kernel, stride, padding, strict=True)]
    if output_size is None:
        return tuple(natural)
    if len(output_size) not in (len(natural), len(natural) + 2):
        raise ValueError(
            f"output_size should be a sequence containing {len(natural)} or {len(natural) + 2} elements, "
            f"but it has a length of '{len(output_size)}'"
        )
    output_size = tuple(output_size[-len(natural) :])
    for dim, (wanted, n, s) in enumerate(zip(output_size, natural, stride, strict=True)):
        if not n - s < wanted < n + s:
            raise ValueError(f'invalid output_size "{output_size}" (dim {dim} must be between {n - s} and {n + s})')
    return output_size


max_pool1d, max_pool2d, max_pool3d = map(_max_pooling, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pooling, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pooling, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pooling, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pooling, (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = map(_max_unpooling, (1, 2, 3))

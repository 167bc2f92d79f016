"""Convolution on a CPU: each thread unfolds its images, a tile of rows at a time, into a buffer that stays in its cache, and multiplies.

For one image, with K = C/groups * kH * kW and P = oH * oW:

    columns (K, P) = unfold(image)          out (O, P) = weight (O, K) @ columns
    weight_grad   += grad @ columnsᵀ        image_grad = fold(weightᵀ @ grad)

All of it in PyTorch's own NCHW order, so nothing is ever converted.  A line is a plane of height 1; volumes are left to the reference.
"""

import numpy as np

from ..ops import conv as ops
from ..ops.conv import positions
from ..threads import get_num_threads
from .cpu import compiled, contiguous, floats, kernel, large, run_shares
from .cpu_blas import gemm, memcpy

_TILE_BYTES = 640 * 1024  # of columns: most of a core's second-level cache


@compiled(inline="always")
def _seen(out_length, length, tap, stride):
    """The positions [first, last) whose element number tap + position * stride lies inside [0, length)."""
    first = max(0, -(tap // stride)) if tap < 0 else 0
    last = min(out_length, (length - 1 - tap) // stride + 1)
    return first, max(first, last)


@compiled()
def _unfold(image, columns, kernel, stride, padding, dilation, out_width, top, bottom):
    """columns[(c, i, j), (y, x)] = image[c, y * stride + i * dilation - padding, …], for the output rows [top, bottom)."""
    channels, height, width = image.shape
    size, to, from_ = image.itemsize, columns.ctypes.data, image.ctypes.data
    for row in range(columns.shape[0]):
        c, i, j = row // (kernel[0] * kernel[1]), row // kernel[1] % kernel[0], row % kernel[1]
        left = j * dilation[1] - padding[1]
        first, last = _seen(out_width, width, left, stride[1])
        for y in range(top, bottom):
            source, start = y * stride[0] + i * dilation[0] - padding[0], (y - top) * out_width
            if source < 0 or source >= height:
                for x in range(out_width):
                    columns[row, start + x] = 0
                continue
            for x in range(first):
                columns[row, start + x] = 0
            if stride[1] == 1:  # rows of an image are short: memcpy is several times quicker than a loop
                line = (c * height + source) * width + left
                memcpy(to + (row * columns.shape[1] + start + first) * size, from_ + (line + first) * size, (last - first) * size)
            else:
                for x in range(first, last):
                    columns[row, start + x] = image[c, source, x * stride[1] + left]
            for x in range(last, out_width):
                columns[row, start + x] = 0


@compiled()
def _fold(columns, image, kernel, stride, padding, dilation, out_width, top, bottom):
    """The opposite: every element of `columns` added to where `_unfold` took it from."""
    channels, height, width = image.shape
    for c in range(channels):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                row, left = (c * kernel[0] + i) * kernel[1] + j, j * dilation[1] - padding[1]
                first, last = _seen(out_width, width, left, stride[1])
                for y in range(top, bottom):
                    target, start = y * stride[0] + i * dilation[0] - padding[0], (y - top) * out_width
                    if target < 0 or target >= height:
                        continue
                    if stride[1] == 1:
                        for x in range(first, last):
                            image[c, target, x + left] += columns[row, start + x]
                    else:
                        for x in range(first, last):
                            image[c, target, x * stride[1] + left] += columns[row, start + x]


@compiled()
def _forward(input, weight, bias, out, kernel, stride, padding, dilation, groups, rows, share, first_image, last_image):
    """out (N, O, oH, oW) of some images; `rows` output rows to a tile; weight (O, K)."""
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = out.shape[2:]
    buffer = np.empty(k * rows * out_width, input.dtype)
    for image in range(first_image, last_image):
        flat = out[image].reshape(out.shape[1], -1)
        for o in range(out.shape[1]):
            flat[o] = bias[o]
        for group in range(groups):
            planes = input[image, group * channels : (group + 1) * channels]
            taps = weight[group * filters : (group + 1) * filters]
            for top in range(0, out_height, rows):
                bottom = min(top + rows, out_height)
                tile = buffer[: k * (bottom - top) * out_width].reshape(k, -1)
                _unfold(planes, tile, kernel, stride, padding, dilation, out_width, top, bottom)
                gemm(taps, tile, flat[group * filters : (group + 1) * filters, top * out_width : bottom * out_width], 1)


@compiled()
def _backward(grad, input, weight, input_grad, weight_grads, bias_grads, kernel, stride, padding, dilation, groups, rows, share,
              first_image, last_image):  # fmt: skip
    """input_grad (N, C, H, W), or empty if not needed; weight_grads (shares, O, K) and bias_grads (shares, O): this share's."""
    weight_grad, bias_grad = weight_grads[share], bias_grads[share]
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = grad.shape[2:]
    buffer = np.empty(k * rows * out_width, input.dtype)
    for image in range(first_image, last_image):
        flat = grad[image].reshape(grad.shape[1], -1)
        for o in range(grad.shape[1]):
            bias_grad[o] += flat[o].sum()
        if input_grad.size:
            input_grad[image] = 0
        for group in range(groups):
            first, last = group * filters, (group + 1) * filters
            planes = slice(group * channels, (group + 1) * channels)
            for top in range(0, out_height, rows):
                bottom = min(top + rows, out_height)
                tile = buffer[: k * (bottom - top) * out_width].reshape(k, -1)
                arrived = flat[first:last, top * out_width : bottom * out_width]
                _unfold(input[image, planes], tile, kernel, stride, padding, dilation, out_width, top, bottom)
                gemm(arrived, tile.T, weight_grad[first:last], 1)
                if input_grad.size:
                    gemm(weight[first:last].T, arrived, tile, 0)
                    _fold(tile, input_grad[image, planes], kernel, stride, padding, dilation, out_width, top, bottom)


def _as_planes(array):
    """(N, C, L) as (N, C, 1, L)."""
    return array.reshape(*array.shape[:2], 1, array.shape[2]) if array.ndim == 3 else array


@kernel(ops.conv)
def unfolded_conv(input, weight, bias, stride, padding, dilation, groups):
    if input.ndim not in (3, 4) or not floats(input, weight, bias) or not contiguous(input, weight) or not large(input):
        return NotImplemented
    out_shape = (len(input), len(weight), *positions(input.shape[2:], weight.shape[2:], stride, padding, dilation))
    if input.ndim == 3:
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    planes, taps = _as_planes(input), _as_planes(weight)
    geometry = (taps.shape[2:], tuple(stride), tuple(padding), tuple(dilation), groups)
    flat_weight = taps.reshape(len(taps), -1)
    out = np.empty(out_shape, input.dtype)
    rows = max(1, min(_as_planes(out).shape[2], _TILE_BYTES // (flat_weight.shape[1] * out_shape[-1] * input.itemsize)))
    shares = get_num_threads()
    start = np.zeros(len(weight), input.dtype) if bias is None else bias
    run_shares(_forward, len(input), planes, flat_weight, start, _as_planes(out), *geometry, rows)

    def backward(grad, needs_input, needs_weight, needs_bias):
        grad = np.ascontiguousarray(grad)
        input_grad = np.empty(planes.shape if needs_input else (0, 0, 0, 0), input.dtype)
        weight_grads, bias_grads = np.zeros((shares, *flat_weight.shape), input.dtype), np.zeros((shares, len(weight)), input.dtype)
        sums = weight_grads, bias_grads
        run_shares(_backward, len(input), _as_planes(grad), planes, flat_weight, input_grad, *sums, *geometry, rows)
        return (
            input_grad.reshape(input.shape) if needs_input else None,
            weight_grads.sum(0).reshape(weight.shape) if needs_weight else None,
            bias_grads.sum(0) if needs_bias else None,
        )

    return out, backward

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
from .cpu import compiled, contiguous, floats, kernel, large, pieces_of, run_shares
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
def band(item, pieces, height):
    """Work item `item`: its image, which of the image's `pieces` bands of rows it is, and the band's rows [first, last) of `height`."""
    image, piece = item // pieces, item % pieces
    return image, piece, height * piece // pieces, height * (piece + 1) // pieces


@compiled()
def _forward(input, weight, bias, out, kernel, stride, padding, dilation, groups, rows, pieces, share, first_item, last_item):
    """out (N, O, oH, oW) of some bands; `rows` output rows to a tile; weight (O, K)."""
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = out.shape[2:]
    buffer = np.empty(k * rows * out_width, input.dtype)
    for item in range(first_item, last_item):
        image, _, start, end = band(item, pieces, out_height)
        flat = out[image].reshape(out.shape[1], -1)
        for o in range(out.shape[1]):
            flat[o, start * out_width : end * out_width] = bias[o]
        for group in range(groups):
            planes = input[image, group * channels : (group + 1) * channels]
            taps = weight[group * filters : (group + 1) * filters]
            for top in range(start, end, rows):
                bottom = min(top + rows, end)
                tile = buffer[: k * (bottom - top) * out_width].reshape(k, -1)
                _unfold(planes, tile, kernel, stride, padding, dilation, out_width, top, bottom)
                gemm(taps, tile, flat[group * filters : (group + 1) * filters, top * out_width : bottom * out_width], 1)


@compiled()
def _backward(grad, input, weight, input_grads, weight_grads, kernel, stride, padding, dilation, groups, rows, pieces, share,
              first_item, last_item):  # fmt: skip
    """input_grads (pieces, N, C, H, W), a part from each band, and weight_grads (shares, O, K), this share's; empty if not needed."""
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = grad.shape[2:]
    buffer = np.empty(k * rows * out_width, input.dtype)
    for item in range(first_item, last_item):
        image, piece, start, end = band(item, pieces, out_height)
        flat = grad[image].reshape(grad.shape[1], -1)
        if input_grads.size:
            input_grads[piece, image] = 0
        for group in range(groups):
            first, last = group * filters, (group + 1) * filters
            planes = slice(group * channels, (group + 1) * channels)
            for top in range(start, end, rows):
                bottom = min(top + rows, end)
                tile = buffer[: k * (bottom - top) * out_width].reshape(k, -1)
                arrived = flat[first:last, top * out_width : bottom * out_width]
                if weight_grads.size:
                    _unfold(input[image, planes], tile, kernel, stride, padding, dilation, out_width, top, bottom)
                    gemm(arrived, tile.T, weight_grads[share, first:last], 1)
                if input_grads.size:
                    gemm(weight[first:last].T, arrived, tile, 0)
                    _fold(tile, input_grads[piece, image, planes], kernel, stride, padding, dilation, out_width, top, bottom)


class _Convolution:
    """One convolution's sizes, and its three products with arrays as planes: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        line = len(input_shape) == 3  # (N, C, L) as (N, C, 1, L)
        self.weight_shape, self.groups = weight.shape, groups
        self.weight = weight.reshape(len(weight), -1)
        self.input_shape, self.out_shape = (_planes(shape) for shape in (input_shape, out_shape))
        ones, zeros = (1,) * line, (0,) * line
        self.geometry = (ones + weight.shape[2:], ones + tuple(stride), zeros + tuple(padding), ones + tuple(dilation), groups)
        row_bytes = self.weight.shape[1] * self.out_shape[3] * weight.itemsize
        self.pieces = pieces_of(self.out_shape[0])
        self.tiles = max(1, min(self.out_shape[2], _TILE_BYTES // row_bytes)), self.pieces
        self.items = self.out_shape[0] * self.pieces

    def forward(self, input, bias):
        out = np.empty(self.out_shape, input.dtype)
        bias = np.zeros(len(self.weight), input.dtype) if bias is None else bias
        run_shares(_forward, self.items, input.reshape(self.input_shape), self.weight, bias, out, *self.geometry, *self.tiles)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        grad = np.ascontiguousarray(grad).reshape(self.out_shape)
        input = input.reshape(self.input_shape) if needs_weight else np.empty((0, self.input_shape[1], 0, 0), grad.dtype)
        input_grads = np.empty((self.pieces, *self.input_shape) if needs_input else (0,) * 5, grad.dtype)
        weight_grads = np.zeros((get_num_threads(), *self.weight.shape) if needs_weight else (0, 0, 0), grad.dtype)
        run_shares(_backward, self.items, grad, input, self.weight, input_grads, weight_grads, *self.geometry, *self.tiles)
        return (
            (input_grads[0] if self.pieces == 1 else input_grads.sum(0)) if needs_input else None,
            weight_grads.sum(0).reshape(self.weight_shape) if needs_weight else None,
        )


def _planes(shape) -> tuple:
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else tuple(shape)


def _fits(input, weight, bias) -> bool:
    return input.ndim in (3, 4) and floats(input, weight, bias) and contiguous(input, weight) and large(input)


@kernel(ops.conv)
def unfolded_conv(input, weight, bias, stride, padding, dilation, groups):
    if not _fits(input, weight, bias):
        return NotImplemented
    out_shape = (len(input), len(weight), *positions(input.shape[2:], weight.shape[2:], stride, padding, dilation))
    convolution = _Convolution(input.shape, out_shape, weight, stride, padding, dilation, groups)

    def backward(grad, needs_input, needs_weight, needs_bias):
        input_grad, weight_grad = convolution.backward(grad, input, needs_input, needs_weight)
        input_grad = None if input_grad is None else input_grad.reshape(input.shape)
        return input_grad, weight_grad, plane_sums(grad) if needs_bias else None

    return convolution.forward(input, bias).reshape(out_shape), backward


@kernel(ops.conv_transpose)
def folded_conv_transpose(input, weight, bias, stride, padding, output_padding, dilation, groups):
    """The convolution that leads from `out` to `input`, the other way: forward is its gradient, and its forward the gradient."""
    if not _fits(input, weight, bias):
        return NotImplemented
    sizes = zip(input.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation, strict=True)
    spatial = [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in sizes]
    out_shape = (len(input), weight.shape[1] * groups, *spatial)
    convolution = _Convolution(out_shape, input.shape, weight, stride, padding, dilation, groups)
    out = convolution.backward(input, None, True, False)[0].reshape(out_shape)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(spatial))

    def backward(grad, needs_input, needs_weight, needs_bias):
        grad = np.ascontiguousarray(grad)
        input_grad = convolution.forward(grad, None).reshape(input.shape) if needs_input else None
        weight_grad = convolution.backward(input, grad, False, True)[1] if needs_weight else None
        return input_grad, weight_grad, plane_sums(grad) if needs_bias else None

    return out, backward


def plane_sums(grad):
    """The gradient of a bias (O,): that of the output (N, O, …) summed over everything else."""
    return grad.sum((0, *range(2, grad.ndim)))

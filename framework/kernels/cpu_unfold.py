"""Convolution on a CPU: each thread unfolds its images, a tile at a time, into a buffer, and multiplies.

With K = C/groups * kH * kW, and P positions in a tile, which are some rows of an image or, of small ones, several images side by side:

    columns (K, P) = unfold(images)         out (O, P) = weight (O, K) @ columns
    weight_gradᵀ  += columns @ gradᵀ        image_grad = fold(weightᵀ @ grad)

Rows of positions lie `pitch` apart in a tile.  Where that costs few multiplications it is as much as in the image with its padding, so that
what a tap sees is one piece; the positions between the rows are garbage that nobody reads, and their gradients are 0.  A line is a plane of
height 1.
"""

import numpy as np

from .cpu import band, compiled, memcpy, pieces_of, run, run_shares, together_of
from .cpu_gemm import gemm, turn
from .threads import get_num_threads

_TILE_BYTES = 640 * 1024  # of columns: most of a core's second-level cache,
_TILE_LEAST = 256  # but no fewer positions: below, a product is slower than the reading of the weights
_GARBAGE = 10  # times a row's length: so much may be multiplied with nothing, all filters together, to copy many rows at once


@compiled()
def _phases(image, kernel, stride, dilation, out_height, out_width):
    """Room for what some positions see of one channel, sorted by the remainders of row and column on division by the stride.

    phases[r, q, y, x] is element (y * stride + r, x * stride + q): so what one tap sees from a row of positions lies in a row.
    """
    tall, wide = (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1
    sizes = out_height + (tall - 1) // stride[0], out_width + (wide - 1) // stride[1]
    return np.zeros((min(stride[0], tall), min(stride[1], wide), *sizes), image.dtype)


@compiled(inline="always")
def inside(count, first, step, length):
    """The x in [start, end), part of [0, count), with first + x * step inside [0, length)."""
    start = min(count, max(0, -(first // step)))
    return start, max(start, min(count, (length - 1 - first) // step + 1))


@compiled()
def _sort(image, c, phases, stride, padding, top, back):
    """phases[r, q, y, x] = padded image[c, (top + y) * stride + r, x * stride + q], but for the padding, which is 0 for all channels.

    Or `back`: added to where it came from.
    """
    _, height, width = image.shape
    for r in range(phases.shape[0]):
        first, last = inside(phases.shape[2], top * stride[0] + r - padding[0], stride[0], height)
        for q in range(phases.shape[1]):
            left = q - padding[1]
            start, end = inside(phases.shape[3], left, stride[1], width)
            for y in range(first, last):
                row = (top + y) * stride[0] + r - padding[0]
                part, other = phases[r, q, y, start:end], image[c, row, start * stride[1] + left :]
                if back:
                    if stride[1] == 1:
                        for x in range(part.size):
                            other[x] += part[x]
                    else:
                        for x in range(part.size):
                            other[x * stride[1]] += part[x]
                elif stride[1] == 1:
                    for x in range(part.size):
                        part[x] = other[x]
                else:
                    for x in range(part.size):
                        part[x] = other[x * stride[1]]


@compiled(inline="always")
def _runs(rows, width, step, pitch):
    """(how many, how long) are the pieces to copy of rows of `width` elements, `step` apart in one place and `pitch` in the other."""
    return (1, (rows - 1) * pitch + width) if step == pitch else (rows, width)


@compiled()
def _unfold(image, columns, kernel, stride, padding, dilation, out_width, pitch, top, bottom):
    """columns[(c, i, j), (y, x)] = image[c, y * stride + i * dilation - padding, …], for the output rows [top, bottom)."""
    phases = _phases(image, kernel, stride, dilation, bottom - top, out_width)
    _, across, height, width = phases.shape
    size, from_ = image.itemsize, phases.ctypes.data
    runs, length = _runs(bottom - top, out_width, width, pitch)
    for c in range(image.shape[0]):
        _sort(image, c, phases, stride, padding, top, 0)
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                to = columns[(c * kernel[0] + i) * kernel[1] + j].ctypes.data
                down, right = i * dilation[0], j * dilation[1]
                phase = down % stride[0] * across + right % stride[1]
                start = (phase * height + down // stride[0]) * width + right // stride[1]
                for y in range(runs):  # rows of an image are short: memcpy is several times quicker than a loop
                    memcpy(to + y * pitch * size, from_ + (start + y * width) * size, length * size)
    columns[:, (bottom - top - 1) * pitch + out_width :] = 0


@compiled()
def _fold(columns, image, kernel, stride, padding, dilation, out_width, pitch, top, bottom):
    """The opposite: every element of `columns` added to where `_unfold` took it from."""
    phases = _phases(image, kernel, stride, dilation, bottom - top, out_width)
    runs, length = _runs(bottom - top, out_width, phases.shape[3], pitch)
    for c in range(image.shape[0]):
        phases[:] = 0
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                row, down, right = (c * kernel[0] + i) * kernel[1] + j, i * dilation[0], j * dilation[1]
                r, q, above, left = down % stride[0], right % stride[1], down // stride[0], right // stride[1]
                phase = phases[r, q].reshape(-1)[above * phases.shape[3] + left :]
                for y in range(runs):
                    line, from_ = phase[y * phases.shape[3] :], columns[row, y * pitch :]
                    for x in range(length):
                        line[x] += from_[x]
        _sort(image, c, phases, stride, padding, top, 1)


@compiled()
def _forward(input, weight, bias, out, kernel, stride, padding, dilation, groups, rows, pitch, together, pieces, share,
             first_item, last_item):  # fmt: skip
    """out (N, O, oH, oW) of some bands of images; to a tile `rows` output rows of an image, or `together` images; weight (O, K)."""
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = out.shape[2:]
    flat = out.reshape(*out.shape[:2], -1)
    buffer = np.empty(k * together * rows * pitch, input.dtype)
    results = np.empty(filters * together * rows * pitch, input.dtype)
    for item in range(first_item, last_item):
        block, _, start, end = band(item, pieces, out_height)
        images = range(block * together, min(block * together + together, len(input)))
        for group in range(groups):
            planes = slice(group * channels, (group + 1) * channels)
            for top in range(start, end, rows):
                bottom = min(top + rows, end)
                size = (bottom - top) * pitch
                tile = buffer[: k * len(images) * size].reshape(k, -1)
                result = results[: filters * len(images) * size].reshape(filters, -1)
                for place, image in enumerate(images):
                    columns = tile[:, place * size : (place + 1) * size]
                    _unfold(input[image, planes], columns, kernel, stride, padding, dilation, out_width, pitch, top, bottom)
                gemm(weight[group * filters : (group + 1) * filters], tile, result, 0)
                runs, length = _runs(bottom - top, out_width, pitch, out_width)
                for place, image in enumerate(images):
                    for o in range(filters):
                        added = bias[group * filters + o]
                        for y in range(runs):
                            to, found = flat[image, group * filters + o, (top + y) * out_width :], result[o, place * size + y * pitch :]
                            for x in range(length):
                                to[x] = found[x] + added


@compiled()
def _backward(grad, input, weight, input_grads, weight_grads, kernel, stride, padding, dilation, groups, rows, pitch, together, pieces,
              share, first_item, last_item):  # fmt: skip
    """input_grads (pieces, N, C, H, W), a part from each band, weight_grads (shares, groups, K, O), this share's; empty if not needed."""
    channels, filters, k = input.shape[1] // groups, weight.shape[0] // groups, weight.shape[1]
    out_height, out_width = grad.shape[2:]
    flat = grad.reshape(*grad.shape[:2], -1)
    buffer = np.empty(k * together * rows * pitch, input.dtype)
    arrivals = np.empty(filters * together * rows * pitch, input.dtype)
    for item in range(first_item, last_item):
        block, piece, start, end = band(item, pieces, out_height)
        images = range(block * together, min(block * together + together, len(grad)))
        if input_grads.size:
            input_grads[piece, images.start : images.stop] = 0
        for group in range(groups):
            planes = slice(group * channels, (group + 1) * channels)
            taps = slice(group * filters, (group + 1) * filters)
            for top in range(start, end, rows):
                bottom = min(top + rows, end)
                size = (bottom - top) * pitch
                tile = buffer[: k * len(images) * size].reshape(k, -1)
                arrived = arrivals[: filters * len(images) * size].reshape(filters, -1)
                runs, length = _runs(bottom - top, out_width, pitch, out_width)
                if pitch > out_width:
                    arrived[:] = 0  # between the rows
                for place, image in enumerate(images):
                    for o in range(filters):
                        for y in range(runs):
                            to, found = arrived[o, place * size + y * pitch :], flat[image, taps.start + o, (top + y) * out_width :]
                            for x in range(length):
                                to[x] = found[x]
                if weight_grads.size:
                    for place, image in enumerate(images):
                        columns = tile[:, place * size : (place + 1) * size]
                        _unfold(input[image, planes], columns, kernel, stride, padding, dilation, out_width, pitch, top, bottom)
                    gemm(tile, arrived.T, weight_grads[share, group], 1)
                if input_grads.size:
                    gemm(weight[taps].T, arrived, tile, 0)
                    for place, image in enumerate(images):
                        columns = tile[:, place * size : (place + 1) * size]
                        _fold(columns, input_grads[piece, image, planes], kernel, stride, padding, dilation, out_width, pitch, top, bottom)


@compiled()
def _sum_turned(parts, out, share, first, last):
    """out (G, O, K): the sum of the parts (S, G, K, O), which are written over, turned; rows [first, last) of K."""
    width = parts.shape[3]
    for group in range(parts.shape[1]):
        total = parts[0, group, first:last].reshape(-1)
        for each in range(1, len(parts)):
            part = parts[each, group, first:last].reshape(-1)
            for i in range(total.size):
                total[i] += part[i]
        turn(total, 0, width, last - first, width, out.shape[2], out[group].reshape(-1)[first:])


class Unfolded:
    """One convolution's sizes, and its three products with arrays as planes: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        line = len(input_shape) == 3  # (N, C, L) as (N, C, 1, L)
        self.weight_shape, self.weight = weight.shape, weight.reshape(len(weight), -1)
        self.weight_grad_shape = groups, self.weight.shape[1], len(weight) // groups
        self.input_shape, self.out_shape = (planes(shape) for shape in (input_shape, out_shape))
        ones, zeros = (1,) * line, (0,) * line
        self.geometry = (ones + weight.shape[2:], ones + tuple(stride), zeros + tuple(padding), ones + tuple(dilation), groups)
        images, _, height, width = self.out_shape
        beyond = (weight.shape[-1] - 1) * dilation[-1] // stride[-1]  # what all taps of a row see from its positions is so much longer
        pitch = width + beyond if beyond * (len(weight) // groups) <= _GARBAGE * width else width
        positions = max(_TILE_LEAST, _TILE_BYTES // (self.weight.shape[1] * weight.itemsize))  # in a tile
        rows = max(1, min(height, positions // pitch))
        self.pieces = pieces_of(images, height)
        together = together_of(images, positions // (height * pitch)) if rows == height and self.pieces == 1 else 1
        self.tiles = rows, pitch, together, self.pieces
        self.items = -(-images // together) * self.pieces

    @staticmethod
    def pays(out_shape, weight, stride, dilation, groups) -> bool:
        """Always."""
        return True

    def forward(self, input, bias):
        """out (N, O, oH, oW)."""
        out = np.empty(self.out_shape, input.dtype)
        bias = np.zeros(len(self.weight), input.dtype) if bias is None else bias
        run_shares(_forward, self.items, input.reshape(self.input_shape), self.weight, bias, out, *self.geometry, *self.tiles)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        grad = np.ascontiguousarray(grad).reshape(self.out_shape)
        input = input.reshape(self.input_shape) if needs_weight else np.empty((0, self.input_shape[1], 0, 0), grad.dtype)
        input_grads = np.empty((self.pieces, *self.input_shape) if needs_input else (0,) * 5, grad.dtype)
        weight_grads = np.zeros((get_num_threads(), *self.weight_grad_shape) if needs_weight else (0,) * 4, grad.dtype)
        run_shares(_backward, self.items, grad, input, self.weight, input_grads, weight_grads, *self.geometry, *self.tiles)
        weight_grad = np.empty(self.weight_shape, grad.dtype) if needs_weight else None
        if needs_weight:
            groups, depth, filters = self.weight_grad_shape
            run(_sum_turned, depth, weight_grads, weight_grad.reshape(groups, filters, depth))
        return ((input_grads[0] if self.pieces == 1 else input_grads.sum(0)) if needs_input else None), weight_grad


def planes(shape) -> tuple:
    """(N, C, L) as (N, C, 1, L), and (N, C, H, W) as it is."""
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else tuple(shape)

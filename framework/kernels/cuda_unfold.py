"""Convolutions on a GPU without cuDNN: patches become columns, which cuBLAS multiplies ("im2col": ops/conv.py says where from).

    columns (G, C/G * taps, N * positions)     what each tap of the kernel sees of the input from each position
    y  = w @ columns                           w (G, O/G, C/G * taps), y (G, O/G, N * positions)
    w̄  = ȳ @ columnsᵀ
    columns̄ = wᵀ @ ȳ                           and every element of x̄ adds up what the taps that see it say

A few images at a time, whose columns take no more than 256 MiB.  Lines and images are flat volumes.
"""

import math

from ..ops.conv import positions
from .cuda import Source, by_row, cupy, floats
from .cuda_matmul import product
from .cuda_windows import WINDOWS, windows

_MOST = 256 << 20  # bytes of columns
_kernels = Source(WINDOWS + r"""
// columns (C, taps, N, positions) of the input (N, C, *size): a thread for each channel, image and position.
extern "C" __global__ void unfold(const T* input, T* columns, Windows w, Index images, Index channels) {
    const Index wide = images * volume(w.places);
    for (Index i = first(); i < channels * wide; i += step()) {
        int start[3];
        Index rest = i;
        for (int d = 2; d >= 0; d--) start[d] = last_digit(rest, w.places[d]) * w.stride[d] - w.padding[d];
        const Index image = rest % images, channel = rest / images;
        const T* plane = input + (image * channels + channel) * volume(w.size);
        T* column = columns + channel * volume(w.kernel) * wide + i % wide;
        for (int a = 0, z = start[0]; a < w.kernel[0]; a++, z += w.dilation[0])
            for (int b = 0, y = start[1]; b < w.kernel[1]; b++, y += w.dilation[1])
                for (int c = 0, x = start[2]; c < w.kernel[2]; c++, x += w.dilation[2], column += wide) {
                    const bool inside = z >= 0 && z < w.size[0] && y >= 0 && y < w.size[1] && x >= 0 && x < w.size[2];
                    *column = inside ? plane[((Index)z * w.size[1] + y) * w.size[2] + x] : T(0);
                }
    }
}

// The position from which tap number `tap` sees place `at` of the padded input along dimension d; -1 if there is none.
__device__ int seen_from(const Windows& w, int d, int at, int tap) {
    const int start = at - tap * w.dilation[d], place = start / w.stride[d];
    return start >= 0 && start % w.stride[d] == 0 && place < w.places[d] ? place : -1;
}

// The transpose of `unfold`: a thread for each element of the input.  No two add to one number, so the order is always the same.
extern "C" __global__ void fold(const T* columns, T* input, Windows w, Index images, Index channels) {
    const Index all = volume(w.places), wide = images * all;
    for (Index i = first(); i < images * channels * volume(w.size); i += step()) {
        int at[3];
        Index rest = i;
        for (int d = 2; d >= 0; d--) at[d] = last_digit(rest, w.size[d]) + w.padding[d];
        const T* column = columns + rest % channels * volume(w.kernel) * wide + rest / channels * all;
        S sum = 0;
        for (int a = 0; a < w.kernel[0]; a++) {
            const int z = seen_from(w, 0, at[0], a);
            for (int b = 0; b < w.kernel[1] && z >= 0; b++) {
                const int y = seen_from(w, 1, at[1], b);
                for (int c = 0; c < w.kernel[2] && y >= 0; c++) {
                    const int x = seen_from(w, 2, at[2], c);
                    const Index tap = (a * w.kernel[1] + b) * w.kernel[2] + c;
                    if (x >= 0) sum += (S)column[tap * wide + ((Index)z * w.places[1] + y) * w.places[2] + x];
                }
            }
        }
        input[i] = sum;
    }
}
""")


class _Unfolding:
    """How inputs of one shape become columns, and columns inputs; `batches` are the images that are taken together."""

    def __init__(self, input_shape, kernel, places, geometry, itemsize):
        images, self.channels, *self.spatial = input_shape
        self.windows = windows(self.spatial, places, kernel, *geometry)
        self.taps, self.places = math.prod(kernel), math.prod(places)
        together = max(1, _MOST // (self.channels * self.taps * self.places * itemsize))
        self.batches = [slice(start, min(start + together, images)) for start in range(0, images, together)]

    def columns(self, input, groups):
        """(G, C/G * taps, N * positions) of the images (N, C, *spatial)."""
        columns = cupy().empty((groups, self.channels // groups * self.taps, len(input) * self.places), input.dtype)
        _kernels.each("unfold", columns.size // self.taps, input, columns, self.windows, len(input), self.channels)
        return columns

    def add_up(self, columns, out) -> None:
        """Into the images `out`."""
        _kernels.each("fold", out.size, columns, out, self.windows, len(out), self.channels)


def _fits(first, second, weight_shape) -> bool:
    return 3 <= len(weight_shape) <= 5 and floats(first, second) and math.prod(weight_shape) > 0


def _matrices(weight, groups):
    """(O, C/G, *kernel) as (G, O/G, C/G * taps)."""
    return by_row(weight).reshape(groups, len(weight) // groups, -1)


def _rows(output, groups):
    """(N, O, *positions) as (G, O/G, N * positions)."""
    n, o, *places = output.shape
    return by_row(output.swapaxes(0, 1)).reshape(groups, o // groups, n * math.prod(places))


def unfolded_convolution(input, weight, geometry, groups):
    if not _fits(input, weight, weight.shape):
        return NotImplemented
    n, (o, _, *kernel) = len(input), weight.shape
    places = positions(input.shape[2:], kernel, *geometry)
    unfolding = _Unfolding(input.shape, kernel, places, geometry, input.itemsize)
    input, weight, out = by_row(input), _matrices(weight, groups), cupy().empty((n, o, *places), input.dtype)
    for images in unfolding.batches:
        rows = product(weight, unfolding.columns(input[images], groups))  # (G, O/G, N * positions)
        out[images] = rows.reshape(o, -1, *places).swapaxes(0, 1)
    return out


def unfolded_input_grad(output, weight, input_shape, geometry, groups):
    if not _fits(output, weight, weight.shape):
        return NotImplemented
    unfolding = _Unfolding(input_shape, weight.shape[2:], output.shape[2:], geometry, output.itemsize)
    weight, out = _matrices(weight, groups), cupy().empty(input_shape, output.dtype)
    for images in unfolding.batches:
        unfolding.add_up(product(weight.mT, _rows(output[images], groups)), out[images])
    return out


def unfolded_weight_grad(output, input, weight_shape, geometry, groups):
    if not _fits(output, input, weight_shape):
        return NotImplemented
    o, _, *kernel = weight_shape
    unfolding = _Unfolding(input.shape, kernel, output.shape[2:], geometry, input.itemsize)
    input, out = by_row(input), cupy().zeros((groups, o // groups, math.prod(weight_shape) // o), input.dtype)
    for images in unfolding.batches:
        product(_rows(output[images], groups), unfolding.columns(input[images], groups).mT, out, add=True)
    return out.reshape(weight_shape)

"""Max pooling on a GPU: a thread a window, which remembers where its largest was; lines and images are flat volumes.

Images with their channels last stay so: there a thread takes as many neighbouring channels as it can read at once.
"""

import math

import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cuda import Source, as_it_lies, by_row, cupy, floats, gpu_kernel, images, laid
from .cuda_windows import WINDOWS, windows

_kernels = Source(WINDOWS + r"""
extern "C" __global__ void max_pool(const T* input, T* out, int* winners, Windows w, Index n) {
    for (Index i = first(); i < n; i += step()) {
        int start[3];
        Index rest = i;
        for (int d = 2; d >= 0; d--) start[d] = last_digit(rest, w.places[d]) * w.stride[d] - w.padding[d];
        const T* x = input + rest * volume(w.size);
        S best = 0;
        int winner = -1;
        for (int a = 0; a < w.kernel[0]; a++) {
            const int z = start[0] + a * w.dilation[0];
            for (int b = 0; b < w.kernel[1] && z >= 0 && z < w.size[0]; b++) {
                const int y = start[1] + b * w.dilation[1];
                for (int c = 0; c < w.kernel[2] && y >= 0 && y < w.size[1]; c++) {
                    const int column = start[2] + c * w.dilation[2];
                    if (column < 0 || column >= w.size[2]) continue;
                    const int place = (z * w.size[1] + y) * w.size[2] + column;
                    const S value = x[place];
                    if (winner < 0 || value > best || (value != value && best == best)) {  // of equals the first; a nan wins
                        best = value;
                        winner = place;
                    }
                }
            }
        }
        out[i] = best;
        winners[i] = winner;
    }
}

// Every element of the input asks the windows that see it whether it won: so sums are always made in the same order.
extern "C" __global__ void max_pool_backward(const T* grad, const int* winners, T* out, Windows w, Index n) {
    for (Index i = first(); i < n; i += step()) {
        int low[3], high[3];  // the windows along each dimension that may see it
        Index rest = i;
        for (int d = 2; d >= 0; d--) {
            const int last = last_digit(rest, w.size[d]) + w.padding[d], reach = (w.kernel[d] - 1) * w.dilation[d];
            low[d] = last > reach ? (last - reach + w.stride[d] - 1) / w.stride[d] : 0;
            high[d] = min(last / w.stride[d], w.places[d] - 1);
        }
        const Index place = i % volume(w.size), before = rest * volume(w.places);
        S sum = 0;
        for (int a = low[0]; a <= high[0]; a++)
            for (int b = low[1]; b <= high[1]; b++)
                for (int c = low[2]; c <= high[2]; c++) {
                    const Index window = before + (a * w.places[1] + b) * w.places[2] + c;
                    if (winners[window] == place) sum += (S)grad[window];
                }
        out[i] = sum;
    }
}

// The same of images with their channels last, (N, H, W, C), n packs of channels in all.  Of a winner its number in the window is kept.
struct alignas(W) Winners { unsigned char each[W]; };

// Takes the last digit off a number that counts to `base` in it.
__device__ unsigned digit_of(unsigned& number, unsigned base) {
    const unsigned digit = number % base;
    number /= base;
    return digit;
}

extern "C" __global__ void max_pool_last(const T* input, T* out, unsigned char* winners, Windows w, Index channels, Index n) {
    for (Index i = first(); i < n; i += step()) {
        unsigned rest = i;
        const int c = digit_of(rest, channels / W) * W;
        const int left = (int)digit_of(rest, w.places[2]) * w.stride[2] - w.padding[2];
        const int top = (int)digit_of(rest, w.places[1]) * w.stride[1] - w.padding[1];
        S best[W];
        Winners winner;
        bool any = false;
        for (int b = 0, tap = 0; b < w.kernel[1]; b++)
            for (int a = 0; a < w.kernel[2]; a++, tap++) {
                const int y = top + b * w.dilation[1], x = left + a * w.dilation[2];
                if (y < 0 || y >= w.size[1] || x < 0 || x >= w.size[2]) continue;
                const Pack seen = *(const Pack*)(input + (((Index)rest * w.size[1] + y) * w.size[2] + x) * channels + c);
                for (int k = 0; k < W; k++) {
                    const S value = seen.each[k];
                    if (!any || value > best[k] || (value != value && best[k] == best[k])) {
                        best[k] = value;
                        winner.each[k] = tap;
                    }
                }
                any = true;
            }
        Pack result;
        for (int k = 0; k < W; k++) result.each[k] = best[k];
        *(Pack*)(out + i * W) = result;
        *(Winners*)(winners + i * W) = winner;
    }
}

extern "C" __global__ void max_pool_last_backward(const T* grad, const unsigned char* winners, T* out, Windows w, Index channels, Index n) {
    for (Index i = first(); i < n; i += step()) {
        unsigned rest = i;
        const int c = digit_of(rest, channels / W) * W;
        const int x = digit_of(rest, w.size[2]) + w.padding[2], y = digit_of(rest, w.size[1]) + w.padding[1];
        S sum[W] = {};
        for (int b = 0; b < w.kernel[1]; b++)
            for (int a = 0; a < w.kernel[2]; a++) {  // the window that sees it as this tap, if there is one
                const int down = y - b * w.dilation[1], right = x - a * w.dilation[2];
                if (down < 0 || right < 0 || down % w.stride[1] || right % w.stride[2]) continue;
                const int row = down / w.stride[1], column = right / w.stride[2];
                if (row >= w.places[1] || column >= w.places[2]) continue;
                const Index place = (((Index)rest * w.places[1] + row) * w.places[2] + column) * channels + c;
                const Pack seen = *(const Pack*)(grad + place);
                const Winners winner = *(const Winners*)(winners + place);
                for (int k = 0; k < W; k++) sum[k] += winner.each[k] == b * w.kernel[2] + a ? (S)seen.each[k] : 0;
            }
        Pack result;
        for (int k = 0; k < W; k++) result.each[k] = sum[k];
        *(Pack*)(out + i * W) = result;
    }
}
""")


@gpu_kernel(ops.max_pool)
def thread_a_window(input, kernel, stride, padding, dilation, ceil_mode):
    n, c, *spatial = input.shape
    if not (len(spatial) <= 3 and floats(input)) or math.prod(spatial) >= 1 << 31:
        return NotImplemented
    places = positions(spatial, kernel, stride, padding, dilation, ceil_mode)
    shown = windows(spatial, places, kernel, stride, padding, dilation)
    out, winners = cupy().empty((n, c, *places), input.dtype), cupy().empty((n, c, *places), np.int32)
    shape = input.shape
    _kernels.each("max_pool", out.size, by_row(input), out, winners, shown, out.size)

    def backward(grad, needs_input):
        input_grad = cupy().empty(shape, grad.dtype)
        _kernels.each("max_pool_backward", input_grad.size, by_row(grad), winners, input_grad, shown, input_grad.size)
        return (input_grad,)

    return out, backward


@gpu_kernel(ops.max_pool)
def thread_some_channels(input, kernel, stride, padding, dilation, ceil_mode):
    x, last = as_it_lies(input) if input.ndim == 4 and floats(input) else (input, False)
    width = 16 // input.itemsize
    if not last or input.shape[1] % width or x.data.ptr % 16 or math.prod(kernel) > 256 or not 0 < input.size < 1 << 31:
        return NotImplemented
    n, c, *size = input.shape
    places = positions(size, kernel, stride, padding, dilation, ceil_mode)
    shown = windows(size, places, kernel, stride, padding, dilation)
    out = cupy().empty((n, *places, c), input.dtype)
    winners, packs = cupy().empty(out.shape, np.uint8), out.size // width
    _kernels.each("max_pool_last", packs, x, out, winners, shown, c, packs)

    def backward(grad, needs_input):
        input_grad, grad = cupy().empty(x.shape, grad.dtype), laid(grad, True)
        grad = grad if grad.data.ptr % 16 == 0 else grad.copy()
        packs = input_grad.size // width
        _kernels.each("max_pool_last_backward", packs, grad, winners, input_grad, shown, c, packs)
        return (images(input_grad, True),)

    return images(out, True), backward

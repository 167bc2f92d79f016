"""Max pooling on a GPU: a thread a window, which remembers where its largest was; lines and images are flat volumes."""

import math

import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cuda import Source, by_row, cupy, floats, gpu_kernel
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

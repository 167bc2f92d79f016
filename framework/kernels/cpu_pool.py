"""Max pooling on a CPU: plane by plane, remembering the winner of each window as one byte."""

import numba as nb
import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cpu import compiled, contiguous, floats, kernel, large, parallel, run
from .cpu_unfold import inside

_NONE = np.uint8(255)


@compiled()
def _compare(row, stride, tap, best, winner):
    """Where row[x * stride] is larger than best[x], or the first to come, it takes its place, and `tap` that in winner[x]."""
    for x in range(best.size):
        value = row[x * stride]
        better = (value > best[x]) | ((value != value) & (best[x] == best[x])) | (winner[x] == _NONE)  # the first of equals; a nan wins
        best[x] = value if better else best[x]
        winner[x] = tap if better else winner[x]


@parallel()
def _forward(planes, out, winners, kernel, stride, padding, dilation):
    """planes (N * C, H, W) -> out, winners (N * C, oH, oW): the largest of each window, and the number of its tap."""
    height, width = planes.shape[1:]
    parts = [inside(out.shape[2], j * dilation[1] - padding[1], stride[1], width) for j in range(kernel[1])]  # of a row, that tap j sees
    for plane in nb.prange(planes.shape[0]):
        for y in range(out.shape[1]):
            best, winner = out[plane, y], winners[plane, y]
            winner[:] = _NONE
            for i in range(kernel[0]):
                row = y * stride[0] - padding[0] + i * dilation[0]
                if row < 0 or row >= height:
                    continue
                for j in range(kernel[1]):
                    start, end = parts[j]
                    seen = planes[plane, row, start * stride[1] + j * dilation[1] - padding[1] :]
                    _compare(seen, stride[1], np.uint8(i * kernel[1] + j), best[start:end], winner[start:end])


@parallel()
def _backward(grad, winners, offsets, out, stride, padding):
    """out (N * C, H, W): every gradient added at the winner of its window, which is offsets[tap] elements from the window's first."""
    width = out.shape[2]
    for plane in nb.prange(grad.shape[0]):
        elements = out[plane].reshape(-1)
        elements[:] = 0
        for y in range(grad.shape[1]):
            first = (y * stride[0] - padding[0]) * width - padding[1]
            arrived, winner = grad[plane, y], winners[plane, y]
            for x in range(arrived.size):
                elements[first + x * stride[1] + offsets[winner[x]]] += arrived[x]


@kernel(ops.max_pool)
def winner_byte_max_pool(input, kernel, stride, padding, dilation, ceil_mode):
    if input.ndim != 4 or kernel[0] * kernel[1] > 255 or not floats(input) or not contiguous(input) or not large(input):
        return NotImplemented
    n, c, *spatial = input.shape
    shape = (n * c, *positions(spatial, kernel, stride, padding, dilation, ceil_mode))
    geometry = tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)
    out, winners = np.empty(shape, input.dtype), np.empty(shape, np.uint8)
    run(_forward, input.reshape(n * c, *spatial), out, winners, *geometry)

    def backward(grad, needs_input):
        input_grad = np.empty((n, c, *spatial), input.dtype)
        grad = np.ascontiguousarray(grad).reshape(shape)
        offsets = np.add.outer(np.arange(kernel[0]) * dilation[0] * spatial[1], np.arange(kernel[1]) * dilation[1]).reshape(-1)
        run(_backward, grad, winners, offsets, input_grad.reshape(n * c, *spatial), tuple(stride), tuple(padding))
        return (input_grad,)

    return out.reshape(n, c, *shape[1:]), backward

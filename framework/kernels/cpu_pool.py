"""Max pooling on a CPU: plane by plane, remembering the winner of each window as one byte."""

import numba as nb
import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cpu import contiguous, floats, kernel, large, parallel, run


@parallel()
def _forward(planes, out, winners, kernel, stride, padding, dilation):
    """planes (N * C, H, W) -> out, winners (N * C, oH, oW): the largest of each window, and the number of its tap."""
    height, width = planes.shape[1:]
    for plane in nb.prange(planes.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                best, winner, found = planes.dtype.type(-np.inf), 0, False
                for i in range(kernel[0]):
                    source_y = y * stride[0] - padding[0] + i * dilation[0]
                    if source_y < 0 or source_y >= height:
                        continue
                    for j in range(kernel[1]):
                        source_x = x * stride[1] - padding[1] + j * dilation[1]
                        if source_x < 0 or source_x >= width:
                            continue
                        value = planes[plane, source_y, source_x]
                        if not found or value > best or (value != value and best == best):  # the first of equals; a nan wins
                            best, winner, found = value, i * kernel[1] + j, True
                out[plane, y, x] = best
                winners[plane, y, x] = winner


@parallel()
def _backward(grad, winners, out, kernel, stride, padding, dilation):
    """out (N * C, H, W): every gradient added at the winner of its window."""
    for plane in nb.prange(grad.shape[0]):
        out[plane] = 0
        for y in range(grad.shape[1]):
            for x in range(grad.shape[2]):
                i, j = divmod(winners[plane, y, x], kernel[1])
                out[plane, y * stride[0] - padding[0] + i * dilation[0], x * stride[1] - padding[1] + j * dilation[1]] += grad[plane, y, x]


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
        run(_backward, grad, winners, input_grad.reshape(n * c, *spatial), *geometry)
        return (input_grad,)

    return out.reshape(n, c, *shape[1:]), backward

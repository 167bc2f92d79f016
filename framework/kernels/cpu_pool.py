"""Max pooling on a CPU: plane by plane, remembering the winner of each window as one byte."""

import numba as nb
import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cpu import compiled, contiguous, floats, kernel, large, parallel, run


@compiled(inline="always")
def _inside(start, taps, dilation, length):
    """The taps [first, last) of a window at `start` that lie inside [0, length)."""
    first = 0 if start >= 0 else -(start // dilation)
    last = taps if start + (taps - 1) * dilation < length else (length - 1 - start) // dilation + 1
    return first, last


@parallel()
def _forward(planes, out, winners, kernel, stride, padding, dilation):
    """planes (N * C, H, W) -> out, winners (N * C, oH, oW): the largest of each window, and the number of its tap."""
    height, width = planes.shape[1:]
    for plane in nb.prange(planes.shape[0]):
        for y in range(out.shape[1]):
            top = y * stride[0] - padding[0]
            first_i, last_i = _inside(top, kernel[0], dilation[0], height)
            for x in range(out.shape[2]):
                left = x * stride[1] - padding[1]
                first_j, last_j = _inside(left, kernel[1], dilation[1], width)
                best = planes[plane, top + first_i * dilation[0], left + first_j * dilation[1]]
                winner = first_i * kernel[1] + first_j
                for i in range(first_i, last_i):
                    for j in range(first_j, last_j):
                        value = planes[plane, top + i * dilation[0], left + j * dilation[1]]
                        # The first of equals; a nan wins.  Without branches, for nobody can foretell them
                        better = (value > best) | ((value != value) & (best == best))
                        best = value if better else best
                        winner = i * kernel[1] + j if better else winner
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

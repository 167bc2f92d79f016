"""Max pooling on a CPU: channel by channel, remembering the winner of each window as one byte.  Lines and images are flat volumes."""

import math

import numpy as np

from ..ops import pool as ops
from ..ops.pool import positions
from .cpu import compiled, kernel, one_pass_pays, run_shares

_NONE = np.int32(2**20)  # the number of a row that is none: later than all others, also when multiplied with a window's width


@compiled(inline="always")
def _more(a, b):
    """a > b, for which a nan is more than any number."""
    return (a > b) | ((a != a) & (b == b))


@compiled(inline="always")
def _down(row, number, best, winner):
    """Row `number` of the windows against those before it, column by column; of equals the first remains."""
    for x in range(best.size):
        better = _more(row[x], best[x]) | (winner[x] == _NONE)
        best[x] = row[x] if better else best[x]
        winner[x] = number if better else winner[x]


@compiled(inline="always")
def _across(columns, rows, taps, step, stride, best, winner):
    """The largest of the columns x stride + j step for every x, of which `rows` says in which row of the window they had it."""
    best[:], winner[:] = -np.inf, _NONE
    for j in range(taps):
        value, row = columns[j * step :], rows[j * step :]
        for x in range(best.size):
            tap = np.int32(row[x * stride] * taps + j)
            better = _more(value[x * stride], best[x]) | (~_more(best[x], value[x * stride]) & (tap < winner[x]))
            best[x] = value[x * stride] if better else best[x]
            winner[x] = tap if better else winner[x]


@compiled()
def _forward(volumes, out, winners, kernel, stride, padding, dilation, share, first_volume, last_volume):
    """volumes (N * C, D, H, W) -> out, winners (N * C, oD, oH, oW): the largest of each window, and the number of its tap.

    First the largest of each column of the windows, for all rows of windows of a layer one after the other, and then across the columns:
    two loops over long lines.  Beyond the edges there is -inf, as much as makes every line of columns a multiple of the stride.
    """
    depth, height, width = volumes.shape[1:]
    rows, across = out.shape[2:]
    pitch = max(across, -(-((across - 1) * stride[2] + (kernel[2] - 1) * dilation[2] + 1) // stride[2]))  # windows in a line, and some more
    columns = np.empty((rows + 1, pitch * stride[2]), volumes.dtype)  # the last is for what the garbage at the end of a line sees
    whose = np.empty(columns.shape, np.int32)
    best, winner = np.empty(rows * pitch, volumes.dtype), np.empty(rows * pitch, np.int32)
    for volume in range(first_volume, last_volume):
        for z in range(out.shape[1]):
            columns[:], whose[:] = -np.inf, _NONE
            for y in range(rows):
                line, rows_of = columns[y, padding[2] : padding[2] + width], whose[y, padding[2] : padding[2] + width]
                for h in range(kernel[0]):
                    for i in range(kernel[1]):
                        layer, row = z * stride[0] - padding[0] + h * dilation[0], y * stride[1] - padding[1] + i * dilation[1]
                        if 0 <= layer < depth and 0 <= row < height:
                            _down(volumes[volume, layer, row, : line.size], np.int32(h * kernel[1] + i), line, rows_of)
            if stride[2] == 1:
                _across(columns.reshape(-1), whose.reshape(-1), kernel[2], dilation[2], 1, best, winner)
            elif stride[2] == 2:
                _across(columns.reshape(-1), whose.reshape(-1), kernel[2], dilation[2], 2, best, winner)
            else:
                _across(columns.reshape(-1), whose.reshape(-1), kernel[2], dilation[2], stride[2], best, winner)
            for y in range(rows):
                start = y * pitch
                found, numbers, line, taps = best[start:], winner[start:], out[volume, z, y], winners[volume, z, y]
                for x in range(across):
                    line[x] = found[x]
                    taps[x] = numbers[x]


@compiled()
def _backward(grad, winners, lines, stride, offsets, out, share, first_volume, last_volume):
    """out (N * C, D H W): every gradient (N * C, oD oH, oW) added at the winner of its window.

    The windows of line l begin at element lines[l], a stride apart; tap t is offsets[t] elements from a window's first.
    """
    for volume in range(first_volume, last_volume):
        elements = out[volume]
        elements[:] = 0
        for line in range(grad.shape[1]):
            first, arrived, winner = lines[line], grad[volume, line], winners[volume, line]
            for x in range(arrived.size):
                elements[first + x * stride + offsets[winner[x]]] += arrived[x]


@kernel(ops.max_pool)
def winner_byte_max_pool(input, kernel, stride, padding, dilation, ceil_mode):
    if input.ndim > 5 or math.prod(kernel) > 255 or not one_pass_pays(input):
        return NotImplemented
    n, c, *spatial = input.shape
    places = positions(spatial, kernel, stride, padding, dilation, ceil_mode)
    flat = (1,) * (3 - len(spatial))
    volumes, shape = (n * c, *flat, *spatial), (n * c, *flat, *places)
    kernel, stride, dilation = (flat + tuple(each) for each in (kernel, stride, dilation))
    padding = (0,) * len(flat) + tuple(padding)
    out, winners = np.empty(shape, input.dtype), np.empty(shape, np.uint8)
    run_shares(_forward, n * c, input.reshape(volumes), out, winners, kernel, stride, padding, dilation)

    def backward(grad, needs_input):
        input_grad = np.empty(input.shape, input.dtype)
        steps = volumes[2] * volumes[3], volumes[3], 1  # elements between neighbours
        lines = [(np.arange(rows) * s - p) * step for rows, s, p, step in zip(shape[1:3], stride, padding, steps, strict=False)]
        taps = [np.arange(k) * d * step for k, d, step in zip(kernel, dilation, steps, strict=True)]
        lines, offsets = np.add.outer(*lines).reshape(-1) - padding[2], np.add.outer(np.add.outer(*taps[:2]), taps[2]).reshape(-1)
        of_lines = n * c, lines.size, shape[3]
        grad = np.ascontiguousarray(grad).reshape(of_lines)
        run_shares(_backward, n * c, grad, winners.reshape(of_lines), lines, stride[2], offsets, input_grad.reshape(n * c, -1))
        return (input_grad,)

    return out.reshape(n, c, *places), backward

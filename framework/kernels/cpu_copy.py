"""Copies of large arrays on a CPU, from any order in memory to any other, by all threads.

The dimensions are merged where both arrays allow it, and sorted by the target's steps.  The last one, L, is then the target's own order;
F is that of the others in which the source's elements lie closest.  Blocks of F x L are copied at once: rows where L is the source's order
too, else squares, some columns of L at a time: down F they read so many lines of the source, which stay in the nearest cache, and write
lines of the target.
"""

import math

import numpy as np

from ..ops import shape as ops
from . import MOVED
from .cpu import compiled, contiguous, kernel, run_shares

_WORTH_IT_FOR_ROWS = 1 << 19  # elements, if rows stay rows; else MOVED
_ROWS, _SIDE = (64, 4096), 64  # of F and L in a block of rows; and of a square
_COLUMNS = 16  # of a square at a time
_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}  # what is copied has no meaning


@compiled()
def _copy_square(source, x, target, y, steps, height, width):
    """(height, width) numbers that do not touch, from place x on to place y on; unsigned places are never counted from the end."""
    down, across, to_down, to_across = np.uintp(steps[0, -2]), np.uintp(steps[0, -1]), np.uintp(steps[1, -2]), np.uintp(steps[1, -1])
    for first in range(0, width, _COLUMNS):
        p, q = np.uintp(x) + np.uintp(first) * across, np.uintp(y) + np.uintp(first) * to_across
        for _ in range(height):
            if first + _COLUMNS <= width:  # a number that the compiler knows: it writes the loop out
                for column in range(_COLUMNS):
                    target[q + np.uintp(column) * to_across] = source[p + np.uintp(column) * across]
            else:
                for column in range(width - first):
                    target[q + np.uintp(column) * to_across] = source[p + np.uintp(column) * across]
            p, q = p + down, q + to_down


@compiled()
def _copy_blocks(source, target, lengths, steps, rows, columns, share, first, last):
    """Blocks [first, last) of `rows` by `columns` of the last two dimensions; `steps` (2, D), the source's and the target's."""
    height, width = lengths[-2], lengths[-1]
    across, down = -(-width // columns), -(-height // rows)
    for block in range(first, last):
        rest, a, b = block // (across * down), 0, 0
        for d in range(len(lengths) - 3, -1, -1):
            place, rest = rest % lengths[d], rest // lengths[d]
            a, b = a + place * steps[0, d], b + place * steps[1, d]
        i, j = block // across % down * rows, block % across * columns
        x, y = a + i * steps[0, -2] + j * steps[0, -1], b + i * steps[1, -2] + j * steps[1, -1]
        height_here, count = min(rows, height - i), min(columns, width - j)
        if max(steps[0, -1], steps[1, -1]) > 1:
            _copy_square(source, x, target, y, steps, height_here, count)
            continue
        for _ in range(height_here):
            to = target[y : y + count]
            if steps[0, -1] == 1:
                row = source[x : x + count]
                for c in range(count):
                    to[c] = row[c]
            else:
                to[:] = source[x]
            x, y = x + steps[0, -2], y + steps[1, -2]


def _merged(source, target):
    """(length, the source's step, the target's) of each dimension, in elements; the target's smallest step last."""
    dims = [(n, a // source.itemsize, b // target.itemsize) for n, a, b in zip(source.shape, source.strides, target.strides, strict=True)]
    dims = sorted([each for each in dims if each[0] > 1], key=lambda each: -each[2])
    merged = [(1, 0, 0), (1, 0, 0)]  # two at least
    for n, a, b in dims:
        length, *steps = merged[-1]
        merged[-1:] = [(length * n, a, b)] if length > 1 and steps == [a * n, b * n] else [merged[-1], (n, a, b)]
    return merged


def _memory(array):
    """All numbers from the array's first to its last, in memory's order."""
    if contiguous(array):
        return array.reshape(-1).view(_UNSIGNED[array.itemsize])
    count = 1 + sum([(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]) // array.itemsize
    return np.lib.stride_tricks.as_strided(array.view(_UNSIGNED[array.itemsize]), (count,), (array.itemsize,))


def _square(height, width) -> tuple:
    """The sides of a block: both `_SIDE`, or what there is, and the other the longer for it."""
    rows = min(height, max(_SIDE, _SIDE**2 // width))
    return rows, min(width, max(_SIDE, _SIDE**2 // rows))


def copy(source, target) -> None:
    """target[...] = source, two arrays of one shape and type that share no memory."""
    steps = (*source.strides, *target.strides)
    if source.size < MOVED or source.itemsize not in _UNSIGNED or min(steps) < 0 or any([each % source.itemsize for each in steps]):
        target[...] = source
        return
    *dims, last = _merged(source, target)
    if last[1] == 1 and source.size < _WORTH_IT_FOR_ROWS:
        target[...] = source
        return
    nearest = min(range(len(dims)), key=lambda d: (dims[d][0] == 1, dims[d][1]))
    dims = [*dims[:nearest], *dims[nearest + 1 :], dims[nearest], last]
    rows, columns = _ROWS
    if last[1] > 1:
        rows, columns = _square(dims[-2][0], last[0])
        if columns < min(rows, _COLUMNS):
            dims[-2:], rows, columns = dims[:-3:-1], columns, rows
    blocks = math.prod([n for n, _, _ in dims[:-2]]) * -(-dims[-2][0] // rows) * -(-dims[-1][0] // columns)
    lengths, *steps = np.array(dims).T
    run_shares(_copy_blocks, blocks, _memory(source), _memory(target), lengths, np.array(steps), rows, columns)


@kernel(ops.clone)
def parallel_clone(input):
    out = np.empty(input.shape, input.dtype)
    copy(input, out)
    return out


@kernel(ops.reshape)
def parallel_reshape(input, shape):
    if contiguous(input):
        return NotImplemented
    try:
        out = np.empty(input.shape, input.dtype).reshape(shape)
    except ValueError:  # the op itself says what is wrong
        return NotImplemented
    try:
        np.reshape(input, shape, copy=False)
    except ValueError:
        copy(input, out.reshape(input.shape))
        return out
    return NotImplemented  # there is a view

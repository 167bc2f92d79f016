"""Where the largest and the smallest of columns are, on a CPU: some columns at a time, by all threads; of rows NumPy finds it as fast."""

import math

import numpy as np

from ..ops import reduce as ops
from ..ops.shape import normalize
from .cpu import compiled, contiguous, floats, kernel, run

_WORTH_IT = 1 << 14  # elements
_WIDE = 32  # columns: NumPy, which turns columns into rows first, is as fast with fewer
_COLUMNS = 512  # at once: the best so far, and where they are, stay in a core's nearest cache


@compiled()
def _places_of_largest(rows, sign, places, share, first, last):
    """places[a, b] = the first r where sign * rows[a, r, b] is largest, or nan."""
    tiles = -(-rows.shape[2] // _COLUMNS)
    best_of_all, where_of_all = np.empty(_COLUMNS, rows.dtype), np.empty(_COLUMNS, np.int32)
    for i in range(first, last):
        a, start = i // tiles, i % tiles * _COLUMNS
        stop = min(start + _COLUMNS, rows.shape[2])
        best, where = best_of_all[: stop - start], where_of_all[: stop - start]
        best[:], where[:] = sign * rows[a, 0, start:stop], 0
        for r in range(1, rows.shape[1]):
            row, here = rows[a, r, start:stop], np.int32(r)
            for j in range(row.size):
                number = sign * row[j]
                better = number > best[j] or (number != number and best[j] == best[j])
                best[j] = number if better else best[j]
                where[j] = here if better else where[j]
        places[a, start:stop] = where


def _of_columns(input, dim, keepdim, sign):
    if dim is None or input.size < _WORTH_IT or not (floats(input) and contiguous(input)):
        return NotImplemented
    dim, shape = normalize(dim, input.ndim), input.shape
    rows = input.reshape(math.prod(shape[:dim]), shape[dim], -1)
    if rows.shape[2] < _WIDE or rows.shape[1] >= 1 << 31:
        return NotImplemented
    places = np.empty((len(rows), rows.shape[2]), np.int64)
    run(_places_of_largest, len(rows) * -(-rows.shape[2] // _COLUMNS), rows, input.dtype.type(sign), places)
    return places.reshape(*shape[:dim], *([1] if keepdim else []), *shape[dim + 1 :])


@kernel(ops.argmax)
def argmax_of_columns(input, dim, keepdim):
    return _of_columns(input, dim, keepdim, 1)


@kernel(ops.argmin)
def argmin_of_columns(input, dim, keepdim):
    return _of_columns(input, dim, keepdim, -1)

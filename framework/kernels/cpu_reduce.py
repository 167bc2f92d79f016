"""Sums and means of rows on a CPU: each thread takes some, and of long rows parts; NumPy has one thread for all."""

import math

import numpy as np

from ..ops import reduce as ops
from .cpu import compiled, contiguous, floats, kernel, run_shares

_WORTH_IT = 1 << 17  # elements: fewer NumPy has added before the threads have begun
_PART = 1 << 10  # elements of a row that are added up in its own type; the sums of several parts are added in double precision


@compiled(fastmath={"reassoc"})  # so that many are added at once; a nan stays a nan
def _sum_parts(rows, parts, sums, share, first, last):
    """sums[r parts + p] = the sum of part p of row r of (R, N)."""
    length = rows.shape[1]
    for i in range(first, last):
        row, part = i // parts, i % parts
        numbers = rows[row, length * part // parts : length * (part + 1) // parts]
        total = rows.dtype.type(0)
        for j in range(numbers.size):
            total += numbers[j]
        sums[i] = total


def _row_sums(input, dim, keepdim):
    """The sums along the last dimensions, if they are those of `dim`."""
    dims = sorted(ops.axes(dim, input.ndim) or range(input.ndim))
    kept = input.shape[: dims[0]] if dims else ()
    if dims != [*range(len(kept), input.ndim)] or not (floats(input) and contiguous(input)) or input.size < _WORTH_IT:
        return NotImplemented
    rows = input.reshape(math.prod(kept), -1)
    parts = -(-rows.shape[1] // _PART)
    sums = np.empty(len(rows) * parts, input.dtype)
    run_shares(_sum_parts, sums.size, rows, parts, sums)
    if parts > 1:
        with np.errstate(all="ignore"):  # inf - inf is nan, and what is too large for the type inf
            sums = sums.reshape(-1, parts).sum(1, dtype=np.float64).astype(input.dtype)
    return sums.reshape(kept + (1,) * len(dims) if keepdim else kept)


@kernel(ops.sum)
def parallel_row_sums(input, dim, keepdim, dtype):
    return _row_sums(input, dim, keepdim) if dtype is None else NotImplemented


@kernel(ops.mean)
def parallel_row_means(input, dim, keepdim, dtype):
    total = parallel_row_sums(input, dim, keepdim, dtype)
    return total if total is NotImplemented else ops.mean_of(input.shape, total)

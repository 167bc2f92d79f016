"""Sums and means of rows on a CPU: each thread takes some, and of long rows blocks; NumPy has one thread for all."""

import math

import numpy as np

from ..ops import reduce as ops
from .cpu import compiled, contiguous, floats, kernel, run_shares
from .cpu_norm import BLOCK, sum_of

_WORTH_IT = 1 << 17  # elements: fewer NumPy has added before the threads have begun


@compiled(fastmath={"reassoc"})
def _block_sums(rows, sums, share, first, last):
    """sums[r, b] = the sum of block b of row r of (R, N)."""
    blocks = sums.shape[1]
    for i in range(first, last):
        r, b = i // blocks, i % blocks
        sums[r, b] = sum_of(rows[r, b * BLOCK : (b + 1) * BLOCK])


def row_sums(rows):
    """The sums (R,) of the rows of (R, N) in double precision, the same for any number of threads."""
    sums = np.empty((len(rows), -(-rows.shape[1] // BLOCK)))
    run_shares(_block_sums, sums.size, rows, sums)
    with np.errstate(invalid="ignore"):  # inf - inf is nan
        return sums.sum(1)


@kernel(ops.sum)
def parallel_row_sums(input, dim, keepdim, dtype):
    dims = sorted(ops.axes(dim, input.ndim) or range(input.ndim))
    kept = input.shape[: dims[0]]
    if dtype is not None or dims != [*range(len(kept), input.ndim)] or input.size < _WORTH_IT or not (floats(input) and contiguous(input)):
        return NotImplemented
    with np.errstate(over="ignore"):  # what is too large for the type is inf
        sums = row_sums(input.reshape(math.prod(kept), -1)).astype(input.dtype)
    return sums.reshape(kept + (1,) * len(dims) if keepdim else kept)


@kernel(ops.mean)
def parallel_row_means(input, dim, keepdim, dtype):
    total = parallel_row_sums(input, dim, keepdim, dtype)
    return total if total is NotImplemented else ops.mean_of(input.shape, total)

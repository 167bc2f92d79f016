"""Matrix products on a CPU: a block of the result to each thread."""

import math

import numpy as np

from ..ops import linalg as ops
from .cpu import broadcast, compiled, floats, kernel, run, run_shares
from .cpu_gemm import gemm
from .cpu_tile import ROWS
from .cpu_vectors import lanes
from .threads import get_num_threads

_WORTH_IT = 1 << 19  # multiplications: below, NumPy's product is as fast
_WORTH_THREADS = 1 << 20  # below, one thread is done before another has begun
_CACHED = 1 << 17  # elements that stay in a cache; of larger blocks, what is added is written a strip ahead of the product
_STRIP = 128  # columns
_PANELS = 8  # of columns for each thread: with fewer some may have much more to do than others


@compiled()
def _block(a, b, start, out, by_rows, unit, share, first, last):
    """Rows, or columns, [first, last) of out = a @ b + start, in units of so many; `start` is a row added to all, or empty."""
    part = slice(first * unit, last * unit)
    rows, columns = (part, slice(0, out.shape[1])) if by_rows else (slice(0, out.shape[0]), part)
    a, b, block, added = a[rows], b[:, columns], out[rows, columns], start[columns]
    width = _STRIP if start.size and block.size > _CACHED else max(1, block.shape[1])
    for left in range(0, block.shape[1], width):
        strip = block[:, left : left + width]
        for row in range(strip.shape[0] if start.size else 0):
            for column in range(strip.shape[1]):
                strip[row, column] = added[left + column]
        gemm(a, b[:, left : left + width], strip, start.size > 0)


@compiled()
def _sum_of_rows(rows, out, share, first, last):
    """out = the sum of all rows (R, N), columns [first, last)."""
    total = out[first:last]
    for j in range(total.size):
        total[j] = 0
    for r in range(len(rows)):
        row = rows[r, first:last]
        for j in range(row.size):
            total[j] += row[j]


def sum_of_rows(rows):
    """The sum over a matrix's rows, a share of the columns to each thread."""
    out = np.empty(rows.shape[1], rows.dtype)
    run(_sum_of_rows, out.size, rows, out)
    return out


@compiled()
def _batch(a, b, out, share, first, last):
    """out[i, j] = a[i, j] @ b[i, j], of all pairs i, j those numbered [first, last)."""
    for each in range(first, last):
        i, j = each // out.shape[1], each % out.shape[1]
        gemm(a[i, j], b[i, j], out[i, j], 0)


def _simple(matrix) -> bool:
    """Whether `gemm` can read `matrix` (…, rows, columns) as it lies: neighbours in one of its last two dimensions touch."""
    rows, columns = matrix.strides[-2:]
    size = matrix.itemsize
    return (columns == size and rows >= size * matrix.shape[-1]) or (rows == size and columns >= size * matrix.shape[-2])


def _in_two_dims(matrices, batch):
    """Matrices (…, rows, columns), as many as `batch` says, in two dimensions of them: those of a turned stack do not lie in one."""
    each = matrices.shape[-2:]
    if matrices.shape[:-2] != batch:
        matrices = np.broadcast_to(matrices, (*batch, *each))
    return matrices.reshape(-1, batch[-1], *each)


def product(a, b, start=None, out=None):
    """a @ b + start, for matrices, in `out` if that is given.

    The longer side of the result is cut; or the columns if they are many, though half as many: for with its rows every thread copies all
    of b.
    """
    (m, n), panel = (a.shape[0], b.shape[1]), 2 * lanes(a.dtype)
    out = np.empty((m, n), a.dtype) if out is None else out
    by_rows = m >= (2 * n if n >= _PANELS * panel * get_num_threads() else n)
    unit = ROWS if by_rows else panel  # a tile's: no share ends within one
    args = a, b, np.empty(0, a.dtype) if start is None else start, out, by_rows, unit
    run(_block, -(-max(m, n) // unit), *args, shared=a.size * n >= _WORTH_THREADS)
    return out


def _fits(a, b, rows) -> bool:
    """Whether `gemm` computes a @ b, of so many rows, sooner than NumPy, which has better ways for a vector."""
    (m, k), n = a.shape[-2:], b.shape[-1]
    return floats(a, b) and k == b.shape[-2] and min(m, n) > 1 and rows * k * n >= _WORTH_IT and _simple(a) and _simple(b)


@kernel(ops.matrix_product)
def parallel_gemm(input, other):
    batch = broadcast(input.shape[:-2], other.shape[:-2])
    if batch is None or not _fits(input, other, math.prod(batch) * input.shape[-2]):
        return NotImplemented
    out = np.empty((*batch, input.shape[-2], other.shape[-1]), input.dtype)
    if math.prod(batch) == 1:
        product(input.reshape(input.shape[-2:]), other.reshape(other.shape[-2:]), out=out.reshape(out.shape[-2:]))
    else:
        run_shares(_batch, math.prod(batch), *(_in_two_dims(each, batch) for each in (input, other, out)))
    return out


@kernel(ops.linear_op)
def parallel_linear(input, weight, bias):
    if weight.ndim != 2 or input.ndim < 2 or not (bias is None or bias.shape == weight.shape[:1]) or not floats(input, weight, bias):
        return NotImplemented
    if not _fits(input, weight.T, math.prod(input.shape[:-1])):
        return NotImplemented
    rows = np.ascontiguousarray(input).reshape(-1, input.shape[-1])
    out = product(rows, weight.T, bias)

    def backward(grad, needs_input, needs_weight, needs_bias):
        grad = np.ascontiguousarray(grad).reshape(out.shape)
        return (
            product(grad, weight).reshape(input.shape) if needs_input else None,
            product(grad.T, rows) if needs_weight else None,
            sum_of_rows(grad) if needs_bias else None,
        )

    return out.reshape(*input.shape[:-1], len(weight)), backward

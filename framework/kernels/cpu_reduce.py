"""Sums, means and products on a CPU: all threads reduce parts of the input, where NumPy has one for all, and NumPy what they leave.

A part is a block of a row where the last dimensions are reduced, else a few rows that become one.  What is in it does not depend on the
number of threads.  It is reduced in its own type, and parts in float64.
"""

import math

import numpy as np

from ..autograd.op import sum_to
from ..ops import reduce as ops
from .cpu import compiled, contiguous, floats, kernel, run_shares
from .cpu_norm import BLOCK, sum_of

_WORTH_IT = 1 << 17  # elements: fewer NumPy has added before the threads have begun
_ROWS, _COLUMNS = 128, 2048  # of a part at most: its result stays in a core's nearest cache
_WIDE, _FEW_ROWS = 32, 8  # rows so wide NumPy adds as fast as memory gives them, if they are fewer than that


@compiled(fastmath={"reassoc"})
def _block_sums(rows, sums, share, first, last):
    """sums[r, b] = the sum of block b of row r of (R, N)."""
    blocks = sums.shape[1]
    for i in range(first, last):
        r, b = i // blocks, i % blocks
        sums[r, b] = sum_of(rows[r, b * BLOCK : (b + 1) * BLOCK])


@compiled(fastmath={"reassoc"})
def _block_products(rows, products, share, first, last):
    """products[r, b] = the product of block b of row r of (R, N)."""
    blocks = products.shape[1]
    for i in range(first, last):
        r, b = i // blocks, i % blocks
        block, product = rows[r, b * BLOCK : (b + 1) * BLOCK], 1.0
        for j in range(block.size):
            product *= block[j]
        products[r, b] = product


@compiled()
def _column_parts(rows, product, out, tiles, share, first, last):
    """out[a, p, b] = the product or the sum of column b of part p of the rows (A, R, B)."""
    space = np.empty(_COLUMNS, rows.dtype)
    for i in range(first, last):
        a, p, start = i // tiles // out.shape[1], i // tiles % out.shape[1], i % tiles * _COLUMNS
        stop = min(start + _COLUMNS, rows.shape[2])
        so_far = space[: stop - start]
        so_far[:] = rows[a, p * _ROWS, start:stop]
        for r in range(p * _ROWS + 1, min((p + 1) * _ROWS, rows.shape[1])):
            row = rows[a, r, start:stop]
            if product:
                for j in range(row.size):
                    so_far[j] *= row[j]
            else:
                for j in range(row.size):
                    so_far[j] += row[j]
        out[a, p, start:stop] = so_far


def _row_parts(of_blocks, rows):
    """What the compiled `of_blocks` makes of the blocks (R, B) of the rows (R, N)."""
    parts = np.empty((len(rows), -(-rows.shape[1] // BLOCK)))
    run_shares(of_blocks, parts.size, rows, parts)
    return parts


def row_sums(rows):
    """The sums (R,) of the rows of (R, N) in double precision, the same for any number of threads."""
    with np.errstate(invalid="ignore"):  # inf - inf is nan
        return _row_parts(_block_sums, rows).sum(1)


def _reduced(input, dim, keepdim, product):
    """The product or the sum along `dim`: by the threads along the last of these dimensions that are neighbours, the others by NumPy."""
    if input.size < _WORTH_IT or not (floats(input) and contiguous(input)):
        return NotImplemented
    dims = sorted(ops.axes(dim, input.ndim) or range(input.ndim))
    first = last = dims[-1]
    while first - 1 in dims:
        first -= 1
    shape, kept = input.shape, [1 if d in dims else n for d, n in enumerate(input.shape) if keepdim or d not in dims]
    before, length, after = math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])
    if after >= _WIDE and length < _FEW_ROWS:
        return NotImplemented
    if after == 1:
        parts = _row_parts(_block_products if product else _block_sums, input.reshape(before, length))
    else:
        done = length <= _ROWS and len(dims) == last + 1 - first
        parts, tiles = np.empty((before, -(-length // _ROWS), after), input.dtype if done else np.float64), -(-after // _COLUMNS)
        run_shares(_column_parts, before * parts.shape[1] * tiles, input.reshape(before, length, after), product, parts, tiles)
        if done:
            return parts.reshape(kept)
    parts = parts.reshape(*shape[:first], -1, *[1] * (last - first), *shape[last + 1 :])
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large for the type is inf; inf - inf is nan
        return np.asarray((np.prod if product else np.sum)(parts, axis=tuple(dims))).astype(input.dtype).reshape(kept)


@kernel(ops.sum)
def parallel_total(input, dim, keepdim, dtype):
    return _reduced(input, dim, keepdim, product=False) if dtype is None else NotImplemented


@kernel(ops.mean)
def parallel_mean(input, dim, keepdim, dtype):
    total = parallel_total(input, dim, keepdim, dtype)
    return total if total is NotImplemented else ops.mean_of(input.shape, total)


@kernel(sum_to)
def parallel_sum_to(input, shape):
    extra = input.ndim - len(shape)
    dims = [d for d, n in enumerate(input.shape) if n != 1 and (d < extra or shape[d - extra] == 1)]
    total = _reduced(input, dims, True, product=False) if dims else NotImplemented
    return total if total is NotImplemented else total.reshape(shape)


@kernel(ops.prod)
def parallel_product(input, dim, keepdim, dtype):
    if dtype is not None or isinstance(dim, (tuple, list)):
        return NotImplemented
    return _reduced(input, dim, keepdim, product=True)

"""Matrix products inside Numba's code, on one thread: out = a b, or out + a b, with a stored in any order and b by rows or by columns.

The loops are those of Goto and van de Geijn (2008, Anatomy of High-Performance Matrix Multiplication), but nothing is copied that can be
read where it lies:

    for a piece of the inner dimension
        for some rows of a: they stay in the second-level cache, and are copied if they lie by columns that are far apart
            for a panel of columns of b, as wide as a tile: it stays in the first-level cache, and is copied if b lies by columns
                for each tile of the rows, which stays in registers: cpu_tile.py

With few rows or short inner dimensions, as in the steps of an LSTM and in convolutions, this is up to twice as fast as a BLAS, which is
made for large matrices and copies both; with large ones it is as fast.
"""

import llvmlite.binding as llvm
import numba as nb
import numpy as np
from numba.core import types

from .cpu import compiled
from .cpu_tile import ROWS, tile, transpose
from .cpu_vectors import lanes

_DEPTH, _HEIGHT = 384, 240  # of a piece of a: 360 KiB in float32, and a panel of 48 KiB
_FAR = 1024  # elements: columns so far apart are on a page each
_EVERYTHING = 1 << 60  # elements: how long a matrix is taken to be that is known by its first element alone

_tall_wide, _low_wide, _row_wide, _tall_slim, _low_slim, _row_slim = (tile(rows, vectors) for vectors in (2, 1) for rows in (ROWS, 4, 1))


@compiled()
def _copy_panel(b, at, row, column, columns, depth, width, lanes, out):
    """out[k width + j] = element (k, j) of b, and 0 beyond its columns."""
    if columns < width:
        out[: depth * width] = 0
    if column == 1:
        for k in range(depth):
            for j in range(columns):
                out[k * width + j] = b[at + k * row + j]
        return
    in_blocks = depth // lanes * lanes if row == 1 else 0
    for j in range(0, columns // lanes * lanes, lanes):
        for k in range(0, in_blocks, lanes):
            transpose(b, at + j * column + k, column, out, k * width + j, width)
    for j in range(columns):
        for k in range(in_blocks if j < columns // lanes * lanes else 0, depth):
            out[k * width + j] = b[at + k * row + j * column]


@compiled()
def _copy_columns(a, at, column, height, depth, out):
    """out[k height + i] = element (i, k) of a, which lies by columns."""
    for k in range(depth):
        from_, to = a[at + k * column : at + k * column + height], out[k * height : k * height + height]
        for i in range(height):
            to[i] = from_[i]


@compiled()
def _times_panel(a, a_at, a_row, a_column, height, b, b_at, b_step, wide, c, c_at, c_step, depth, add):
    """The tiles of all rows of a and of one panel of b."""
    i = 0
    while i < height:
        of_a, to, left = a_at + i * a_row, c_at + i * c_step, height - i
        if left >= ROWS:
            if wide:
                _tall_wide(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            else:
                _tall_slim(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            i += ROWS
        elif left >= 4:
            if wide:
                _low_wide(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            else:
                _low_slim(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            i += 4
        else:
            if wide:
                _row_wide(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            else:
                _row_slim(a, of_a, a_row, a_column, b, b_at, b_step, c, to, c_step, depth, add)
            i += 1


@compiled()
def _copy_result(result, height, columns, width, c, at, c_step, add):
    """c (+)= the columns that count of a panel's result."""
    for i in range(height):
        for j in range(columns):
            found = result[i * width + j]
            c[at + i * c_step + j] = found + c[at + i * c_step + j] if add else found


@compiled()
def _multiply(a, a_row, a_column, b, b_row, b_column, c, c_row, m, n, depth, add, lanes):
    """c[i c_row + j] (+)= Σ_k a[i a_row + k a_column] b[k b_row + j b_column], all being vectors."""
    copied = np.empty(min(depth, _DEPTH) * min(m, _HEIGHT) if a_row == 1 and a_column >= _FAR else 0, a.dtype)
    panel = np.empty(min(depth, _DEPTH) * 2 * lanes, a.dtype)
    result = np.empty(0 if n % lanes == 0 else min(m, _HEIGHT) * 2 * lanes, a.dtype)  # of a panel that is not full
    for start in range(0, depth, _DEPTH):
        steps, adds = min(_DEPTH, depth - start), add or start > 0
        for top in range(0, m, _HEIGHT):
            height = min(_HEIGHT, m - top)
            of_a, a_at, a_step = a, top * a_row + start * a_column, a_column
            if copied.size:
                _copy_columns(a, a_at, a_column, height, steps, copied)
                of_a, a_at, a_step = copied, 0, height
            for left in range(0, n, 2 * lanes):
                columns = min(2 * lanes, n - left)
                width = 2 * lanes if columns > lanes else lanes
                full, c_at = columns == width, top * c_row + left
                of_b, b_at, b_step = b, start * b_row + left * b_column, b_row
                if not full or b_column != 1:
                    _copy_panel(b, b_at, b_row, b_column, columns, steps, width, lanes, panel)
                    of_b, b_at, b_step = panel, 0, width
                of_c, to, c_step = (c, c_at, c_row) if full else (result, 0, width)
                wide = width > lanes
                _times_panel(of_a, a_at, a_row, a_step, height, of_b, b_at, b_step, wide, of_c, to, c_step, steps, adds and full)
                if not full:
                    _copy_result(result, height, columns, width, c, c_at, c_row, adds)


def _in_c(dtype):
    """`_multiply` of matrices known by the addresses of their first elements, so that those who call it need not be compiled with it."""
    count = lanes(dtype)
    address = types.CPointer(nb.from_dtype(dtype))

    @nb.cfunc(types.void(*(address, types.intp, types.intp) * 2, address, *(types.intp,) * 5), cache=True, error_model="numpy")
    def multiply(a, a_row, a_column, b, b_row, b_column, c, c_row, m, n, depth, add):
        all_of_a, all_of_b, all_of_c = nb.carray(a, _EVERYTHING), nb.carray(b, _EVERYTHING), nb.carray(c, _EVERYTHING)
        _multiply(all_of_a, a_row, a_column, all_of_b, b_row, b_column, all_of_c, c_row, m, n, depth, add != 0, count)

    return multiply


_single, _double = _in_c(np.dtype(np.float32)), _in_c(np.dtype(np.float64))
llvm.add_symbol("framework_product_single", _single.address)
llvm.add_symbol("framework_product_double", _double.address)
_by_address = types.void(*(types.intp,) * 12)
_product_single = types.ExternalFunction("framework_product_single", _by_address)
_product_double = types.ExternalFunction("framework_product_double", _by_address)


@compiled()
def gemm(a, b, out, add):
    """out = a @ b, or out + a @ b if `add`; neighbours in a row of `out`, and in a row or in a column of b, touch."""
    size, (m, depth), n = a.itemsize, a.shape, b.shape[1]
    if depth == 0:
        if not add:
            out[:] = 0
        return
    a_row, a_column, b_row, b_column, out_row = a.strides[0], a.strides[1], b.strides[0], b.strides[1], out.strides[0]
    args = (a.ctypes.data, a_row // size, a_column // size, b.ctypes.data, b_row // size, b_column // size, out.ctypes.data,
            out_row // size, m, n, depth, int(add))  # fmt: skip
    if size == 4:
        _product_single(*args)
    else:
        _product_double(*args)

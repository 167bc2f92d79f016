"""Matrix products inside Numba's code, on one thread: out = a b, or out + a b, with a stored in any order and b by rows or by columns.

The loops are those of Goto and van de Geijn (2008, Anatomy of High-Performance Matrix Multiplication), but little is copied that can be
read where it lies:

    for a piece of the inner dimension
        for some columns of b: where many rows of a want them they are copied, for the rows of a large b are on a page each
            for some rows of a: they stay in the second-level cache, and are copied if they lie by columns that are far apart, or b was
                for a panel of columns of b, as wide as a tile: it stays in the first-level cache, and is copied if b lies by columns
                    for each tile of the rows, which stays in registers: cpu_tile.py

A b that is read again and again, as a layer's weights are at every time step, may be laid so beforehand, by `in_panels`.

With few rows or short inner dimensions, as in the steps of an LSTM and in convolutions, this is up to twice as fast as a BLAS, which is
made for large matrices and copies both.
"""

import functools
from pathlib import Path

import llvmlite.binding as llvm
import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .cpu import compiled
from .cpu_cache import before_reading
from .cpu_tile import ROWS, tile, transpose
from .cpu_vectors import REGISTER, integer, lanes, opened

_DEPTH = 384  # of a piece of a, and of a panel: 48 KiB in float32
_AREA, _TALLEST = _DEPTH * 240, 960  # elements of a piece of a, 360 KiB, and its rows
_FAR = 1024  # elements: columns so far apart are on a page each
_MANY, _LARGE = 192, 1 << 16  # rows of a, and elements of b: with fewer of either, b is read where it lies
_WIDTH = 512  # columns of b that are copied at once, 768 KiB: they stay in the last-level cache
_EVERYTHING = 1 << 60  # elements: how long a matrix is taken to be that is known by its first element alone

_tall_wide, _low_wide, _row_wide, _tall_slim, _low_slim, _row_slim = (tile(rows, vectors) for vectors in (2, 1) for rows in (ROWS, 4, 1))


@compiled()
def turn(b, at, column, columns, depth, width, out):
    """out[k width + j] = b[at + k + j column]."""
    lanes = REGISTER // out.itemsize
    across, along = columns // lanes * lanes, depth // lanes * lanes
    for j in range(0, across, lanes):
        for k in range(0, along, lanes):
            transpose(b, at + j * column + k, column, out, k * width + j, width)
    for j in range(columns):
        for k in range(along if j < across else 0, depth):
            out[k * width + j] = b[at + k + j * column]


@compiled()
def _copy_panel(b, at, row, column, columns, depth, width, out):
    """out[k width + j] = element (k, j) of b, and 0 beyond its columns."""
    if columns < width:
        out[: depth * width] = 0
    if column == 1:
        for k in range(depth):
            for j in range(columns):
                out[k * width + j] = b[at + k * row + j]
    elif row == 1:
        turn(b, at, column, columns, depth, width, out)
    else:
        for j in range(columns):
            for k in range(depth):
                out[k * width + j] = b[at + k * row + j * column]


@compiled()
def _copy_panels(b, at, row, column, columns, depth, width, out):
    """Panel after panel, each as by `_copy_panel`; of a b that lies by rows a whole row at once, as long as it is on its page."""
    whole = columns // width * width if column == 1 else 0
    for k in range(depth if whole else 0):
        for left in range(0, whole, width):
            from_, to = at + k * row + left, left * depth + k * width
            for j in range(width):
                out[to + j] = b[from_ + j]
    for left in range(whole, columns, width):
        _copy_panel(b, at + left * column, row, column, min(width, columns - left), depth, width, out[left * depth :])


@compiled()
def in_panels(weight, turned):
    """`weight` (K, N), or the transposed one of (N, K), as b for `gemm`: (panels, K, a tile's columns), the last filled up with zeros."""
    rows, columns = weight.shape
    depth, across, row, column = (columns, rows, 1, columns) if turned else (rows, columns, columns, 1)
    width = 2 * (REGISTER // weight.itemsize)
    out = np.empty((-(-across // width), depth, width), weight.dtype)
    _copy_panels(weight.reshape(-1), 0, row, column, across, depth, width, out.reshape(-1))
    return out


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
def _copy_result(result, first, height, columns, width, c, at, c_step, add):
    """c (+)= those columns of a panel's result, from the first on, that c has not yet."""
    for i in range(height):
        for j in range(columns):
            found = result[i * width + first + j]
            c[at + i * c_step + j] = found + c[at + i * c_step + j] if add else found


@functools.cache
def _in_c(dtype):
    """c[i c_row + j] (+)= Σ_k a[i a_row + k a_column] b[k b_row + j b_column], as a function of C's; and LLVM is told where it is.

    If b is laid in panels, they lie `b_panel` elements apart, which else is 0.

    Matrices are given by the addresses of their first elements, so that those who call it need not be compiled with it.
    """
    vector = lanes(dtype)
    address = types.CPointer(nb.from_dtype(dtype))
    matrix = address, types.intp, types.intp

    @nb.cfunc(types.void(*matrix, *matrix, types.intp, address, *(types.intp,) * 5), cache=True, error_model="numpy")
    def multiply(a_address, a_row, a_column, b_address, b_row, b_column, b_panel, c_address, c_row, m, n, depth, add):
        a, b, c = nb.carray(a_address, _EVERYTHING), nb.carray(b_address, _EVERYTHING), nb.carray(c_address, _EVERYTHING)
        if depth == 0 and add == 0:
            for i in range(m):
                for j in range(n):
                    c[i * c_row + j] = 0
        tall, widest = min(_TALLEST, _AREA // max(1, min(depth, _DEPTH)) // ROWS * ROWS), 2 * vector
        laid = b_panel != 0
        slabs = not laid and m >= _MANY and depth * n >= _LARGE
        filled = laid or slabs  # all panels are as wide as a tile
        slab_width = min(n, _WIDTH) if slabs else n
        copied = np.empty(min(depth, _DEPTH) * min(m, tall) if a_row == 1 and (slabs or a_column >= _FAR) else 0, a.dtype)
        panels = np.empty(min(depth, _DEPTH) * (slab_width // widest * widest + widest if slabs else widest), a.dtype)
        result = np.empty(0 if n % (widest if filled else vector) == 0 else min(m, tall) * widest, a.dtype)  # of a panel that is not full
        for start in range(0, depth, _DEPTH):
            steps, adds = min(_DEPTH, depth - start), add != 0 or start > 0
            for slab in range(0, n, max(1, slab_width)):
                end = min(n, slab + slab_width)
                if slabs:
                    _copy_panels(b, start * b_row + slab * b_column, b_row, b_column, end - slab, steps, widest, panels)
                for top in range(0, m, tall):
                    height = min(tall, m - top)
                    of_a, a_at, a_step = a, top * a_row + start * a_column, a_column
                    if copied.size:
                        _copy_columns(a, a_at, a_column, height, steps, copied)
                        of_a, a_at, a_step = copied, 0, height
                    for left in range(slab, end, widest):
                        columns = min(widest, end - left)
                        width = widest if filled or columns > vector else vector
                        full, c_at = columns == width, top * c_row + left
                        known = min(left, width - columns) if b_column == 1 and not filled else 0  # columns before, again: it is full then
                        of_b, b_at, b_step = b, start * b_row + (left - known) * b_column, b_row
                        if laid:
                            b_at, b_step = left // widest * b_panel + start * width, width
                        elif slabs:
                            of_b, b_at, b_step = panels, (left - slab) * steps, width
                        elif known + columns < width or b_column != 1:
                            _copy_panel(b, b_at, b_row, b_column, known + columns, steps, width, panels)
                            of_b, b_at, b_step = panels, 0, width
                        of_c, to, c_step = (c, c_at, c_row) if full else (result, 0, width)
                        wide = width > vector
                        _times_panel(of_a, a_at, a_row, a_step, height, of_b, b_at, b_step, wide, of_c, to, c_step, steps, adds and full)
                        if not full:
                            _copy_result(result, known, height, columns, width, c, c_at, c_row, adds)

    llvm.add_symbol(f"framework_gemm_{dtype}", multiply.address)
    return multiply


@intrinsic
def gemm(typing_context, a, b, out, add):
    """out = a @ b, or out + a @ b if `add`; neighbours in a row of `out`, and in a row or in a column of b, touch; or b is `in_panels`."""
    dtype = np.dtype(str(a.dtype))
    _in_c(dtype)
    _remember(dtype)

    def generate(context, builder, signature, args):
        def described(kind, array):
            """(address, [rows, columns], [elements from row to row, from column to column])."""
            start, shape, strides = opened(context, builder, kind, array)
            return builder.ptrtoint(start, integer), shape, [builder.sdiv(each, integer(dtype.itemsize)) for each in strides]

        (a_, (m, depth), a_steps), (b_, _, b_steps), (c_, (_, n), c_steps) = map(described, (a, b, out), args[:3])
        b_panel, b_row, b_column = b_steps if b.ndim == 3 else (integer(0), *b_steps)
        adds = context.cast(builder, args[3], add, types.intp)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [integer] * 13), f"framework_gemm_{dtype}"
        )
        builder.call(function, [a_, *a_steps, b_, b_row, b_column, b_panel, c_, c_steps[0], m, n, depth, adds])
        return context.get_dummy_value()

    return types.void(a, b, out, add), generate


def _marker(dtype) -> Path:
    """A file beside Numba's, and by its name one of those that are deleted when the sources change (cpu.py)."""
    return Path(_copy_panel.stats.cache_path) / f"cpu_gemm_{dtype}.nbi"


def _remember(dtype) -> None:
    """That there is compiled code which calls the product of this type, and needs it before it is read from the disk."""
    _marker(dtype).touch()


def _make_what_is_called() -> None:
    """The products that compiled code on the disk calls, whichever process has written it."""
    before_reading.remove(_make_what_is_called)  # they are read from the disk themselves
    for dtype in map(np.dtype, (np.float32, np.float64)):
        if _marker(dtype).exists():
            _in_c(dtype)
    before_reading.append(_make_what_is_called)


before_reading.append(_make_what_is_called)

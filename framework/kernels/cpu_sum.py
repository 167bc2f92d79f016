"""Sums on a CPU: of two large arrays, such as a residual or gradients that meet, by all threads; of an embedding's gradients by rows."""

import math

import numpy as np

from ..ops import elementwise, index
from .cpu import compiled, contiguous, floats, kernel, run, run_shares
from .cpu_norm import Normalised
from .later import Later

_WORTH_IT = 1 << 16  # elements: fewer NumPy has added before the threads have begun


@compiled()
def _sum(a, b, out, share, first, last):
    a, b, out = a[first:last], b[first:last], out[first:last]
    for i in range(a.size):
        out[i] = a[i] + b[i]


@kernel(elementwise.plus)
@kernel(elementwise.plus, Normalised)
def parallel_sum(input, other):
    if getattr(input, "shape", ()) != getattr(other, "shape", None) or not floats(input, other):
        return NotImplemented
    if isinstance(input, Normalised) or isinstance(other, Normalised):
        late, array = (input, other) if isinstance(input, Normalised) else (other, input)
        return late.plus(array.array() if isinstance(array, Normalised) else array)
    if not type(input) is type(other) is np.ndarray or input.size < _WORTH_IT or not contiguous(input, other):
        return NotImplemented
    out = np.empty_like(input)
    run(_sum, out.size, input.reshape(-1), other.reshape(-1), out.reshape(-1))
    return out


@compiled()
def _add_rows(rows, places, factor, out, share, first, last):
    """Columns [first, last) of: factor times each of the rows (R, D), added to the row of `out` that has its place."""
    for r in range(len(rows)):
        row, to = rows[r, first:last], out[places[r], first:last]
        for i in range(row.size):
            to[i] += factor * row[i]


def _added(array, rows, places, factor=1.0):
    run_shares(_add_rows, array.shape[1], rows, places, array.dtype.type(factor), array)
    return array


class Rows(Later):
    """An embedding's gradient (V, D): some rows, and where they belong; the others are 0.  What it is added to need not be made whole."""

    def __init__(self, shape, rows, places):
        super().__init__(shape, rows.dtype)
        self.rows, self.places = rows.reshape(-1, shape[1]).copy(), places.reshape(-1).copy()  # both may be changed until it is asked for

    def add_to(self, array, factor=1.0):
        """array + factor times it, over the old values."""
        return _added(array, self.rows, self.places, factor)

    def array(self):
        return self.add_to(np.zeros(self.shape, self.dtype))

    def kept(self):
        return self


@kernel(index.add_rows)
def rows_added(input, rows, many, row):
    if not floats(input):
        return NotImplemented
    out = np.zeros((math.prod(many), math.prod(row)), input.dtype)
    return _added(out, input.reshape(rows.size, out.shape[1]), rows.reshape(-1)).reshape((*many, *row))


@kernel(index.embedding)
def gradient_by_rows(weight, places):
    if not (floats(weight) and contiguous(weight)) or weight.ndim != 2:
        return NotImplemented
    return index.embedding.forward(weight, places), lambda grad, needs_weight: (Rows(weight.shape, np.ascontiguousarray(grad), places),)

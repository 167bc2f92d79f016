"""An embedding on a CPU: its rows are looked up, and its gradient's added where they belong, by all threads."""

import math

import numpy as np

from ..ops import index
from .cpu import compiled, contiguous, floats, kernel, run, run_shares
from .later import Later


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


@compiled()
def _take_rows(weight, places, out, share, first, last):
    """out[r] = row places[r] of the weight (V, D)."""
    for r in range(first, last):
        row, to = weight[places[r]], out[r]
        for i in range(row.size):
            to[i] = row[i]


@kernel(index.embedding)
def gradient_by_rows(weight, places):
    if not (floats(weight) and contiguous(weight)) or weight.ndim != 2 or not index.within(places, len(weight)):
        return NotImplemented
    out = np.empty((*places.shape, weight.shape[1]), weight.dtype)
    run(_take_rows, places.size, weight, places.reshape(-1), out.reshape(places.size, weight.shape[1]))
    return out, lambda grad, needs_weight: (Rows(weight.shape, np.ascontiguousarray(grad), places),)

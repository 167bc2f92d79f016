"""Rows that are added up where they belong on a GPU, such as an embedding's gradient: always in the same order, so always the same sums."""

import math

import numpy as np

from ..ops import index
from .cuda import Source, by_row, cupy, floats, gpu_kernel, threads_for

_TOGETHER = 4096  # rows of one launch, whose blocks look through all of their places

_kernels = Source(r"""
// out[places[r]] += row r of input (R, D).  The first row of each place adds all of that place, one after another; a block a row.
extern "C" __global__ void add_rows(const T* input, const Index* places, T* out, Index rows, Index columns) {
    const Index r = blockIdx.x, place = places[r];
    S before = 0, after = 0;
    for (Index other = threadIdx.x; other < rows; other += blockDim.x)
        if (places[other] == place) (other < r ? before : after) += other != r;
    if (of_block<Sum>(before) > 0) return;
    const bool alone = of_block<Sum>(after) == 0;  // then nobody has to look for the others
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) {
        S sum = (S)out[place * columns + c] + (S)input[r * columns + c];
        for (Index other = r + 1; !alone && other < rows; other++)
            if (places[other] == place) sum += (S)input[other * columns + c];
        out[place * columns + c] = sum;
    }
}
""")


def _added(out, rows, places):
    """`out` (V, D) with each of the rows (R, D) added to the one of its place."""
    rows, places = by_row(rows).reshape(-1, out.shape[1]), by_row(places.astype(np.int64, copy=False)).reshape(-1)
    for start in range(0, len(rows), _TOGETHER):
        part, where = rows[start : start + _TOGETHER], places[start : start + _TOGETHER]
        _kernels.rows("add_rows", len(part), part, where, out, len(part), out.shape[1], threads=threads_for(4 * out.shape[1]))
    return out


@gpu_kernel(index.add_rows)
def first_adds_all(input, rows, many, row):
    if not floats(input):
        return NotImplemented
    return _added(cupy().zeros((math.prod(many), math.prod(row)), input.dtype), input, rows).reshape((*many, *row))


@gpu_kernel(index.embedding)
def rows_of_a_table(weight, places):
    if not floats(weight):
        return NotImplemented
    shape, dtype = weight.shape, weight.dtype
    return index.embedding.forward(weight, places), lambda grad, needs_weight: (_added(cupy().zeros(shape, dtype), grad, places),)

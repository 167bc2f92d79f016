"""Joining arrays on a GPU: all in one launch.  CuPy's own way, for many of them, brings a table from the host, which cannot be recorded."""

import math

from ..ops import shape
from . import kernel, on_one_gpu
from .cuda import Source, by_row, cupy, floats
from .cuda_lists import TABLE, launch_each

_kernels = Source(TABLE + r"""
// Each array is (outer, so many), and belongs to the columns from `number` on of the whole (outer, columns).
extern "C" __global__ void join(Table table, Index outer, Index columns) {
    const Part row = table.part();
    const unsigned width = row.size / outer;
    EACH_OF(row) row[1][(unsigned)i / width * columns + row.number + (unsigned)i % width] = row[0][i];
}
""")


def _joined(arrays, dim, sides):
    """The arrays, all alike but for their sides along `dim`, one behind the other in an array of these sides."""
    if len(arrays) < 2 or not floats(*arrays) or any(each.size >= 1 << 31 for each in arrays):
        return NotImplemented
    out, outer = cupy().empty(sides, arrays[0].dtype), math.prod(sides[:dim])
    if out.size:
        rows = [[by_row(each), out] for each in arrays if each.size]
        begins, number = [], 0
        for array, _ in rows:
            begins.append(number)
            number += array.size // outer
        launch_each(_kernels, "join", rows, outer, out.size // outer, numbers=begins)
    return out


def copy_each(pairs) -> None:
    """Each array copied to another of its size, which lies row by row: joined from one alone."""
    pairs = [[by_row(source), target] for source, target in pairs]
    if pairs and floats(*[each for pair in pairs for each in pair]):
        launch_each(_kernels, "join", pairs, 1, 0)
    else:
        for source, target in pairs:
            target[...] = source.reshape(target.shape)


@kernel(shape.cat, list)
@on_one_gpu
def all_joined_at_once(tensors, dim):
    first, dim = tensors[0].shape, dim % max(1, tensors[0].ndim)
    if not first or any(each.shape[:dim] + each.shape[dim + 1 :] != first[:dim] + first[dim + 1 :] for each in tensors):
        return NotImplemented
    return _joined(tensors, dim, (*first[:dim], sum(each.shape[dim] for each in tensors), *first[dim + 1 :]))


@kernel(shape.stack, list)
@on_one_gpu
def all_stacked_at_once(tensors, dim):
    first, dim = tensors[0].shape, dim % (tensors[0].ndim + 1)
    return _joined(tensors, dim, (*first[:dim], len(tensors), *first[dim:]))

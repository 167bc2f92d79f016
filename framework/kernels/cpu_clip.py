"""Clipping gradients on a CPU: the norm of an array, and many arrays times one number."""

import numpy as np

from ..nn.utils import clip
from ..ops import reduce
from . import large_together
from .cpu import compiled, contiguous, floats, kernel, large, run
from .cpu_lists import part, run_each
from .cpu_norm import sum_of_squares
from .threads import get_num_threads


@compiled(fastmath={"reassoc", "contract"})
def _squares(x, sums, share, first, last):
    """sum x^2 of elements [first, last)."""
    sums[share] = sum_of_squares(x[first:last], x.dtype.type(0))


@kernel(reduce.power_norm)
def norm_of_all(input, p, dim, keepdim):
    if p != 2 or dim is not None or keepdim or not (floats(input) and contiguous(input) and large(input)):
        return NotImplemented
    sums = np.zeros(get_num_threads())
    run(_squares, input.size, input.reshape(-1), sums)
    return np.sqrt(sums.sum()).astype(input.dtype)


@compiled()
def _scale(table, pieces, factor, share, first, last):
    for piece in pieces[first:last]:
        array = part(table, 0, piece, factor)
        for i in range(array.size):
            array[i] *= factor


@kernel(clip.scale_each, list)
def all_scaled_at_once(arrays, factors):
    """Over the old values; the factors of a CPU's arrays are one."""
    if not (large_together(arrays) and type(factors[0]) is np.ndarray and floats(*arrays, factors[0]) and contiguous(*arrays)):
        return NotImplemented
    if not all([each.flags.writeable for each in arrays]):
        return NotImplemented
    run_each(_scale, [[each] for each in arrays], factors[0][()])
    return arrays

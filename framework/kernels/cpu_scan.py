"""Running sums along rows on a CPU: some rows to each thread, forwards, and backwards for the gradient."""

import numpy as np

from ..ops import scan as ops
from ..ops.shape import normalize
from .cpu import compiled, kernel, one_pass_pays, run


@compiled()
def _running_sums(rows, backwards, out, share, first, last):
    """out[r, i] = rows[r, 0] + … + rows[r, i], or from the end to i."""
    length = rows.shape[1]
    for r in range(first, last):
        row, sums, total = rows[r], out[r], rows.dtype.type(0)
        if backwards:
            for i in range(length - 1, -1, -1):
                total += row[i]
                sums[i] = total
        else:
            for i in range(length):
                total += row[i]
                sums[i] = total


@kernel(ops.cumsum)
def parallel_cumsum(input, dim, dtype):
    if not one_pass_pays(input) or dtype is not None or normalize(dim, input.ndim) != input.ndim - 1:
        return NotImplemented

    def sums(array, backwards):
        rows, out = np.ascontiguousarray(array).reshape(-1, input.shape[-1]), np.empty_like(input)
        run(_running_sums, len(rows), rows, backwards, out.reshape(rows.shape))
        return out

    return sums(input, False), lambda grad, needs_input: (sums(grad, True),)

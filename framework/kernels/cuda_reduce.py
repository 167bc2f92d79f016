"""Sums and means of rows on a GPU, or of all elements: a block of threads a row, and several for each of a few long ones."""

import math

from ..ops import reduce as ops
from .cuda import Source, arithmetic, contiguous, cupy, floats, gpu_kernel, threads_for

_SHORT = 128  # elements of a row: fewer keep no block busy, unless it is the only one
_PART, _MOST_PARTS, _ENOUGH = 8192, 1024, 512  # elements to a block, how many blocks a row has at most, and how many rows are enough

_kernels = Source(r"""
// The sum of part `part` of `parts` of a row: all threads of the block get it.
__device__ S sum_of_part(const T* row, Index columns, Index part, Index parts) {
    const int width = columns % W == 0 && aligned(row) ? W : 1;
    S sum = 0;
    for (Index j = (part * blockDim.x + threadIdx.x) * width; j < columns; j += parts * blockDim.x * width)
        sum += sum_of_neighbours(row + j, width);
    return of_block<Sum>(sum);
}

extern "C" __global__ void sum_rows(const T* input, Index columns, double divisor, T* out) {
    const S sum = sum_of_part(input + blockIdx.x * columns, columns, 0, 1);
    if (threadIdx.x == 0) out[blockIdx.x] = sum / (S)divisor;
}
// sums (rows, parts), then out (rows)
extern "C" __global__ void sum_parts(const T* input, Index columns, Index parts, S* sums) {
    const S sum = sum_of_part(input + blockIdx.x / parts * columns, columns, blockIdx.x % parts, parts);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
extern "C" __global__ void sum_of_parts(const S* sums, Index parts, double divisor, T* out) {
    const S sum = sum_of(sums + blockIdx.x * parts, parts);
    if (threadIdx.x == 0) out[blockIdx.x] = sum / (S)divisor;
}
""")


def _row_sums(input, dim, keepdim, mean=False):
    dims = sorted(ops.axes(dim, input.ndim) or range(input.ndim))
    kept = input.shape[: input.ndim - len(dims)]
    if dims != [*range(len(kept), input.ndim)] or not (input.size and floats(input) and contiguous(input)):
        return NotImplemented
    rows, columns = math.prod(kept), math.prod(input.shape[len(kept) :])
    if rows > 1 and columns < _SHORT:
        return NotImplemented
    out, divisor = cupy().empty(kept + (1,) * len(dims) if keepdim else kept, input.dtype), float(columns if mean else 1)
    parts = min(_MOST_PARTS, -(-columns // _PART)) if rows < _ENOUGH else 1
    if parts == 1:
        _kernels.rows("sum_rows", rows, input, columns, divisor, out, threads=threads_for(columns))
    else:
        sums = cupy().empty((rows, parts), arithmetic(input.dtype))
        _kernels.rows("sum_parts", sums.size, input, columns, parts, sums)
        _kernels.rows("sum_of_parts", rows, sums, parts, divisor, out, dtype=input.dtype, threads=threads_for(parts))
    return out


@gpu_kernel(ops.sum)
def block_a_row_sum(input, dim, keepdim, dtype):
    return NotImplemented if dtype is not None else _row_sums(input, dim, keepdim)


@gpu_kernel(ops.mean)
def block_a_row_mean(input, dim, keepdim, dtype):
    return NotImplemented if dtype is not None else _row_sums(input, dim, keepdim, mean=True)

"""Clipping gradients on a GPU: the norm of an array, and many arrays times one number each."""

import numpy as np

from ..nn.utils import clip
from ..ops import reduce
from . import kernel, on_one_gpu
from .cuda import Source, arithmetic, contiguous, cupy, floats, gpu_kernel, threads_for
from .cuda_lists import TABLE, launch_each

_PART, _MOST_PARTS = 4096, 1024  # elements to a block, as long as there are not more blocks

_kernels = Source(TABLE + r"""
extern "C" __global__ void squares(const T* input, S* parts, Index n) {
    S sum = 0;
    for (Index i = first(); i < n; i += step()) sum += (S)input[i] * (S)input[i];
    sum = of_block<Sum>(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

extern "C" __global__ void root(const S* parts, Index count, T* out) {
    S sum = 0;
    for (Index i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
    sum = of_block<Sum>(sum);
    if (threadIdx.x == 0) *out = sqrt(sum);
}

extern "C" __global__ void scale(Table table) {
    const Part row = table.part();
    const S factor = *row[1];
    EACH_OF(row) row[0][i] = (S)row[0][i] * factor;
}
""")


@gpu_kernel(reduce.power_norm)
def norm_of_all(input, p, dim, keepdim):
    if p != 2 or dim is not None or keepdim or not (input.size and floats(input) and contiguous(input)):
        return NotImplemented
    count = min(_MOST_PARTS, -(-input.size // _PART))
    parts, out = cupy().empty(count, arithmetic(input.dtype)), cupy().empty((), input.dtype)
    _kernels.grid("squares", (count,), input, parts, input.size)
    _kernels.rows("root", 1, parts, count, out, dtype=input.dtype, threads=threads_for(count))
    return out


@kernel(clip.scale_each, list)
@on_one_gpu
def all_scaled_at_once(arrays, factors):
    """Over the old values."""
    together = {}
    for array, factor in zip(arrays, factors, strict=True):
        if isinstance(array, np.ndarray) or not (floats(array, factor) and contiguous(array)):
            return NotImplemented
        together.setdefault((array.dtype, array.device.id), []).append([array, factor])
    for (_, device), rows in together.items():
        with cupy().cuda.Device(device):
            launch_each(_kernels, "scale", rows)
    return arrays

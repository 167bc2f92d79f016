"""Random numbers on a GPU, those of framework/random.py: a thread works out the number that it needs."""

import numpy as np

from ..device import gpus
from ..ops import random
from ..random import GOLDEN, MIX_1, MIX_2, threshold
from .cuda import Source, by_row, cupy, floats, gpu_kernel, number

RANDOM_BITS = f"""
typedef unsigned long long Bits;

// Random number `number` of the stream `key`.
__device__ Bits random_bits(Bits key, Bits number) {{
    Bits z = key + (number + 1) * {GOLDEN}ull;
    z = (z ^ (z >> 30)) * {MIX_1}ull;
    z = (z ^ (z >> 27)) * {MIX_2}ull;
    return z ^ (z >> 31);
}}
__device__ bool is_kept(Bits key, Bits number, Index below) {{ return (Index)(random_bits(key, number) >> 32) >= below; }}
"""

_kernels = Source(RANDOM_BITS + """
extern "C" __global__ void draw(Bits* out, Index n, NUMBER(Bits, key), NUMBER(Bits, start)) {
    const Bits key = VALUE(key), start = VALUE(start);
    for (Index i = first(); i < n; i += step()) out[i] = random_bits(key, start + i);
}

extern "C" __global__ void drop(const T* input, T* out, Index n, NUMBER(Bits, key), NUMBER(Bits, start), Index below, double scale) {
    const Bits key = VALUE(key), start = VALUE(start);
    for (Index i = first(); i < n; i += step()) out[i] = is_kept(key, start + i, below) ? (S)input[i] * (S)scale : 0;
}
""")


def bits(key, start, count: int):
    """Numbers `start` to `start + count` of the stream `key`: `framework.random.bits` in one launch."""
    out = cupy().empty(count, np.uint64)
    _kernels.each("draw", count, out, count, *number(key), *number(start), dtype=np.float32)
    return out


gpus.bits = bits


@gpu_kernel(random.dropout)
def counted_dropout(input, p, key, start):
    """The mask is never stored: backward draws the same numbers again."""
    if not floats(input):
        return NotImplemented

    def drop(array):
        out = cupy().empty(array.shape, array.dtype)
        _kernels.each("drop", array.size, by_row(array), out, array.size, *number(key), *number(start), threshold(p), 1 / (1 - p))
        return out

    return drop(input), lambda grad, needs_input: (drop(grad),)

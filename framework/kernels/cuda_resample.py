"""Resampling along one dimension on a GPU: in one pass over the output, from only the taps that weigh something."""

import math

import numpy as np

from ..device import constant
from ..ops import resample as ops
from .cuda import Source, arithmetic, by_row, cupy, floats, gpu_kernel

_kernels = Source(r"""
// out (A, m, B): row t is the sum over k of weights[t, k] times row places[t, k] of input (A, n, B).  Without weights they are 1.
extern "C" __global__ void resample(const T* input, const Index* places, const S* weights, T* out,
                                    Index taps, Index n, Index m, Index inner, Index size) {
    for (Index i = first(); i < size; i += step()) {
        const unsigned line = (unsigned)i / (unsigned)inner, b = (unsigned)i - line * (unsigned)inner;
        const unsigned a = line / (unsigned)m, t = line - a * (unsigned)m;
        S sum = 0;
        for (Index k = t * taps; k < (Index)(t + 1) * taps; k++) {
            const S weight = weights ? weights[k] : 1;
            if (weight != 0) sum += weight * (S)input[(a * n + places[k]) * inner + b];  // inf and nan that weigh nothing do not count
        }
        out[i] = sum;
    }
}
""")


@gpu_kernel(ops.resample)
def thread_an_output(input, dim, taps):
    before, after = input.shape[:dim], input.shape[dim + 1 :]
    shape = *before, len(taps.places), *after
    if not floats(input) or math.prod(shape) >= 1 << 31:  # the kernel divides in 32 bits
        return NotImplemented
    out = cupy().empty(shape, input.dtype)
    places = constant(taps.places.astype(np.int64), input)
    weights = None if taps.weights is None else constant(taps.weights.astype(arithmetic(input.dtype)), input)
    sizes = taps.places.shape[1], input.shape[dim], len(taps.places), math.prod(after), out.size
    _kernels.each("resample", out.size, by_row(input), places, weights, out, *sizes)
    return out

"""Resampling on a GPU: along two dimensions at once if an output has few taps, in one pass over it, from those that weigh something."""

import math

import numpy as np

from ..device import constant
from ..ops import resample as ops
from .cuda import Source, arithmetic, by_row, cupy, floats, gpu_kernel

_FEW = 16  # taps of an output along both dimensions: with more of them, two passes read less

_kernels = Source(r"""
// Along a dimension: output t is the sum over k of weights[t, k] times input places[t, k].  Without weights they are 1.
struct Taps {
    const Index* places;
    const S* weights;
    const Index each;

    // `seen(place)` is what lies at a place; inf and nan that weigh nothing do not count
    template <class F> __device__ S sum(unsigned t, F seen) const {
        S sum = 0;
        for (Index k = t * each; k < (t + 1) * each; k++) {
            const S weight = weights ? weights[k] : 1;
            if (weight != 0) sum += weight * seen(places ? places[k] : t);
        }
        return sum;
    }
};

// input (A, h, w, B) to out (A, rows, columns, B); a dimension without places stays as it is
extern "C" __global__ void resample(const T* input, const Index* places_h, const S* weights_h, Index taps_h,
                                    const Index* places_w, const S* weights_w, Index taps_w, T* out,
                                    Index h, Index w, Index rows, Index columns, Index inner, Index size) {
    const Taps down{places_h, weights_h, taps_h}, across{places_w, weights_w, taps_w};
    for (Index i = first(); i < size; i += step()) {
        const unsigned pixel = (unsigned)i / (unsigned)inner, b = (unsigned)i - pixel * (unsigned)inner;
        const unsigned line = pixel / (unsigned)columns, u = pixel - line * (unsigned)columns;
        const unsigned a = line / (unsigned)rows, t = line - a * (unsigned)rows;
        out[i] = across.sum(u, [=](Index x) {
            return down.sum(t, [=](Index y) { return (S)input[((a * h + y) * w + x) * inner + b]; });
        });
    }
}
""")


@gpu_kernel(ops.resample)
def thread_an_output(input, dim, taps):
    if not floats(input):
        return NotImplemented
    while taps:
        few = math.prod([each.places.shape[1] for each in taps[:2]]) <= _FEW
        along, taps = (taps[:2], taps[2:]) if few else (taps[:1], taps[1:])
        input = _resampled(input, dim, *along)
        if input is NotImplemented:
            return NotImplemented
        dim += len(along)
    return input


def _resampled(input, dim, down, across=None):
    (h, *rest), rows = input.shape[dim:], len(down.places)
    w, *inner = rest if across else (1, *rest)
    columns = len(across.places) if across else 1
    shape = *input.shape[:dim], rows, *([columns] if across else []), *inner
    if math.prod(shape) >= 1 << 31:  # the kernel divides in 32 bits
        return NotImplemented
    out = cupy().empty(shape, input.dtype)
    sizes = h, w, rows, columns, math.prod(inner), out.size
    _kernels.each("resample", out.size, by_row(input), *_arguments(down, input), *_arguments(across, input), out, *sizes)
    return out


def _arguments(taps, input) -> tuple:
    if taps is None:
        return None, None, 1
    weights = None if taps.weights is None else constant(taps.weights.astype(arithmetic(input.dtype)), input)
    return constant(taps.places.astype(np.int64), input), weights, taps.places.shape[1]

"""Losses of each element beside its target on a GPU: one pass over both, and one for each gradient."""

from ..ops import loss
from .cuda import Source, by_row, contiguous, cupy, floats, gpu_kernel

_kernels = Source(r"""
// A slope of smooth_absolute: d / beta, cut off at -1 and 1; a nan stays.
__device__ S cut(S slope) { return slope < -1 ? -1 : slope > 1 ? 1 : slope; }

extern "C" __global__ void smooth_absolute(const T* input, const T* target, double width, T* out, Index n) {
    const S beta = width;
    map(n, out, [=](S x, S y, S) {
        const S size = x < y ? y - x : x - y;
        return size < beta ? size * size / (2 * beta) : size - beta / 2;
    }, input, target);
}
extern "C" __global__ void smooth_absolute_input(const T* grad, const T* input, const T* target, double width, T* out, Index n) {
    const S beta = width;
    map(n, out, [=](S g, S x, S y) { return g * cut((x - y) / beta); }, grad, input, target);
}
extern "C" __global__ void smooth_absolute_target(const T* grad, const T* input, const T* target, double width, T* out, Index n) {
    const S beta = width;
    map(n, out, [=](S g, S x, S y) { return g * cut((y - x) / beta); }, grad, input, target);
}

__device__ S logarithm(S p) { return p < S(-100) ? S(-100) : p; }  // cut off; a nan stays

extern "C" __global__ void bernoulli_cross_entropy(const T* input, const T* target, T* out, Index n) {
    map(n, out, [](S p, S y, S) { return -(y * logarithm(log(p)) + (1 - y) * logarithm(log1p(-p))); }, input, target);
}
extern "C" __global__ void bernoulli_cross_entropy_input(const T* grad, const T* input, const T* target, T* out, Index n) {
    map(n, out, [](S g, S p, S y) {
        const S spread = p * (1 - p);
        return g * (p - y) / (spread < S(1e-12) ? S(1e-12) : spread);
    }, grad, input, target);
}
extern "C" __global__ void bernoulli_cross_entropy_target(const T* grad, const T* input, const T* target, T* out, Index n) {
    map(n, out, [](S g, S p, S) { return g * (log(1 - p) - log(p)); }, grad, input, target);
}
""")


def _loss(op):
    name = op.__name__

    def fused(input, target, *numbers):
        if not (floats(input, target) and contiguous(input, target)) or input.shape != target.shape:
            return NotImplemented
        numbers = [float(each) for each in numbers]

        def launched(name, *arrays):
            out = cupy().empty_like(input)
            _kernels.packs(name, out, *arrays, *numbers)
            return out

        def backward(grad, needs_input, needs_target):
            arrays = by_row(grad), input, target
            return (
                launched(f"{name}_input", *arrays) if needs_input else None,
                launched(f"{name}_target", *arrays) if needs_target else None,
            )

        return launched(name, input, target), backward

    fused.__name__ = f"{name}_of_each"
    return fused


for _op in (loss.smooth_absolute, loss.bernoulli_cross_entropy):
    gpu_kernel(_op)(_loss(_op))

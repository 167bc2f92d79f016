"""Softmax, its logarithm and their losses on a GPU: a block of threads a row, which lies along a dimension of (…, C, *inner)."""

import math

import numpy as np

from ..ops import activation, loss
from .cuda import Source, arithmetic, by_row, cupy, floats, gpu_kernel, threads_for

_rows = Source(r"""
// Where the row of this block begins; its elements are `inner` apart.
__device__ Index start_of_row(Index columns, Index inner) { return blockIdx.x / inner * columns * inner + blockIdx.x % inner; }

__device__ S largest(const T* x, Index columns, Index inner) {
    S top = x[0];
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) top = Max::of(top, x[c * inner]);
    return of_block<Max>(top);
}

__device__ S sum_exp(const T* x, S top, Index columns, Index inner) {
    S sum = 0;
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) sum += exp((S)x[c * inner] - top);
    return of_block<Sum>(sum);
}

extern "C" __global__ void softmax(const T* input, T* out, Index columns, Index inner) {
    const T* x = input + start_of_row(columns, inner);
    T* y = out + start_of_row(columns, inner);
    const S top = largest(x, columns, inner), scale = 1 / sum_exp(x, top, columns, inner);
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) y[c * inner] = exp((S)x[c * inner] - top) * scale;
}

// y (g - sum g y)
extern "C" __global__ void softmax_backward(const T* grad, const T* output, T* out, Index columns, Index inner) {
    const Index start = start_of_row(columns, inner);
    S mean = 0;
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) mean += (S)grad[start + c * inner] * (S)output[start + c * inner];
    mean = of_block<Sum>(mean);
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) {
        const Index i = start + c * inner;
        out[i] = (S)output[i] * ((S)grad[i] - mean);
    }
}

extern "C" __global__ void log_softmax(const T* input, T* out, Index columns, Index inner) {
    const T* x = input + start_of_row(columns, inner);
    T* y = out + start_of_row(columns, inner);
    const S top = largest(x, columns, inner), total = log(sum_exp(x, top, columns, inner));
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) y[c * inner] = (S)x[c * inner] - top - total;
}

// g - exp(y) sum g
extern "C" __global__ void log_softmax_backward(const T* grad, const T* output, T* out, Index columns, Index inner) {
    const Index start = start_of_row(columns, inner);
    S sum = 0;
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) sum += (S)grad[start + c * inner];
    sum = of_block<Sum>(sum);
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) {
        const Index i = start + c * inner;
        out[i] = (S)grad[i] - exp((S)output[i]) * sum;
    }
}

// -log softmax(x) at the class of the row; what the backward pass needs to make softmax(x) again: max, log sum exp(x - max).
extern "C" __global__ void cross_entropy(const T* input, const Index* target, Index ignored, S* tops, S* totals, S* losses,
                                         Index columns, Index inner) {
    const T* x = input + start_of_row(columns, inner);
    const Index row = blockIdx.x, label = target[row];
    const S top = largest(x, columns, inner), total = log(sum_exp(x, top, columns, inner));
    if (threadIdx.x == 0) {
        tops[row] = top;
        totals[row] = total;
        losses[row] = label == ignored ? 0 : -((S)x[label * inner] - top - total);
    }
}

// (softmax(x) - 1 at the class) g; the gradients of the rows are `apart` elements from each other, and scaled.
extern "C" __global__ void cross_entropy_backward(const T* grad, Index apart, const S* scale, const T* input, const Index* target,
                                                  Index ignored, const S* tops, const S* totals, T* out, Index columns, Index inner) {
    const Index start = start_of_row(columns, inner), row = blockIdx.x, label = target[row];
    const S g = (S)grad[row * apart] * *scale;
    for (Index c = threadIdx.x; c < columns; c += blockDim.x) {
        const S share = exp((S)input[start + c * inner] - tops[row] - totals[row]);
        out[start + c * inner] = label == ignored ? 0 : g * (c == label ? share - 1 : share);
    }
}

// -x at the class of each row.
extern "C" __global__ void nll(const T* input, const Index* target, Index ignored, S* losses, Index columns, Index inner, Index rows) {
    for (Index row = first(); row < rows; row += step()) {
        const Index label = target[row];
        losses[row] = label == ignored ? 0 : -(S)input[(row / inner * columns + label) * inner + row % inner];
    }
}

extern "C" __global__ void nll_backward(const T* grad, Index apart, const S* scale, const Index* target, Index ignored, T* out,
                                        Index columns, Index inner) {
    const Index start = start_of_row(columns, inner), row = blockIdx.x, label = target[row];
    for (Index c = threadIdx.x; c < columns; c += blockDim.x)
        out[start + c * inner] = c == label && label != ignored ? -(S)grad[row * apart] * *scale : 0;
}

// The sum of all losses, times `scale`: 1, or for their mean 1 / the number of classes that are not to be ignored.
extern "C" __global__ void reduce(const S* losses, const Index* target, Index ignored, Index mean, T* out, S* scale, Index rows) {
    S sum = 0, count = 0;
    for (Index row = threadIdx.x; row < rows; row += blockDim.x) {
        sum += losses[row];
        count += target[row] != ignored;
    }
    sum = of_block<Sum>(sum);
    count = of_block<Sum>(count);
    if (threadIdx.x == 0) {
        *out = mean ? sum / count : sum;
        *scale = mean ? 1 / count : 1;
    }
}
""")


def _along(name, input, dim):
    """The kernels `name` and its `_backward` along `dim`."""
    if not floats(input) or (input.ndim == 0 and dim not in (0, -1)):
        return NotImplemented
    input, shape = by_row(input), input.shape or (1,)  # a single number is a row of one
    columns, inner, out = shape[dim], math.prod(shape[dim % len(shape) + 1 :]), cupy().empty_like(input)
    rows, threads = input.size // max(1, columns), threads_for(columns)
    _rows.rows(name, rows, input, out, columns, inner, threads=threads)

    def backward(grad, needs_input):
        input_grad = cupy().empty_like(out)
        _rows.rows(f"{name}_backward", rows, by_row(grad), out, input_grad, columns, inner, threads=threads)
        return (input_grad,)

    return out, backward


@gpu_kernel(activation.softmax_op)
def block_a_row_softmax(input, dim):
    return _along("softmax", input, dim)


@gpu_kernel(activation.log_softmax_op)
def block_a_row_log_softmax(input, dim):
    return _along("log_softmax", input, dim)


class _Rows:
    """The rows (N, C, *inner) of a loss with their classes (N, *inner), and how their losses are reduced."""

    def __init__(self, input, target, ignored, reduction):
        self.count, self.columns, self.inner = target.size, input.shape[1], math.prod(input.shape[2:])
        self.threads, self.reduction, self.ignored = threads_for(self.columns), reduction, int(ignored)
        self.shape, self.target = target.shape, by_row(target.astype(np.int64, copy=False))
        self.losses = cupy().empty(self.count, arithmetic(input.dtype))
        self.scale = cupy().ones((), self.losses.dtype)

    def reduced(self, dtype):
        """The losses as they are, their sum or their mean."""
        if self.reduction == "none":
            return self.losses.reshape(self.shape).astype(dtype, copy=False)
        out = cupy().empty((), dtype)
        args = self.losses, self.target, self.ignored, int(self.reduction == "mean"), out, self.scale, self.count
        _rows.rows("reduce", 1, *args, dtype=dtype, threads=threads_for(self.count))
        return out

    def gradients(self, grad) -> tuple:
        """The gradients of the losses as a backward kernel takes them."""
        return by_row(grad), int(self.reduction == "none"), self.scale


def _fits(input, weight, reduction) -> bool:
    return input.ndim > 1 and weight is None and reduction in ("none", "mean", "sum") and floats(input)


@gpu_kernel(loss.softmax_cross_entropy)
def block_a_row_cross_entropy(input, target, weight, ignore_index, reduction):
    """Writes no array of the input's size but its gradient."""
    if not _fits(input, weight, reduction):
        return NotImplemented
    input, rows = by_row(input), _Rows(input, target, ignore_index, reduction)
    tops, totals = cupy().empty((2, rows.count), rows.losses.dtype)
    sizes = rows.columns, rows.inner
    _rows.rows("cross_entropy", rows.count, input, rows.target, rows.ignored, tops, totals, rows.losses, *sizes, threads=rows.threads)

    def backward(grad, needs_input):
        input_grad = cupy().empty_like(input)
        args = *rows.gradients(grad), input, rows.target, rows.ignored, tops, totals, input_grad, *sizes
        _rows.rows("cross_entropy_backward", rows.count, *args, threads=rows.threads)
        return (input_grad,)

    return rows.reduced(input.dtype), backward


@gpu_kernel(loss.negative_log_likelihood)
def picked_nll(input, target, weight, ignore_index, reduction):
    """Reads one element a row, where the formula makes several arrays of them."""
    if not _fits(input, weight, reduction):
        return NotImplemented
    rows, shape, dtype = _Rows(input, target, ignore_index, reduction), input.shape, input.dtype
    _rows.each("nll", rows.count, by_row(input), rows.target, rows.ignored, rows.losses, rows.columns, rows.inner, rows.count)

    def backward(grad, needs_input):
        input_grad = cupy().empty(shape, dtype)
        args = *rows.gradients(grad), rows.target, rows.ignored, input_grad, rows.columns, rows.inner
        _rows.rows("nll_backward", rows.count, *args, threads=rows.threads)
        return (input_grad,)

    return rows.reduced(dtype), backward

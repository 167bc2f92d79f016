"""Normalisation on a GPU: one pass over memory for the statistics, one for the result, and as many for the gradients.

Batch norm takes its statistics over a channel of (N, C, *inner); layer, RMS and group norm over a row, a sample's elements or those of one
of its groups of channels.  Sums over channels are made in two steps, parts by many blocks and then their sums, always in the same order.
"""

import math

from ..ops import norm
from .cuda import Source, arithmetic, as_it_lies, by_row, cupy, floats, gpu_kernel, images, laid, threads_for

_PART = 2048  # elements of a channel to one block, as long as there are not too many blocks
_MOST_PARTS = 256

_kernels = Source(r"""
// Of two numbers of each element (n, c, i) of (N, C, inner), the sums over n and i: parts of them, (2, C, parts).
// Where `inner` is 1 neighbouring threads take neighbouring channels, for these touch in memory; else neighbours of one channel.
template <class Pair> __device__ void sum_channels(Pair pair, S* sums, Index batch, Index channels, Index inner) {
    const Index parts = gridDim.y, part = blockIdx.y;
    S a = 0, b = 0;
    if (inner == 1) {
        __shared__ S columns[2][8][32];
        const Index x = threadIdx.x % 32, y = threadIdx.x / 32, c = blockIdx.x * 32 + x;
        for (Index n = part * 8 + y; c < channels && n < batch; n += parts * 8) pair(n, c, n * channels + c, a, b);
        columns[0][y][x] = a;
        columns[1][y][x] = b;
        __syncthreads();
        if (y < 2 && c < channels) {
            S sum = 0;
            for (int i = 0; i < 8; i++) sum += columns[y][i][x];
            sums[(y * channels + c) * parts + part] = sum;
        }
        return;
    }
    const Index c = blockIdx.x, count = batch * inner;
    for (Index j = part * blockDim.x + threadIdx.x; j < count; j += parts * blockDim.x) {
        const unsigned n = (unsigned)j / (unsigned)inner, i = (unsigned)j - n * (unsigned)inner;
        pair(n, c, (n * channels + c) * inner + i, a, b);
    }
    a = of_block<Sum>(a);
    b = of_block<Sum>(b);
    if (threadIdx.x == 0) {
        sums[c * parts + part] = a;
        sums[(channels + c) * parts + part] = b;
    }
}

__device__ S sum_of(const S* parts, Index count) {
    S sum = 0;
    for (Index i = 0; i < count; i++) sum += parts[i];
    return sum;
}

// Squares of differences from any number near the mean lose no digits, as squares of the elements would: from the channel's first.
struct Deviation {
    const T* input; Index inner;
    __device__ void operator()(Index n, Index c, Index i, S& a, S& b) const {
        const S x = (S)input[i] - (S)input[c * inner];
        a += x;
        b += x * x;
    }
};
extern "C" __global__ void deviations(const T* input, S* sums, Index batch, Index channels, Index inner) {
    sum_channels(Deviation{input, inner}, sums, batch, channels, inner);
}

// The mean and the variance of every channel, and 1 / sqrt(variance + eps).
extern "C" __global__ void statistics(const T* input, const S* sums, Index parts, double eps, S* center, S* var, S* scale,
                                      Index batch, Index channels, Index inner) {
    for (Index c = first(); c < channels; c += step()) {
        const S count = batch * inner, a = sum_of(sums + c * parts, parts) / count;
        const S spread = sum_of(sums + (channels + c) * parts, parts) / count - a * a;
        center[c] = (S)input[c * inner] + a;
        var[c] = spread;
        scale[c] = 1 / sqrt(spread + (S)eps);
    }
}

extern "C" __global__ void root(const S* var, double eps, S* scale, Index channels) {
    for (Index c = first(); c < channels; c += step()) scale[c] = 1 / sqrt(var[c] + (S)eps);
}

extern "C" __global__ void normalise(const T* input, const S* center, const S* scale, const S* weight, const S* bias, T* out,
                                     Index channels, Index inner, Index n) {
    for (Index i = first(); i < n; i += step()) {
        const unsigned c = (unsigned)i / (unsigned)inner % (unsigned)channels;
        const S y = ((S)input[i] - center[c]) * scale[c];
        out[i] = y * (weight ? weight[c] : 1) + (bias ? bias[c] : 0);
    }
}

// g and g y of every element, y = (x - center) scale: the gradients of bias and weight are their sums.  With statistics of channels
// `groups` is 0; else sample n has so many groups of channels, each with its own.
struct Slope {
    const T *grad, *input; const S *center, *scale; Index channels, groups;
    __device__ void operator()(Index n, Index c, Index i, S& a, S& b) const {
        const Index k = groups ? n * groups + c / (channels / groups) : c;
        const S g = grad[i];
        a += g;
        b += g * ((S)input[i] - center[k]) * scale[k];
    }
};
extern "C" __global__ void slopes(const T* grad, const T* input, const S* center, const S* scale, Index groups, S* sums,
                                  Index batch, Index channels, Index inner) {
    sum_channels(Slope{grad, input, center, scale, channels, groups}, sums, batch, channels, inner);
}

extern "C" __global__ void affine_gradients(const S* sums, Index parts, S* bias_grad, S* weight_grad, Index channels) {
    for (Index c = first(); c < channels; c += step()) {
        bias_grad[c] = sum_of(sums + c * parts, parts);
        weight_grad[c] = sum_of(sums + (channels + c) * parts, parts);
    }
}

// w scale (g - mean g - y mean(g y)): all elements of a channel have a part in its statistics.  Without `count` they are given: w scale g.
extern "C" __global__ void input_gradient(const T* grad, const T* input, const S* center, const S* scale, const S* weight,
                                          const S* bias_grad, const S* weight_grad, Index count, T* out,
                                          Index channels, Index inner, Index n) {
    for (Index i = first(); i < n; i += step()) {
        const unsigned c = (unsigned)i / (unsigned)inner % (unsigned)channels;
        const S y = ((S)input[i] - center[c]) * scale[c], w = weight ? weight[c] : 1;
        const S through = count ? (bias_grad[c] + y * weight_grad[c]) / count : 0;
        out[i] = w * scale[c] * ((S)grad[i] - through);
    }
}

// The channel of element j of this block's row, of which a sample has `groups`; a channel has `inner` elements.
__device__ Index channel_of(Index j, Index columns, Index groups, Index inner) {
    return blockIdx.x % groups * (columns / inner) + (inner == 1 ? j : (Index)((unsigned)j / (unsigned)inner));
}

// (x - mean) / sqrt(var + eps) w + b of each row; with `about_zero` x / sqrt(mean x^2 + eps) w.
extern "C" __global__ void normalise_row(const T* input, const S* weight, const S* bias, double eps, Index about_zero, T* out,
                                         S* center, S* scale, Index columns, Index groups, Index inner) {
    const T* x = input + blockIdx.x * columns;
    S mean = 0, spread = 0;
    if (!about_zero) {
        for (Index j = threadIdx.x; j < columns; j += blockDim.x) mean += x[j];
        mean = of_block<Sum>(mean) / columns;
    }
    for (Index j = threadIdx.x; j < columns; j += blockDim.x) spread += ((S)x[j] - mean) * ((S)x[j] - mean);
    const S factor = 1 / sqrt(of_block<Sum>(spread) / columns + (S)eps);
    for (Index j = threadIdx.x; j < columns; j += blockDim.x) {
        const Index c = channel_of(j, columns, groups, inner);
        out[blockIdx.x * columns + j] = ((S)x[j] - mean) * factor * (weight ? weight[c] : 1) + (bias ? bias[c] : 0);
    }
    if (threadIdx.x == 0) {
        center[blockIdx.x] = mean;
        scale[blockIdx.x] = factor;
    }
}

// scale (g w - mean(g w) - y mean(g w y)) of each row; with `about_zero` without the first mean.
extern "C" __global__ void row_gradient(const T* grad, const T* input, const S* weight, const S* center, const S* scale, Index about_zero,
                                        T* out, Index columns, Index groups, Index inner) {
    const Index start = blockIdx.x * columns;
    const S mean = center[blockIdx.x], factor = scale[blockIdx.x];
    S a = 0, b = 0;
    for (Index j = threadIdx.x; j < columns; j += blockDim.x) {
        const S g = (S)grad[start + j] * (weight ? weight[channel_of(j, columns, groups, inner)] : 1);
        a += g;
        b += g * ((S)input[start + j] - mean) * factor;
    }
    a = about_zero ? 0 : of_block<Sum>(a) / columns;
    b = of_block<Sum>(b) / columns;
    for (Index j = threadIdx.x; j < columns; j += blockDim.x) {
        const S g = (S)grad[start + j] * (weight ? weight[channel_of(j, columns, groups, inner)] : 1);
        out[start + j] = factor * (g - a - ((S)input[start + j] - mean) * factor * b);
    }
}
""")


def _sum_channels(name, sizes, *args):
    """`name`, a kernel that sums over channels, with the arrays and numbers `args`: the parts of its sums (2, C, parts)."""
    batch, channels, inner = sizes
    parts = min(_MOST_PARTS, -(-batch // 64) if inner == 1 else -(-batch * inner // _PART))
    sums = cupy().empty((2, channels, parts), arithmetic(args[0].dtype))
    blocks = -(-channels // 32) if inner == 1 else channels, parts
    _kernels.grid(name, blocks, *args, sums, *sizes)
    return sums


def _sizes(input) -> tuple:
    """(N, C, inner)."""
    return len(input), input.shape[1], math.prod(input.shape[2:])


def _fits(input, *vectors) -> bool:
    """Vectors are of the input's type, or beside one of 16 bits of float32."""
    right = [each is None or each.dtype in (input.dtype, arithmetic(input.dtype)) for each in vectors]
    return bool(input.size) and floats(input) and all(right) and input.size < 1 << 31


def _single(vector, input):
    """`vector` in the type S, in which kernels take all but the elements."""
    return None if vector is None else by_row(vector.astype(arithmetic(input.dtype), copy=False))


def _affine_gradients(grad, input, center, scale, groups, sizes):
    """The gradients of bias and weight: the sums over channels of g and of g y."""
    sums = _sum_channels("slopes", sizes, grad, input, center, scale, groups)
    bias_grad, weight_grad = cupy().empty(sizes[1], sums.dtype), cupy().empty(sizes[1], sums.dtype)
    _kernels.each("affine_gradients", sizes[1], sums, sums.shape[2], bias_grad, weight_grad, sizes[1], dtype=input.dtype)
    return bias_grad, weight_grad


def _pixels(array, last: bool):
    """Images with their channels last as rows of channels (N H W, C), others as they are."""
    array = laid(array, last)
    return array.reshape(-1, array.shape[-1]) if last else array


def _batch_norm(input, weight, bias, center, scale, count):
    """The result with these statistics; and its backward, for statistics of `count` elements, or given ones for 0."""
    shape, last = input.shape, as_it_lies(input)[1]
    x, weight, bias = _pixels(input, last), _single(weight, input), _single(bias, input)
    sizes, out = _sizes(x), cupy().empty_like(x)
    _kernels.each("normalise", x.size, x, center, scale, weight, bias, out, *sizes[1:], x.size)

    def shaped(array):
        return images(array.reshape(shape[0], *shape[2:], shape[1]), True) if last else array

    def gradients(grad, needs_input, needs_weight, needs_bias):
        grad, input_grad, bias_grad, weight_grad = _pixels(grad, last), cupy().empty_like(x), None, None
        if count or needs_weight or needs_bias:
            bias_grad, weight_grad = _affine_gradients(grad, x, center, scale, 0, sizes)
        args = grad, x, center, scale, weight, bias_grad, weight_grad, count, input_grad, *sizes[1:], x.size
        _kernels.each("input_gradient", x.size, *args)
        return shaped(input_grad), weight_grad, bias_grad

    return shaped(out), gradients


@gpu_kernel(norm.batch_norm_train)
def two_pass_batch_norm(input, weight, bias, eps):
    if input.ndim < 2 or not _fits(input, weight, bias):
        return NotImplemented
    x = _pixels(input, as_it_lies(input)[1])
    sizes, (center, var, scale) = _sizes(x), cupy().empty((3, input.shape[1]), arithmetic(input.dtype))
    sums = _sum_channels("deviations", sizes, x)
    _kernels.each("statistics", sizes[1], x, sums, sums.shape[2], float(eps), center, var, scale, *sizes)
    count = sizes[0] * sizes[2]
    out, gradients = _batch_norm(input, weight, bias, center, scale, count)

    def backward(grads, *needs):
        grad, mean_grad, var_grad = grads
        input_grad, *others = gradients(cupy().zeros_like(input) if grad is None else grad, *needs)
        across = (-1, *(1,) * (input.ndim - 2))
        if mean_grad is not None:
            input_grad += mean_grad.reshape(across) / count
        if var_grad is not None:  # d var / dx = 2 (x - mean) / n
            input_grad += 2 * var_grad.reshape(across) * (input - center.reshape(across)) / count
        return input_grad, *others

    kind = input.dtype if weight is None else weight.dtype
    return (out, center.astype(kind), var.astype(kind)), backward


@gpu_kernel(norm.batch_norm_eval)
def one_pass_batch_norm(input, mean, var, weight, bias, eps):
    if input.ndim < 2 or not _fits(input, mean, var, weight, bias):
        return NotImplemented
    center, scale = _single(mean, input), cupy().empty(mean.shape, arithmetic(input.dtype))
    _kernels.each("root", len(mean), _single(var, input), float(eps), scale, len(mean), dtype=input.dtype)
    out, gradients = _batch_norm(input, weight, bias, center, scale, 0)
    return out, gradients


def _by_rows(input, weight, bias, eps, about_zero, columns, groups, inner):
    """The result for rows of `columns` elements, of which a sample has `groups`, with channels of `inner` elements; and its backward."""
    input, rows, threads = by_row(input), input.size // columns, threads_for(columns)
    out, weight, bias = cupy().empty_like(input), _single(weight, input), _single(bias, input)
    center, scale = cupy().empty((2, rows), arithmetic(input.dtype))
    sizes = columns, groups, inner
    _kernels.rows("normalise_row", rows, input, weight, bias, float(eps), about_zero, out, center, scale, *sizes, threads=threads)

    def gradients(grad, affine):
        grad, input_grad = by_row(grad), cupy().empty_like(input)
        _kernels.rows("row_gradient", rows, grad, input, weight, center, scale, about_zero, input_grad, *sizes, threads=threads)
        if not affine:
            return input_grad, None, None
        channels = columns // inner * groups
        bias_grad, weight_grad = _affine_gradients(grad, input, center, scale, groups, (rows // groups, channels, inner))
        return input_grad, weight_grad, bias_grad

    return out, gradients


@gpu_kernel(norm.layer_norm)
def block_a_row_layer_norm(input, dims, weight, bias, eps):
    columns = math.prod(input.shape[input.ndim - dims :])
    if not _fits(input, weight, bias):
        return NotImplemented
    out, gradients = _by_rows(input, weight, bias, eps, 0, columns, 1, 1)

    def backward(grad, needs_input, needs_weight, needs_bias):
        input_grad, weight_grad, bias_grad = gradients(grad, needs_weight or needs_bias)
        return input_grad, _shaped(weight_grad, weight), _shaped(bias_grad, bias)

    return out, backward


@gpu_kernel(norm.rms_norm)
def block_a_row_rms_norm(input, dims, weight, eps):
    columns = math.prod(input.shape[input.ndim - dims :])
    if not _fits(input, weight):
        return NotImplemented
    out, gradients = _by_rows(input, weight, None, eps, 1, columns, 1, 1)

    def backward(grad, needs_input, needs_weight):
        input_grad, weight_grad, _ = gradients(grad, needs_weight)
        return input_grad, _shaped(weight_grad, weight)

    return out, backward


@gpu_kernel(norm.group_norm)
def block_a_group_norm(input, groups, weight, bias, eps):
    if input.ndim < 2 or not _fits(input, weight, bias):
        return NotImplemented
    batch, channels, inner = _sizes(input)
    out, gradients = _by_rows(input, weight, bias, eps, 0, channels // groups * inner, groups, inner)
    return out, lambda grad, needs_input, needs_weight, needs_bias: gradients(grad, needs_weight or needs_bias)


def _shaped(gradient, like):
    return None if gradient is None or like is None else gradient.reshape(like.shape)

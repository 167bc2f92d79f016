"""Layer, RMS and group norm on a GPU: a block of threads takes a row, a sample's elements or those of one of its groups of channels.

Gradients of weights are sums over channels, made in two steps, parts by many blocks and then their sums, always in the same order.
"""

import math

from ..ops import norm
from .cuda import Source, arithmetic, by_row, cupy, floats, gpu_kernel, threads_for

_PART = 2048  # elements of a channel to one block, as long as there are not too many blocks
_MOST_PARTS = 256
TOGETHER = 128  # threads that add up the parts of a channel

SUMS = r"""
// Of two numbers of each element (n, c, i) of (N, C, inner), the sums over n and i: parts of them, (2, C, parts).
template <class Pair> __device__ void sum_planes(Pair pair, S* sums, Index batch, Index channels, Index inner) {
    const Index parts = gridDim.y, part = blockIdx.y, c = blockIdx.x, count = batch * inner;
    S a = 0, b = 0;
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

extern "C" __global__ void affine_gradients(const S* sums, Index parts, S* bias_grad, S* weight_grad, Index channels) {
    const Index c = blockIdx.x;
    const S a = sum_of(sums + c * parts, parts), b = sum_of(sums + (channels + c) * parts, parts);
    if (threadIdx.x == 0) {
        bias_grad[c] = a;
        weight_grad[c] = b;
    }
}
"""

_kernels = Source(
    SUMS
    + r"""
// As sum_planes, where `inner` is 1: neighbouring threads take neighbouring channels, for these touch in memory.
template <class Pair> __device__ void sum_columns(Pair pair, S* sums, Index batch, Index channels) {
    __shared__ S columns[2][8][32];
    const Index parts = gridDim.y, part = blockIdx.y, x = threadIdx.x % 32, y = threadIdx.x / 32, c = blockIdx.x * 32 + x;
    S a = 0, b = 0;
    for (Index n = part * 8 + y; c < channels && n < batch; n += parts * 8) pair(n, c, n * channels + c, a, b);
    columns[0][y][x] = a;
    columns[1][y][x] = b;
    __syncthreads();
    if (y < 2 && c < channels) {
        S sum = 0;
        for (int i = 0; i < 8; i++) sum += columns[y][i][x];
        sums[(y * channels + c) * parts + part] = sum;
    }
}

// g and g y of every element, y = (x - center) scale, where sample n has so many groups of channels, each with its own center and scale:
// the gradients of bias and weight are their sums.
struct Slope {
    const T *grad, *input; const S *center, *scale; Index channels, groups;
    __device__ void operator()(Index n, Index c, Index i, S& a, S& b) const {
        const Index k = n * groups + c / (channels / groups);
        const S g = grad[i];
        a += g;
        b += g * ((S)input[i] - center[k]) * scale[k];
    }
};
extern "C" __global__ void slopes(const T* grad, const T* input, const S* center, const S* scale, Index groups, S* sums,
                                  Index batch, Index channels, Index inner) {
    const Slope slope{grad, input, center, scale, channels, groups};
    if (inner == 1) sum_columns(slope, sums, batch, channels);
    else sum_planes(slope, sums, batch, channels, inner);
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
"""
)


def parts_of(count: int) -> int:
    """In how many parts the sum over `count` elements of a channel is made."""
    return min(_MOST_PARTS, -(-count // _PART))


def affine_gradients(kernels: Source, sums, dtype) -> tuple:
    """The gradients of bias and weight from parts (2, C, parts) of the sums of g and g y."""
    _, channels, parts = sums.shape
    bias_grad, weight_grad = [cupy().empty(channels, sums.dtype) for _ in range(2)]  # not views of one array, which would be copied
    kernels.rows("affine_gradients", channels, sums, parts, bias_grad, weight_grad, channels, dtype=dtype, threads=TOGETHER)
    return bias_grad, weight_grad


def fits(input, *vectors) -> bool:
    """Vectors are of the input's type, or beside one of 16 bits of float32."""
    right = [each is None or each.dtype in (input.dtype, arithmetic(input.dtype)) for each in vectors]
    return bool(input.size) and floats(input) and all(right) and input.size < 1 << 31


def single(vector, input):
    """`vector` in the type S, in which kernels take all but the elements."""
    return None if vector is None else by_row(vector.astype(arithmetic(input.dtype), copy=False))


def _by_rows(input, weight, bias, eps, about_zero, columns, groups, inner):
    """The result for rows of `columns` elements, of which a sample has `groups`, with channels of `inner` elements; and its backward."""
    input, rows, threads = by_row(input), input.size // columns, threads_for(columns)
    out, weight, bias = cupy().empty_like(input), single(weight, input), single(bias, input)
    center, scale = cupy().empty((2, rows), arithmetic(input.dtype))
    sizes = columns, groups, inner
    _kernels.rows("normalise_row", rows, input, weight, bias, float(eps), about_zero, out, center, scale, *sizes, threads=threads)

    def gradients(grad, affine):
        grad, input_grad = by_row(grad), cupy().empty_like(input)
        _kernels.rows("row_gradient", rows, grad, input, weight, center, scale, about_zero, input_grad, *sizes, threads=threads)
        if not affine:
            return input_grad, None, None
        batch, channels = rows // groups, columns // inner * groups
        parts = parts_of(32 * batch) if inner == 1 else parts_of(batch * inner)
        sums = cupy().empty((2, channels, parts), arithmetic(input.dtype))
        blocks = -(-channels // 32) if inner == 1 else channels, parts
        _kernels.grid("slopes", blocks, grad, input, center, scale, groups, sums, batch, channels, inner)
        bias_grad, weight_grad = affine_gradients(_kernels, sums, input.dtype)
        return input_grad, weight_grad, bias_grad

    return out, gradients


@gpu_kernel(norm.layer_norm)
def block_a_row_layer_norm(input, dims, weight, bias, eps):
    columns = math.prod(input.shape[input.ndim - dims :])
    if not fits(input, weight, bias):
        return NotImplemented
    out, gradients = _by_rows(input, weight, bias, eps, 0, columns, 1, 1)

    def backward(grad, needs_input, needs_weight, needs_bias):
        input_grad, weight_grad, bias_grad = gradients(grad, needs_weight or needs_bias)
        return input_grad, _shaped(weight_grad, weight), _shaped(bias_grad, bias)

    return out, backward


@gpu_kernel(norm.rms_norm)
def block_a_row_rms_norm(input, dims, weight, eps):
    columns = math.prod(input.shape[input.ndim - dims :])
    if not fits(input, weight):
        return NotImplemented
    out, gradients = _by_rows(input, weight, None, eps, 1, columns, 1, 1)

    def backward(grad, needs_input, needs_weight):
        input_grad, weight_grad, _ = gradients(grad, needs_weight)
        return input_grad, _shaped(weight_grad, weight)

    return out, backward


@gpu_kernel(norm.group_norm)
def block_a_group_norm(input, groups, weight, bias, eps):
    if input.ndim < 2 or not fits(input, weight, bias):
        return NotImplemented
    channels, inner = input.shape[1], math.prod(input.shape[2:])
    out, gradients = _by_rows(input, weight, bias, eps, 0, channels // groups * inner, groups, inner)
    return out, lambda grad, needs_input, needs_weight, needs_bias: gradients(grad, needs_weight or needs_bias)


def _shaped(gradient, like):
    return None if gradient is None or like is None else gradient.reshape(like.shape)

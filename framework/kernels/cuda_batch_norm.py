"""Batch and instance norm on a GPU, and the ReLU or sum that follows: a pass over memory for the statistics, one for the result, two back.

As on a CPU (cpu_norm.py) the second pass is put off until it is known what its result is for, and back through a ReLU nothing else is read.
Images lie (N, C, inner); or (R, C), with their channels last, of which a thread takes as many neighbours as it can read at once.  Instance
norm is batch norm of a single image (1, N C, inner).
"""

import math
from contextlib import nullcontext

from ..device import beside, gpus
from ..ops import activation, elementwise, norm
from . import kernel
from .cuda import Source, arithmetic, as_it_lies, cupy, gpu_kernel, images, laid
from .cuda_elementwise import by_op
from .cuda_norm import SUMS, affine_gradients, fits, parts_of, single
from .later import Later

_THREADS, _MOST_BLOCKS = 256, 1024  # of a block, and for one array with its channels last: each thread then has several rows to take
_ROWS = 8  # that a thread takes at least, if there are so many
_LARGE_PLANE = 1024  # elements: for smaller ones a block of threads each is quicker, all in one pass

_kernels = Source(
    SUMS
    + r"""
// What a channel is normalised with: y = (x - center) scale, and then y weight + bias.
struct Channel {
    S center, scale, weight, bias;
    __device__ Channel() {}
    __device__ Channel(const S* centers, const S* scales, const S* weights, const S* biases, Index c)
        : center(centers[c]), scale(scales[c]), weight(weights ? weights[c] : 1), bias(biases ? biases[c] : 0) {}
    __device__ S of(S x) const { return (x - center) * scale; }
    __device__ S whole(S x) const { return of(x) * weight + bias; }
};

// `value` where `sign` is positive, else `value` times `slope`: a (leaky) ReLU and its gradient; nothing for a slope of 1.
__device__ S bent(S value, S sign, S slope) { return sign <= 0 ? slope == 0 ? 0 : value * slope : value; }

// The part of a thread in (R, C): channels c, c + 1, … (`count` of them, at most W), and every `by`-th row from `row` on.  Its W numbers
// stay in registers as long as all loops over them are unrolled: so these go to W, and where there are fewer numbers they are 0.
struct Part {
    Index c, row, by;
    int count;
    bool whole;
    __device__ Part(Index channels, Index across, const void* a, const void* b = nullptr, const void* d = nullptr) {
        const Index down = blockDim.x / across;
        c = (blockIdx.x * across + threadIdx.x % across) * W;
        row = blockIdx.y * down + threadIdx.x / across;
        by = gridDim.y * down;
        count = c < channels ? min((Index)W, channels - c) : 0;
        whole = channels % W == 0 && aligned(a) && aligned(b) && aligned(d);
    }
    __device__ void read(const T* from, S* to) const {
        if (whole) {
            const Pack pack = *(const Pack*)from;
            for (int k = 0; k < W; k++) to[k] = pack.each[k];
        } else
            for (int k = 0; k < W; k++) to[k] = k < count ? (S)from[k] : 0;
    }
    __device__ void write(T* to, const S* from) const {
        if (whole) {
            Pack pack;
            for (int k = 0; k < W; k++) pack.each[k] = from[k];
            *(Pack*)to = pack;
        } else
            for (int k = 0; k < W; k++)
                if (k < count) to[k] = from[k];
    }
    __device__ void channels(Channel* to, const S* center, const S* scale, const S* weight, const S* bias) const {
        for (int k = 0; k < W; k++) to[k] = Channel(center, scale, weight, bias, k < count ? c + k : 0);
    }
};

// From the sums of all threads those of the block: its part of the sums over rows, (2, C, parts).
__device__ void write_sums(const S* a, const S* b, S* sums, Index channels, Index across) {
    __shared__ S all[2][256 * W];
    for (int k = 0; k < W; k++) {
        all[0][threadIdx.x * W + k] = a[k];
        all[1][threadIdx.x * W + k] = b[k];
    }
    __syncthreads();
    const int width = across * W;
    for (int j = threadIdx.x; j < 2 * width; j += blockDim.x) {
        const Index c = blockIdx.x * width + j % width;
        S sum = 0;
        for (int i = j % width; i < blockDim.x * W; i += width) sum += all[j / width][i];
        if (c < channels) sums[(j / width * channels + c) * gridDim.y + blockIdx.y] = sum;
    }
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
    sum_planes(Deviation{input, inner}, sums, batch, channels, inner);
}
extern "C" __global__ void deviations_last(const T* __restrict__ input, S* sums, Index rows, Index channels, Index across) {
    const Part part(channels, across, input);
    S x[W], origin[W], a[W] = {}, b[W] = {};
    if (part.count) part.read(input + part.c, origin);
    for (Index r = part.row; part.count && r < rows; r += part.by) {
        part.read(input + r * channels + part.c, x);
        for (int k = 0; k < W; k++) {
            a[k] += x[k] - origin[k];
            b[k] += (x[k] - origin[k]) * (x[k] - origin[k]);
        }
    }
    write_sums(a, b, sums, channels, across);
}

// The mean and the variance of a channel of `count` elements, and 1 / sqrt(variance + eps).
extern "C" __global__ void statistics(const T* input, const S* sums, Index parts, double eps, S* center, S* var, S* scale,
                                      Index count, Index channels, Index inner) {
    const Index c = blockIdx.x;
    const S a = sum_of(sums + c * parts, parts) / count, spread = sum_of(sums + (channels + c) * parts, parts) / count - a * a;
    if (threadIdx.x == 0) {
        center[c] = (S)input[c * inner] + a;
        var[c] = spread;
        scale[c] = 1 / sqrt(spread + (S)eps);
    }
}

extern "C" __global__ void root(const S* var, double eps, S* scale, Index channels) {
    for (Index c = first(); c < channels; c += step()) scale[c] = 1 / sqrt(var[c] + (S)eps);
}

// The result, its (leaky) ReLU, or its sum with something.
extern "C" __global__ void normalise(const T* input, const S* center, const S* scale, const S* weight, const S* bias, double slope,
                                     const T* other, T* out, Index channels, Index inner, Index n) {
    for (Index i = first(); i < n; i += step()) {
        const S y = Channel(center, scale, weight, bias, (unsigned)i / (unsigned)inner % (unsigned)channels).whole(input[i]);
        out[i] = bent(y, y, slope) + (other ? (S)other[i] : 0);
    }
}
extern "C" __global__ void normalise_last(const T* __restrict__ input, const S* center, const S* scale, const S* weight, const S* bias,
                                          double slope, const T* __restrict__ other, T* __restrict__ out,
                                          Index rows, Index channels, Index across) {
    const Part part(channels, across, input, other, out);
    Channel of[W];
    S x[W], more[W] = {};
    part.channels(of, center, scale, weight, bias);
    for (Index r = part.row; part.count && r < rows; r += part.by) {
        const Index i = r * channels + part.c;
        part.read(input + i, x);
        if (other) part.read(other + i, more);
        for (int k = 0; k < W; k++) {
            const S y = of[k].whole(x[k]);
            x[k] = bent(y, y, slope) + more[k];
        }
        part.write(out + i, x);
    }
}

// g and g y of every element, where g is the gradient of the result from that of its ReLU: the gradients of bias and weight are their sums.
struct Slope {
    const T *grad, *input; const S *center, *scale, *weight, *bias; S slope;
    __device__ void operator()(Index n, Index c, Index i, S& a, S& b) const {
        const Channel of(center, scale, weight, bias, c);
        const S x = input[i], g = bent(grad[i], of.whole(x), slope);
        a += g;
        b += g * of.of(x);
    }
};
extern "C" __global__ void slopes(const T* grad, const T* input, const S* center, const S* scale, const S* weight, const S* bias,
                                  double slope, S* sums, Index batch, Index channels, Index inner) {
    sum_planes(Slope{grad, input, center, scale, weight, bias, (S)slope}, sums, batch, channels, inner);
}
extern "C" __global__ void slopes_last(const T* __restrict__ grad, const T* __restrict__ input, const S* center, const S* scale,
                                       const S* weight, const S* bias, double slope, S* sums, Index rows, Index channels, Index across) {
    const Part part(channels, across, grad, input);
    Channel of[W];
    S g[W], x[W], a[W] = {}, b[W] = {};
    part.channels(of, center, scale, weight, bias);
    for (Index r = part.row; part.count && r < rows; r += part.by) {
        const Index i = r * channels + part.c;
        part.read(grad + i, g);
        part.read(input + i, x);
        for (int k = 0; k < W; k++) {
            const S sent = bent(g[k], of[k].whole(x[k]), slope);
            a[k] += sent;
            b[k] += sent * of[k].of(x[k]);
        }
    }
    write_sums(a, b, sums, channels, across);
}

// weight scale (g - mean g - y mean(g y)), g as above: all elements of a channel have a part in its statistics.  Without `count` these are
// given: weight scale g.
extern "C" __global__ void input_gradient(const T* grad, const T* input, const S* center, const S* scale, const S* weight, const S* bias,
                                          double slope, const S* sum, const S* weighted, Index count, T* out,
                                          Index channels, Index inner, Index n) {
    for (Index i = first(); i < n; i += step()) {
        const unsigned c = (unsigned)i / (unsigned)inner % (unsigned)channels;
        const Channel of(center, scale, weight, bias, c);
        const S x = input[i], through = count ? (sum[c] + of.of(x) * weighted[c]) / count : 0;
        out[i] = of.weight * of.scale * (bent(grad[i], of.whole(x), slope) - through);
    }
}
extern "C" __global__ void input_gradient_last(const T* __restrict__ grad, const T* __restrict__ input, const S* center, const S* scale,
                                               const S* weight, const S* bias, double slope, const S* sum, const S* weighted, Index count,
                                               T* __restrict__ out, Index rows, Index channels, Index across) {
    const Part part(channels, across, grad, input, out);
    Channel of[W];
    S g[W], x[W], mean[W] = {}, mean_weighted[W] = {};
    part.channels(of, center, scale, weight, bias);
    for (int k = 0; k < W; k++) {
        const Index c = k < part.count ? part.c + k : 0;
        mean[k] = count ? sum[c] / count : 0;
        mean_weighted[k] = count ? weighted[c] / count : 0;
    }
    for (Index r = part.row; part.count && r < rows; r += part.by) {
        const Index i = r * channels + part.c;
        part.read(grad + i, g);
        part.read(input + i, x);
        for (int k = 0; k < W; k++) {
            const S through = mean[k] + of[k].of(x[k]) * mean_weighted[k];
            x[k] = of[k].weight * of[k].scale * (bent(g[k], of[k].whole(x[k]), slope) - through);
        }
        part.write(out + i, x);
    }
}
"""
)


class Pixels:
    """How a batch of images lies, (N, C, inner), or (R, C) with its channels last; and the kernels for either."""

    def __init__(self, input, each_plane=False):
        self.shape, (n, c, *inner) = input.shape, input.shape
        self.last = not each_plane and as_it_lies(input)[1]
        self.lies = (-1, c) if self.last or math.prod(inner) == 1 else (1, n * c, -1) if each_plane else (n, c, -1)
        self.x = self.of(input)
        self.channels = self.x.shape[1]
        self.count = input.size // self.channels

    def of(self, array):
        """An array of this shape as it is to lie."""
        return laid(array, self.last).reshape(self.lies)

    def shaped(self, array):
        """The opposite."""
        n, c, *inner = self.shape
        return images(array.reshape(n, *inner, c), True) if self.last else array.reshape(self.shape)

    def statistics(self, eps) -> tuple:
        """Of every channel the mean, the variance, and 1 / sqrt(variance + eps)."""
        x, found, sums = self.x, cupy().empty((3, self.channels), arithmetic(self.x.dtype)), self.sums("deviations", self.x)
        inner = x.shape[2] if x.ndim == 3 else 1
        args = x, sums, sums.shape[2], float(eps), *found, self.count, self.channels, inner
        _kernels.rows("statistics", self.channels, *args, threads=128)
        return tuple(found)

    def map(self, name, *args) -> None:
        """Launch a kernel over all elements."""
        if self.x.ndim == 3:
            _kernels.each(name, self.x.size, *args, *self.x.shape[1:], self.x.size)
        else:
            across, blocks, rows = self._blocks()
            _kernels.grid(f"{name}_last", (blocks, min(rows, _MOST_BLOCKS)), *args, *self.x.shape, across)

    def sums(self, name, *args):
        """What a kernel sums up over channels, in parts (2, C, parts)."""
        if self.x.ndim == 3:
            parts = parts_of(self.count)
            blocks, sizes = self.channels, self.x.shape
        else:
            across, blocks, rows = self._blocks()
            parts, sizes = min(-(-rows // _ROWS), _MOST_BLOCKS), (*self.x.shape, across)
        found = cupy().empty((2, self.channels, parts), arithmetic(self.x.dtype))
        _kernels.grid(name if self.x.ndim == 3 else f"{name}_last", (blocks, parts), *args, found, *sizes)
        return found

    def _blocks(self) -> tuple:
        """With channels last: how many threads of a block lie side by side, how many blocks do, and below each other at most."""
        groups = -(-self.channels * self.x.itemsize // 16)
        across = min(_THREADS, 1 << (groups - 1).bit_length())
        return across, -(-groups // across), -(-len(self.x) * across // _THREADS)


class Normalised(Later):
    """y = (x - center) scale weight + bias, put off; weight and bias may be None."""

    def __init__(self, pixels: Pixels, *numbers):
        super().__init__(pixels.shape, pixels.x.dtype)
        self.pixels, self.numbers = pixels, numbers

    def bent(self, slope: float, other=None):
        """y, what is negative in it multiplied by `slope`; or y + other."""
        x = self.pixels.x
        with self.on_its_gpu():
            out, other = cupy().empty_like(x), None if other is None else self.pixels.of(other)
            self.pixels.map("normalise", x, *self.numbers, slope, other, out)
            return self.pixels.shaped(out)

    def array(self):
        return self.bent(1.0)

    def on_its_gpu(self):
        """In this block the GPU in use is the one that holds it: whoever uses a Later does not see to that."""
        return beside([self.pixels.x]) if gpus.several else nullcontext()

    def gradients(self, grad, count, needs_input, needs_weight, needs_bias):
        """Those of input, weight and bias, with statistics of `count` elements, or given ones for 0."""
        grad, slope = (grad.grad, grad.slope) if isinstance(grad, Bent) else (grad, 1.0)
        pixels, bias_grad, weight_grad, input_grad = self.pixels, None, None, None
        with self.on_its_gpu():
            known = pixels.of(grad), pixels.x, *self.numbers, slope
            if count or needs_weight or needs_bias:
                bias_grad, weight_grad = affine_gradients(_kernels, pixels.sums("slopes", *known), pixels.x.dtype)
            if needs_input:
                input_grad = cupy().empty_like(pixels.x)
                pixels.map("input_gradient", *known, bias_grad, weight_grad, count, input_grad)
                input_grad = pixels.shaped(input_grad)
        return input_grad, weight_grad, bias_grad


class Bent(Later):
    """The gradient of y from that of its ReLU, put off: `grad`, and where y is negative `grad * slope`."""

    def __init__(self, grad, slope: float, normalised: Normalised):
        super().__init__(grad.shape, grad.dtype)
        self.grad, self.slope, self.normalised = grad, slope, normalised

    def array(self):
        op, numbers = (activation.leaky_relu, [self.slope]) if self.slope else (activation.relu, [])
        with self.normalised.on_its_gpu():
            _, backward = by_op[op](self.normalised.array(), *numbers)
            return backward(self.grad, True)[0]


@kernel(activation.relu, Normalised)
def normalised_relu(normalised):
    return normalised.bent(0.0), lambda grad, needs_input: (Bent(grad, 0.0, normalised),)


@kernel(activation.leaky_relu, Normalised)
def normalised_leaky_relu(normalised, negative_slope):
    slope = float(negative_slope)
    return normalised.bent(slope), lambda grad, needs_input: (Bent(grad, slope, normalised),)


@gpu_kernel(elementwise.plus)
@kernel(elementwise.plus, Normalised)
def normalised_sum(input, other):
    if not isinstance(input, Normalised) and not isinstance(other, Normalised):
        return NotImplemented
    late, array = (input, other) if isinstance(input, Normalised) else (other, input)
    if getattr(array, "shape", None) != late.shape or array.dtype != late.dtype:
        return NotImplemented
    return late.bent(1.0, array.array() if isinstance(array, Normalised) else array)


@gpu_kernel(norm.batch_norm_train)
def two_pass_batch_norm(input, weight, bias, eps):
    if input.ndim < 2 or not fits(input, weight, bias):
        return NotImplemented
    pixels = Pixels(input)
    count, (center, var, scale) = pixels.count, pixels.statistics(eps)
    out = Normalised(pixels, center, scale, single(weight, input), single(bias, input))

    def backward(grads, *needs):
        grad, mean_grad, var_grad = grads
        input_grad, *others = out.gradients(cupy().zeros_like(input) if grad is None else grad, count, *needs)
        across = (-1, *(1,) * (input.ndim - 2))
        if needs[0] and mean_grad is not None:
            input_grad += mean_grad.reshape(across) / count
        if needs[0] and var_grad is not None:  # d var / dx = 2 (x - mean) / n
            input_grad += 2 * var_grad.reshape(across) * (input - center.reshape(across)) / count
        return input_grad, *others

    kind = input.dtype if weight is None else weight.dtype
    return (out, center.astype(kind), var.astype(kind)), backward


@gpu_kernel(norm.batch_norm_eval)
def one_pass_batch_norm(input, mean, var, weight, bias, eps):
    if input.ndim < 2 or not fits(input, mean, var, weight, bias):
        return NotImplemented
    center, scale = single(mean, input), cupy().empty(mean.shape, arithmetic(input.dtype))
    _kernels.each("root", len(mean), single(var, input), float(eps), scale, len(mean), dtype=input.dtype)
    out = Normalised(Pixels(input), center, scale, single(weight, input), single(bias, input))
    return out, lambda grad, *needs: out.gradients(grad, 0, *needs)


@gpu_kernel(norm.group_norm)
def two_pass_instance_norm(input, groups, weight, bias, eps):
    """Of groups that are one channel each."""
    n, c, *inner = input.shape
    if groups != c or math.prod(inner) < _LARGE_PLANE or not fits(input, weight, bias):
        return NotImplemented
    pixels = Pixels(input, each_plane=True)
    center, _, scale = pixels.statistics(eps)
    affine = [None if each is None else cupy().tile(single(each, input), n) for each in (weight, bias)]
    out = Normalised(pixels, center, scale, *affine)

    def backward(grad, *needs):
        input_grad, *others = out.gradients(grad, pixels.count, *needs)
        return input_grad, *[each.reshape(n, c).sum(0) if needed else None for each, needed in zip(others, needs[1:], strict=True)]

    return out, backward

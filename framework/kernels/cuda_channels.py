"""Batch norm's passes over images on a GPU, channel by channel: sums over a channel, and what is made of each element.

Images lie (N, C, inner); or (R, C), with their channels last, of which a thread takes as many neighbours as it can read at once.
"""

import math

from .cuda import Source, arithmetic, as_it_lies, cupy, images, laid
from .cuda_norm import SUMS, TOGETHER, parts_of

_THREADS, _MOST_BLOCKS = 256, 1024  # of a block, and for one array with its channels last: each thread then has several rows to take
_ROWS = 8  # that a thread takes at least, if there are so many

kernels = Source(
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

extern "C" __global__ void move(T* average, const T* value, double factor, double momentum, Index channels) {
    for (Index c = first(); c < channels; c += step())
        average[c] = (S)(1 - momentum) * (S)average[c] + (S)momentum * ((S)value[c] * (S)factor);
}

// The result, its (leaky) ReLU, or its sum with something.
extern "C" __global__ void normalise(const T* input, const S* center, const S* scale, const S* weight, const S* bias, double slope,
                                     const T* other, T* out, Index channels, Index inner, Index n) {
    map_channels(n, channels, inner, out, [=](unsigned c) {
        const Channel of(center, scale, weight, bias, c);
        return [=](S x, S more) {
            const S y = of.whole(x);
            return bent(y, y, slope) + (other ? more : 0);
        };
    }, input, other);
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
    map_channels(n, channels, inner, out, [=](unsigned c) {
        const Channel of(center, scale, weight, bias, c);
        const S mean = count ? sum[c] / count : 0, mean_weighted = count ? weighted[c] / count : 0;
        return [=](S g, S x) { return of.weight * of.scale * (bent(g, of.whole(x), slope) - mean - of.of(x) * mean_weighted); };
    }, grad, input);
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
        kernels.rows("statistics", self.channels, *args, threads=TOGETHER)
        return tuple(found)

    def map(self, name, *args) -> None:
        """Launch a kernel over all elements."""
        if self.x.ndim == 3:
            kernels.each(name, -(-self.x.nbytes // 16), *args, *self.x.shape[1:], self.x.size)
        else:
            across, blocks, rows = self._blocks()
            kernels.grid(f"{name}_last", (blocks, min(rows, _MOST_BLOCKS)), *args, *self.x.shape, across)

    def sums(self, name, *args):
        """What a kernel sums up over channels, in parts (2, C, parts)."""
        if self.x.ndim == 3:
            parts = parts_of(self.count)
            blocks, sizes = self.channels, self.x.shape
        else:
            across, blocks, rows = self._blocks()
            parts, sizes = min(-(-rows // _ROWS), _MOST_BLOCKS), (*self.x.shape, across)
        found = cupy().empty((2, self.channels, parts), arithmetic(self.x.dtype))
        kernels.grid(name if self.x.ndim == 3 else f"{name}_last", (blocks, parts), *args, found, *sizes)
        return found

    def _blocks(self) -> tuple:
        """With channels last: how many threads of a block lie side by side, how many blocks do, and below each other at most."""
        groups = -(-self.channels * self.x.itemsize // 16)
        across = min(_THREADS, 1 << (groups - 1).bit_length())
        return across, -(-groups // across), -(-len(self.x) * across // _THREADS)

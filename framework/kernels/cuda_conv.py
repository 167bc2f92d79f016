"""Convolutions on a GPU: by cuDNN, and what that does not take by columns (cuda_unfold.py).

The kernels are those of the three ops that differentiate into each other, so cuDNN computes derivatives of every order.  A layer's
convolution and its transpose are made of these ops here too, but the bias is added in place, and the transpose makes no larger result
first, of which the padding is cut off.
"""

import math

from ..ops import conv as ops
from ..ops.conv import positions
from .cuda import Source, arithmetic, by_row, contiguous, cupy, floats, gpu_kernel
from .cuda_cudnn import by_cudnn
from .cuda_unfold import unfolded_convolution, unfolded_input_grad, unfolded_weight_grad
from .cuda_weights import column_sums

gpu_kernel(ops.convolution)(unfolded_convolution)  # they are asked when cuDNN, the newer, declines
gpu_kernel(ops.input_grad)(unfolded_input_grad)
gpu_kernel(ops.weight_grad)(unfolded_weight_grad)


@gpu_kernel(ops.convolution)
def cudnn_convolution(input, weight, geometry, groups):
    places = positions(input.shape[2:], weight.shape[2:], *geometry)
    return by_cudnn("conv_fprop", input, weight, (len(input), len(weight), *places), geometry)


@gpu_kernel(ops.input_grad)
def cudnn_input_grad(output, weight, input_shape, geometry, groups):
    return by_cudnn("conv_dgrad", output, weight, input_shape, geometry)


@gpu_kernel(ops.weight_grad)
def cudnn_weight_grad(output, input, weight_shape, geometry, groups):
    out = by_cudnn("conv_wgrad", input, output, weight_shape, geometry)
    return out if out is NotImplemented else cupy().ascontiguousarray(out)  # the weight itself lies row by row


@gpu_kernel(ops.conv)
def conv_and_bias(input, weight, bias, stride, padding, dilation, groups):
    if not _of_one_type(input, weight, bias):
        return NotImplemented
    geometry, input_shape = (stride, padding, dilation), input.shape
    out = _add_bias(ops.convolution(input, weight, geometry, groups), bias)

    def backward(grad, needs_input, needs_weight, needs_bias):
        return (
            ops.input_grad(grad, weight, input_shape, geometry, groups) if needs_input else None,
            ops.weight_grad(grad, input, weight.shape, geometry, groups) if needs_weight else None,
            _bias_gradient(grad) if needs_bias else None,
        )

    return out, backward


@gpu_kernel(ops.conv_transpose)
def conv_transpose_and_bias(input, weight, bias, stride, padding, output_padding, dilation, groups):
    """The convolution that leads from `out` to `input`, the other way; with more output padding its input would be larger."""
    if not _of_one_type(input, weight, bias) or any(extra >= s for extra, s in zip(output_padding, stride, strict=True)):
        return NotImplemented
    sizes = zip(input.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation, strict=True)
    spatial = [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in sizes]
    geometry, out_shape = (stride, padding, dilation), (len(input), weight.shape[1] * groups, *spatial)
    out = _add_bias(ops.input_grad(input, weight, out_shape, geometry, groups), bias)

    def backward(grad, needs_input, needs_weight, needs_bias):
        return (
            ops.convolution(grad, weight, geometry, groups) if needs_input else None,
            ops.weight_grad(input, grad, weight.shape, geometry, groups) if needs_weight else None,
            _bias_gradient(grad) if needs_bias else None,
        )

    return out, backward


def _of_one_type(*arrays) -> bool:
    return len({each.dtype for each in arrays if each is not None}) == 1


_PART, _MOST_PARTS = 4096, 32  # elements of a channel to a block, as long as their sums need no more than a thread a channel

_kernels = Source(r"""
// out (N, C, inner) += bias (C)
extern "C" __global__ void add_bias(const T* bias, Index channels, Index inner, T* out, Index n) {
    map_channels(n, channels, inner, out, [=](unsigned c) {
        const S b = bias[c];
        return [=](S x, S) { return x + b; };
    }, out);
}

// sums (parts, C): of the elements of every channel of values (N, C, inner), each part by a block; `count` is N inner.
extern "C" __global__ void channel_sums(const T* values, S* sums, Index parts, Index count, Index channels, Index inner) {
    const Index channel = blockIdx.x % channels, part = blockIdx.x / channels, width = inner % W == 0 && aligned(values) ? W : 1;
    S sum = 0;
    for (Index j = (part * blockDim.x + threadIdx.x) * width; j < count; j += parts * blockDim.x * width) {
        const unsigned n = (unsigned)j / (unsigned)inner, i = (unsigned)j - n * (unsigned)inner;
        sum += sum_of_neighbours(values + (n * channels + channel) * inner + i, width);
    }
    sum = of_block<Sum>(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
""")


def _as_planes(array) -> tuple:
    """Images (N, C, …) as they lie in memory, row by row or with their channels last, as (N, C, inner); None for others."""
    if contiguous(array):
        return array, math.prod(array.shape[2:])
    last = cupy().moveaxis(array, 1, -1)
    return (last, 1) if contiguous(last) else (None, 0)


def _add_bias(out, bias):
    """out (N, O, …) += bias (O), in place."""
    if bias is None:
        return out
    there, inner = _as_planes(out)
    if there is None or not floats(out) or out.size >= 1 << 31:
        out += bias.reshape(-1, *(1,) * (out.ndim - 2))
    else:
        _kernels.packs("add_bias", there, by_row(bias), len(bias), inner)
    return out


def _bias_gradient(grad):
    """(O,), the sums of the channels of (N, O, …); always in the same order."""
    if not floats(grad) or not 0 < grad.size < 1 << 31:
        return grad.sum((0, *range(2, grad.ndim)), dtype=grad.dtype)
    there, inner = _as_planes(grad)
    channels = grad.shape[1]
    if inner == 1:
        return column_sums(there.reshape(-1, channels))
    grad, count = by_row(grad), grad.size // channels
    parts = min(_MOST_PARTS, -(-count // _PART))
    sums = cupy().empty((parts, channels), arithmetic(grad.dtype))
    _kernels.rows("channel_sums", sums.size, grad, sums, parts, count, channels, count // len(grad))
    return column_sums(sums).astype(grad.dtype, copy=False)

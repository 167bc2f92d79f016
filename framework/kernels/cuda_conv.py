"""Convolutions on a GPU: by cuDNN, and what that does not take by columns (cuda_unfold.py).

The kernels are those of the three ops that differentiate into each other, so cuDNN computes derivatives of every order.  A layer's
convolution and its transpose are made of these ops here too, but the bias is added in place, and the transpose makes no larger result
first, of which the padding is cut off.
"""

import math

from ..ops import conv as ops
from ..ops.conv import positions
from .cuda import Source, arithmetic, contiguous, cupy, floats, gpu_kernel
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


def _add_bias(out, bias):
    """out (N, O, …) += bias (O), in place."""
    if bias is not None:
        out += bias.reshape(-1, *(1,) * (out.ndim - 2))
    return out


_BLOCKS = 2048  # keep a large GPU busy
_sums = Source(r"""
// sums (pieces, C): what the images n, n + pieces, n + 2 pieces, … of values (N, C, P) add up to, for n = 0, 1, …; a block a sum.
extern "C" __global__ void channel_sums(const T* values, S* sums, Index images, Index channels, Index plane, Index pieces) {
    const Index channel = blockIdx.x % channels, images_on = blockDim.x / plane, places_on = blockDim.x % plane;
    Index image = blockIdx.x / channels + threadIdx.x / plane * pieces, place = threadIdx.x % plane;
    S sum = 0;
    while (image < images) {
        sum += (S)values[(image * channels + channel) * plane + place];
        image += images_on * pieces;
        place += places_on;
        if (place >= plane) {
            place -= plane;
            image += pieces;
        }
    }
    sum = of_block<Sum>(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
""")


def _bias_gradient(grad):
    """(O,), the sums of the channels of (N, O, …); always in the same order."""
    (n, o), last = grad.shape[:2], cupy().moveaxis(grad, 1, -1)
    if not floats(grad) or not grad.size:
        return grad.sum((0, *range(2, grad.ndim)), dtype=grad.dtype)
    if contiguous(last):
        return column_sums(last.reshape(-1, o))
    pieces = min(n, max(1, _BLOCKS // o))
    sums = cupy().empty((pieces, o) if pieces > 1 else o, arithmetic(grad.dtype))
    _sums.rows("channel_sums", sums.size, cupy().ascontiguousarray(grad), sums, n, o, math.prod(grad.shape[2:]), pieces)
    return (sums.sum(0) if pieces > 1 else sums).astype(grad.dtype, copy=False)

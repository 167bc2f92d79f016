"""Convolutions and their transposes on a CPU: whichever of the three ways is the quickest.

All of it in PyTorch's own NCHW order, so nothing is ever converted.
"""

import numpy as np

from ..ops import conv as ops
from ..ops.conv import positions
from .cpu import contiguous, floats, kernel, large
from .cpu_depthwise import Depthwise
from .cpu_reduce import row_sums
from .cpu_unfold import Unfolded
from .cpu_volume import VOLUMES
from .cpu_winograd import Winograd


def _convolution(way, input, weight, bias, stride, padding, dilation, groups):
    """Through three products: the output, and later the gradients of input and weight."""
    if not _fits(input, weight, bias):
        return NotImplemented
    input = _may_be_written(input)
    way = VOLUMES.get(way, way) if input.ndim == 5 else way
    out_shape = (len(input), len(weight), *positions(input.shape[2:], weight.shape[2:], stride, padding, dilation))
    if not way.pays(out_shape, weight, stride, dilation, groups):
        return NotImplemented
    convolution = way(input.shape, out_shape, weight, stride, padding, dilation, groups)

    def backward(grad, needs_input, needs_weight, needs_bias):
        input_grad, weight_grad = convolution.backward(_may_be_written(grad), input, needs_input, needs_weight)
        input_grad = None if input_grad is None else input_grad.reshape(input.shape)
        return input_grad, weight_grad, _bias_gradient(grad) if needs_bias else None

    return convolution.forward(input, bias).reshape(out_shape), backward


def _transpose(way, input, weight, bias, stride, padding, output_padding, dilation, groups):
    """The convolution that leads from `out` to `input`, the other way: forward is its gradient, and its forward the gradient."""
    if not _fits(input, weight, bias):
        return NotImplemented
    input = _may_be_written(input)
    way = VOLUMES.get(way, way) if input.ndim == 5 else way
    if not way.pays(input.shape, weight, stride, dilation, groups):
        return NotImplemented
    sizes = zip(input.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation, strict=True)
    spatial = [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in sizes]
    out_shape = (len(input), weight.shape[1] * groups, *spatial)
    convolution = way(out_shape, input.shape, weight, stride, padding, dilation, groups)
    out = convolution.backward(input, None, True, False)[0].reshape(out_shape)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(spatial))

    def backward(grad, needs_input, needs_weight, needs_bias):
        grad = _may_be_written(np.ascontiguousarray(grad))
        input_grad = convolution.forward(grad, None).reshape(input.shape) if needs_input else None
        weight_grad = convolution.backward(input, grad, False, True)[1] if needs_weight else None
        return input_grad, weight_grad, _bias_gradient(grad) if needs_bias else None

    return out, backward


def _fits(input, weight, bias) -> bool:
    return input.ndim in (3, 4, 5) and floats(input, weight, bias) and contiguous(input, weight) and large(input)


def _may_be_written(image):
    """`image`, or a copy of a read-only one: what sorts an image can also add to it, and so is compiled for no other."""
    return image if image.flags.writeable else image.copy()


def _bias_gradient(grad):
    """(O,), from that of the output (N, O, …)."""
    n, o = grad.shape[:2]
    return row_sums(np.ascontiguousarray(grad).reshape(n * o, -1)).reshape(n, o).sum(0).astype(grad.dtype)


def _turned(weight):
    """With the taps in opposite order and input and output exchanged: what a convolution of step 1 is the other way."""
    return np.ascontiguousarray(np.flip(weight.swapaxes(0, 1), tuple(range(2, weight.ndim))))


@kernel(ops.conv)
def unfolded_conv(input, weight, bias, stride, padding, dilation, groups):
    beyond = tuple(d * (k - 1) - p for d, k, p in zip(dilation, weight.shape[2:], padding, strict=True))
    narrow = 2 * len(weight) <= weight.shape[1] and groups == 1 and {*stride} == {1} and min(beyond) >= 0
    if not narrow or not _fits(input, weight, bias):
        return _convolution(Unfolded, input, weight, bias, stride, padding, dilation, groups)
    # There are fewer columns from the side of the few:
    out, turned_backward = _transpose(Unfolded, input, _turned(weight), bias, stride, beyond, (0,) * len(beyond), dilation, 1)

    def backward(*needs):
        input_grad, weight_grad, bias_grad = turned_backward(*needs)
        return input_grad, None if weight_grad is None else _turned(weight_grad), bias_grad

    return out, backward


@kernel(ops.conv)
def winograd_conv(*args):
    return _convolution(Winograd, *args)


@kernel(ops.conv)
def depthwise_conv(*args):
    return _convolution(Depthwise, *args)


@kernel(ops.conv_transpose)
def unfolded_conv_transpose(*args):
    return _transpose(Unfolded, *args)


@kernel(ops.conv_transpose)
def winograd_conv_transpose(*args):
    return _transpose(Winograd, *args)


@kernel(ops.conv_transpose)
def depthwise_conv_transpose(*args):
    return _transpose(Depthwise, *args)

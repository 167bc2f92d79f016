"""Convolutions."""

from ...ops import conv as ops
from ...ops.shape import constant_pad
from .arguments import batched, tuple_of


def _convolution(dims):
    def convolve(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        input, alone = batched(f"conv{dims}d", input, dims)
        kernel = tuple(weight.shape[2:])
        stride, dilation = tuple_of(stride, dims), tuple_of(dilation, dims)
        if padding == "same":
            if any(each != 1 for each in stride):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            input = constant_pad(input, [0, 0, *(0 for _ in total)], [0, 0, *(each % 2 for each in total)])
            padding = tuple(each // 2 for each in total)
        padding = tuple_of(0 if padding == "valid" else padding, dims)
        _check_convolution(input, weight, bias, stride, padding, dilation, groups)
        out = ops.conv(input, weight, bias, stride, padding, dilation, groups)
        return out.squeeze(0) if alone else out

    convolve.__name__ = f"conv{dims}d"
    convolve.__doc__ = f"Slide `weight` (O, C/groups, *kernel) over `input` (N, C, *spatial), spatial in {dims}-d: (N, O, *positions)."
    return convolve


def _check_convolution(input, weight, bias, stride, padding, dilation, groups) -> None:
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"Input type ({input.dtype.name}) and weight type ({weight.dtype.name}) should be the same")
    if weight.shape[0] % groups or input.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(
            f"expected bias to be 1-dimensional with {weight.shape[0]} elements, but got bias of size {list(bias.shape)} instead"
        )
    if min(*stride, *dilation) <= 0:
        raise RuntimeError("non-positive stride or dilation is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(ops.positions(input.shape[2:], weight.shape[2:], stride, padding, dilation), default=1) < 1:
        padded = " x ".join(str(n + 2 * p) for n, p in zip(input.shape[2:], padding, strict=True))
        kernel = " x ".join(str(d * (k - 1) + 1) for k, d in zip(weight.shape[2:], dilation, strict=True))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({padded}). Kernel size: ({kernel}). "
            "Kernel size can't be greater than actual input size"
        )


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)

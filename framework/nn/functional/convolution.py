"""Convolutions."""

from ...ops import conv as ops
from ...ops.shape import constant_pad
from .arguments import spatial, tuple_of


@spatial
def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide `weight` (O, C/groups, *kernel) over `input` (N, C, *spatial): (N, O, *positions)."""
    dims, kernel = input.ndim - 2, tuple(weight.shape[2:])
    stride, dilation = tuple_of(stride, dims), tuple_of(dilation, dims)
    if padding == "same":
        if any(each != 1 for each in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        input = constant_pad(input, [0, 0, *(0 for _ in total)], [0, 0, *(each % 2 for each in total)])
        padding = tuple(each // 2 for each in total)
    elif isinstance(padding, str) and padding != "valid":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    padding = tuple_of(0 if padding == "valid" else padding, dims)
    _check_operands(input, weight, bias, weight.shape[1] * groups, weight.shape[0], groups)
    _check_geometry(stride=stride, padding=padding, dilation=dilation)
    if min(ops.positions(input.shape[2:], kernel, stride, padding, dilation)) < 1:
        padded = " x ".join(str(n + 2 * p) for n, p in zip(input.shape[2:], padding, strict=True))
        reach = " x ".join(str(d * (k - 1) + 1) for k, d in zip(kernel, dilation, strict=True))
        raise RuntimeError(f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). "
                           "Kernel size can't be greater than actual input size")  # fmt: skip
    return ops.conv(input, weight, bias, stride, padding, dilation, groups)


@spatial
def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The gradient of a convolution as a function: `input` (N, C, *positions), `weight` (C, O/groups, *kernel): (N, O, *spatial)."""
    stride, padding, extra, dilation = (tuple_of(each, input.ndim - 2) for each in (stride, padding, output_padding, dilation))
    _check_operands(input, weight, bias, weight.shape[0], weight.shape[1] * groups, groups)
    _check_geometry(stride=stride, padding=padding, dilation=dilation, output_padding=extra)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {extra}, {stride}, {dilation}")
    size = transposed_size(input.shape[2:], weight.shape[2:], stride, padding, extra, dilation)
    if min(*input.shape[2:], *size) < 1:
        raise RuntimeError(f"Given input size per channel: {list(input.shape[2:])}. Calculated output size per channel: {size}. "
                           "Output size is too small")  # fmt: skip
    return ops.conv_transpose(input, weight, bias, stride, padding, extra, dilation, groups)


def transposed_size(spatial, kernel, stride, padding, output_padding, dilation) -> list[int]:
    """The spatial size of a transposed convolution's result."""
    each = zip(spatial, kernel, stride, padding, output_padding, dilation, strict=True)
    return [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in each]


def _check_operands(input, weight, bias, in_channels, out_channels, groups) -> None:
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"Input type ({input.dtype.name}) and weight type ({weight.dtype.name}) should be the same")
    if weight.shape[0] % groups or input.shape[1] != in_channels:
        raise RuntimeError(f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
                           f"{in_channels} channels, but got {input.shape[1]} channels instead")  # fmt: skip
    if bias is not None and tuple(bias.shape) != (out_channels,):
        raise RuntimeError(f"expected bias to be 1-dimensional with {out_channels} elements, but got bias of size {list(bias.shape)}")


def _check_geometry(**geometry) -> None:
    for name, value in geometry.items():
        positive = name in ("stride", "dilation")
        if min(value) < positive:
            raise RuntimeError(f"{'non-positive' if positive else 'negative'} {name} is not supported")


conv1d, conv2d, conv3d = conv
conv_transpose1d, conv_transpose2d, conv_transpose3d = conv_transpose

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
        elif isinstance(padding, str) and padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        padding = tuple_of(0 if padding == "valid" else padding, dims)
        channels = weight.shape[1] * groups, weight.shape[0]
        _check_operands(input, weight, bias, channels, groups, {"stride": stride, "padding": padding, "dilation": dilation})
        if min(ops.positions(input.shape[2:], kernel, stride, padding, dilation)) < 1:
            padded = " x ".join(str(n + 2 * p) for n, p in zip(input.shape[2:], padding, strict=True))
            reach = " x ".join(str(d * (k - 1) + 1) for k, d in zip(kernel, dilation, strict=True))
            raise RuntimeError(
                f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). "
                "Kernel size can't be greater than actual input size"
            )
        out = ops.conv(input, weight, bias, stride, padding, dilation, groups)
        return out.squeeze(0) if alone else out

    convolve.__name__ = f"conv{dims}d"
    convolve.__doc__ = f"Slide `weight` (O, C/groups, *kernel) over `input` (N, C, *spatial), spatial in {dims}-d: (N, O, *positions)."
    return convolve


def _transposed_convolution(dims):
    def convolve(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        input, alone = batched(f"conv_transpose{dims}d", input, dims)
        stride, padding, extra, dilation = (tuple_of(each, dims) for each in (stride, padding, output_padding, dilation))
        geometry = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
        _check_operands(input, weight, bias, (weight.shape[0], weight.shape[1] * groups), groups, geometry)
        if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got {extra}, stride {stride}, dilation {dilation}"
            )
        size = transposed_size(input.shape[2:], weight.shape[2:], stride, padding, extra, dilation)
        if min(size) < 1:
            given, wanted = (" x ".join(map(str, each)) for each in (input.shape[2:], size))
            raise RuntimeError(f"Given input size per channel: ({given}). Calculated output size per channel: ({wanted}). "
                               "Output size is too small")  # fmt: skip
        if 0 in input.shape[2:]:
            raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(input.shape)}")
        out = ops.conv_transpose(input, weight, bias, stride, padding, extra, dilation, groups)
        return out.squeeze(0) if alone else out

    convolve.__name__ = f"conv_transpose{dims}d"
    convolve.__doc__ = f"The gradient of conv{dims}d as a function: `input` (N, C, *spatial), `weight` (C, O/groups, *kernel)."
    return convolve


def transposed_size(spatial, kernel, stride, padding, output_padding, dilation) -> list[int]:
    """The spatial size of a transposed convolution's result."""
    each = zip(spatial, kernel, stride, padding, output_padding, dilation, strict=True)
    return [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in each]


def _check_operands(input, weight, bias, channels, groups, geometry) -> None:
    """`channels` are those of the input and of the result."""
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"Input type ({input.dtype.name}) and weight type ({weight.dtype.name}) should be the same")
    if weight.shape[0] % groups or input.shape[1] != channels[0]:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{channels[0]} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (channels[1],):
        raise RuntimeError(
            f"expected bias to be 1-dimensional with {channels[1]} elements, but got bias of size {list(bias.shape)} instead"
        )
    for name, value in geometry.items():
        positive = name in ("stride", "dilation")
        if min(value) < positive:
            raise RuntimeError(f"{'non-positive' if positive else 'negative'} {name} is not supported")


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)
conv_transpose1d, conv_transpose2d, conv_transpose3d = (_transposed_convolution(dims) for dims in (1, 2, 3))

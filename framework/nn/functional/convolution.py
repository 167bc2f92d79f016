"""Convolutions."""

from ...ops import conv as ops
from ...ops.promotion import expect, same_type
from ...ops.shape import constant_pad
from .arguments import spatial, tuple_of, window


def both_sides(padding, kernel, dilation) -> list:
    """The padding (before, after) of each dimension; that of "same" is the longer one after."""
    if padding == "same":
        return [(d * (k - 1) // 2, (d * (k - 1) + 1) // 2) for k, d in zip(kernel, dilation, strict=True)]
    return [(each, each) for each in tuple_of(0 if padding == "valid" else padding, len(kernel))]


@spatial(not_for="b")
def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide `weight` (O, C/groups, *kernel) over `input` (N, C, *spatial): (N, O, *positions)."""
    dims = input.ndim - 2
    _check_operands(input, weight, bias, weight.shape[1] * groups, weight.shape[0], groups)
    if isinstance(padding, str):
        expect(padding in ("same", "valid"), f"Invalid padding string: '{padding}'")
        expect(padding == "valid" or {*tuple_of(stride, dims)} == {1}, "padding='same' is not supported for strided convolutions")
        before, after = zip(*both_sides(padding, weight.shape[2:], tuple_of(dilation, dims)), strict=True)
        if before != after:
            input = constant_pad(input, [0] * (dims + 2), [0, 0, *(b - a for a, b in zip(before, after, strict=True))])
        padding = before
    kernel, *geometry = window(dims, weight.shape[2:], stride, padding, dilation)
    ops.positions(input.shape[2:], kernel, *geometry)  # RuntimeError if there are none: not every kernel asks
    return ops.conv(input, weight, bias, *geometry, groups)


@spatial(not_for="bu")
def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The gradient of a convolution as a function: `input` (N, C, *positions), `weight` (C, O/groups, *kernel): (N, O, *spatial)."""
    _check_operands(input, weight, bias, weight.shape[0], weight.shape[1] * groups, groups)
    kernel, stride, padding, dilation = window(input.ndim - 2, weight.shape[2:], stride, padding, dilation)
    extra = tuple_of(output_padding, input.ndim - 2)
    right = all(0 <= e < max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True))
    expect(right, f"output padding must be smaller than either stride or dilation, but got {extra}, {stride}, {dilation}")
    size = transposed_size(input.shape[2:], kernel, stride, padding, extra, dilation)
    expect(min(input.shape[2:]) > 0 and min(size) >= 0, f"Output size is too small: {size}, from an input of {input.shape[2:]}")
    return ops.conv_transpose(input, weight, bias, stride, padding, extra, dilation, groups)


def transposed_size(spatial, kernel, stride, padding, output_padding, dilation) -> list[int]:
    """The spatial size of a transposed convolution's result."""
    each = zip(spatial, kernel, stride, padding, output_padding, dilation, strict=True)
    return [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, extra, d in each]


def _check_operands(input, weight, bias, in_channels, out_channels, groups) -> None:
    same_type(input, weight)
    if input.ndim != weight.ndim or weight.shape[0] % groups or input.shape[1] != in_channels:
        raise RuntimeError(f"weight {list(weight.shape)}, {groups=}: expected input with {in_channels} channels, but got {input.shape[1]}")
    if bias is not None and tuple(bias.shape) != (out_channels,):
        raise RuntimeError(f"expected bias to be 1-dimensional with {out_channels} elements, but got bias of size {list(bias.shape)}")


conv1d, conv2d, conv3d = conv
conv_transpose1d, conv_transpose2d, conv_transpose3d = conv_transpose

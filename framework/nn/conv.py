"""Convolutions."""

import math

from ..ops.promotion import expect
from . import functional as F
from .functional.arguments import tuple_of
from .functional.convolution import both_sides, transposed_size
from .layer import Weighted


class _Conv(Weighted):
    """Weight (out, in / groups, *kernel) and bias (out), starting as U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    transposed = False

    def __init_subclass__(cls, dims=None, function=None) -> None:
        cls.dims, cls.function = dims, staticmethod(function)  # dims: how many spatial dimensions
        cls.__doc__ = cls.__doc__ or function.__doc__

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros",
                 device=None, dtype=None):  # fmt: skip
        super().__init__()
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ValueError(f"in_channels and out_channels must be divisible by groups, but got {in_channels}, {out_channels}, {groups}")
        expect(padding_mode in ("zeros", "reflect", "replicate", "circular"), f"there is no padding_mode='{padding_mode}'", ValueError)
        self.in_channels, self.out_channels, self.groups, self.padding_mode = in_channels, out_channels, groups, padding_mode
        self.kernel_size, self.stride, self.dilation = (tuple_of(each, self.dims) for each in (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else tuple_of(padding, self.dims)
        self.output_padding = (0,) * self.dims
        if isinstance(padding, str) and padding != "valid" and (padding != "same" or set(self.stride) != {1}):
            raise ValueError(f"padding is a number, 'valid' or, if the stride is 1, 'same', but got '{padding}' and {self.stride}")
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        fan = channels[1] * math.prod(self.kernel_size)
        self._make(fan, device, dtype, weight=(*channels, *self.kernel_size), bias=bias and (out_channels,))

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            sides = both_sides(padding, self.kernel_size, self.dilation)
            input, padding = F.pad(input, [each for pair in reversed(sides) for each in pair], self.padding_mode), 0
        return self.function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        zero, one, shown = (0,) * self.dims, (1,) * self.dims, {**vars(self), "bias": self.bias is not None}
        usual = {"padding": zero, "dilation": one, "output_padding": zero, "groups": 1, "bias": True, "padding_mode": "zeros"}
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        return ", ".join(parts + [f"{name}={shown[name]}" for name, value in usual.items() if shown[name] != value])


class Conv1d(_Conv, dims=1, function=F.conv1d): ...
class Conv2d(_Conv, dims=2, function=F.conv2d): ...
class Conv3d(_Conv, dims=3, function=F.conv3d): ...


class _ConvTranspose(_Conv):
    """Weight (in, out / groups, *kernel) and bias (out); `output_padding` or the forward's `output_size` chooses among possible sizes."""

    transposed = True

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        expect(padding_mode == "zeros", f'Only "zeros" padding mode is supported for {type(self).__name__}', ValueError)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device=device, dtype=dtype)
        self.output_padding = tuple_of(output_padding, self.dims)

    def forward(self, input, output_size=None):
        extra = self.output_padding
        if output_size is not None:
            spatial = input.shape[-self.dims :]
            least = transposed_size(spatial, self.kernel_size, self.stride, self.padding, (0,) * self.dims, self.dilation)
            extra = [n - low for n, low in zip(output_size[-self.dims :], least, strict=True)]
            if any(not 0 <= each < s for each, s in zip(extra, self.stride, strict=True)):
                raise ValueError(f"requested an output size of {output_size}, but valid sizes are {least} and less than a stride more")
        return self.function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTranspose, dims=1, function=F.conv_transpose1d): ...
class ConvTranspose2d(_ConvTranspose, dims=2, function=F.conv_transpose2d): ...
class ConvTranspose3d(_ConvTranspose, dims=3, function=F.conv_transpose3d): ...

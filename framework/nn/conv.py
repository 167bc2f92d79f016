"""Convolutions."""

import math

from ..creation import empty
from . import functional as F
from . import init
from .functional.arguments import tuple_of
from .functional.convolution import both_sides, transposed_size
from .module import Module
from .parameter import Parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
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
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels, self.groups, self.padding_mode = in_channels, out_channels, groups, padding_mode
        self.kernel_size, self.stride, self.dilation = (tuple_of(each, self.dims) for each in (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else tuple_of(padding, self.dims)
        self.output_padding = (0,) * self.dims
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"Invalid padding string '{padding}', should be one of 'valid', 'same'")
        if padding == "same" and any(each != 1 for each in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*channels, *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = init.fans(self.weight)[0]
        if self.bias is not None and fan_in:
            init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

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
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device=device, dtype=dtype)
        self.output_padding = tuple_of(output_padding, self.dims)

    def forward(self, input, output_size=None):
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return self.function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input, output_size) -> list:
        """The output padding that makes the result of `output_size`, ValueError if none does."""
        if len(output_size) not in (self.dims, input.ndim):
            raise ValueError(f"output_size must have {self.dims} or {input.ndim} elements (got {len(output_size)})")
        spatial = input.shape[-self.dims :]
        least = transposed_size(spatial, self.kernel_size, self.stride, self.padding, (0,) * self.dims, self.dilation)
        extra = [n - low for n, low in zip(output_size[-self.dims :], least, strict=True)]
        if any(not 0 <= each < s for each, s in zip(extra, self.stride, strict=True)):
            most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for {spatial})")
        return extra


class ConvTranspose1d(_ConvTranspose, dims=1, function=F.conv_transpose1d): ...
class ConvTranspose2d(_ConvTranspose, dims=2, function=F.conv_transpose2d): ...
class ConvTranspose3d(_ConvTranspose, dims=3, function=F.conv_transpose3d): ...

"""Convolutions."""

import math

from ..creation import empty
from . import functional as F
from . import init
from .functional.arguments import tuple_of
from .functional.convolution import transposed_size
from .module import Module
from .parameter import Parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """Weight (out, in / groups, *kernel) and bias (out), starting as U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    output_padding = ()  # a transposed convolution has some

    def __init_subclass__(cls, dims=None, function=None) -> None:
        cls.dims, cls.function = dims, function  # dims: how many spatial dimensions

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros",
                 device=None, dtype=None):  # fmt: skip
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {set(_PADDING_MODES)}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels, self.groups, self.padding_mode = in_channels, out_channels, groups, padding_mode
        self.kernel_size, self.stride, self.dilation = (tuple_of(each, self.dims) for each in (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else tuple_of(padding, self.dims)
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"Invalid padding string '{padding}', should be one of {{'valid', 'same'}}")
        if padding == "same" and any(each != 1 for each in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        self.weight = Parameter(empty(*self._channels(), *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _channels(self) -> tuple:
        return self.out_channels, self.in_channels // self.groups

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = init.fans(self.weight)[0]
        if self.bias is not None and fan_in:
            init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), self.padding_mode), 0
        return type(self).function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _sides(self) -> list[int]:
        """The padding on each side, the last dimension first; that of "same" is the longer one after."""
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [side for each in reversed(total) for side in (each // 2, each - each // 2)]
        padding = (0,) * self.dims if self.padding == "valid" else self.padding
        return [each for each in reversed(padding) for _ in range(2)]

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if isinstance(self.padding, str) or any(self.padding):
            parts.append(f"padding={self.padding}")
        if any(each != 1 for each in self.dilation):
            parts.append(f"dilation={self.dilation}")
        if any(self.output_padding):
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Conv1d(_Conv, dims=1, function=F.conv1d):
    """(N, C, L) -> (N, out_channels, positions): see `functional.conv1d`."""


class Conv2d(_Conv, dims=2, function=F.conv2d):
    """(N, C, H, W) -> (N, out_channels, *positions): see `functional.conv2d`."""


class Conv3d(_Conv, dims=3, function=F.conv3d):
    """(N, C, D, H, W) -> (N, out_channels, *positions): see `functional.conv3d`."""


class _ConvTranspose(_Conv):
    """Weight (in, out / groups, *kernel) and bias (out); `output_padding` or the forward's `output_size` chooses among possible sizes."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device=device, dtype=dtype)
        self.output_padding = tuple_of(output_padding, self.dims)

    def _channels(self) -> tuple:
        return self.in_channels, self.out_channels // self.groups

    def forward(self, input, output_size=None):
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return type(self).function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input, output_size) -> tuple:
        """The output padding that makes the result of `output_size`, ValueError if none does."""
        if len(output_size) not in (self.dims, input.ndim):
            raise ValueError(f"{type(self).__name__[:-1]}D: for {input.ndim}D input, output_size must have {self.dims} or {input.ndim} "
                             f"elements (got {len(output_size)})")  # fmt: skip
        wanted, spatial = output_size[-self.dims :], input.shape[-self.dims :]
        least = transposed_size(spatial, self.kernel_size, self.stride, self.padding, (0,) * self.dims, self.dilation)
        extra = tuple(n - low for n, low in zip(wanted, least, strict=True))
        if any(not 0 <= each < s for each, s in zip(extra, self.stride, strict=True)):
            most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {least} to {most} "
                             f"(for an input of {spatial})")  # fmt: skip
        return extra


class ConvTranspose1d(_ConvTranspose, dims=1, function=F.conv_transpose1d):
    """(N, C, positions) -> (N, out_channels, L): see `functional.conv_transpose1d`."""


class ConvTranspose2d(_ConvTranspose, dims=2, function=F.conv_transpose2d):
    """(N, C, *positions) -> (N, out_channels, H, W): see `functional.conv_transpose2d`."""


class ConvTranspose3d(_ConvTranspose, dims=3, function=F.conv_transpose3d):
    """(N, C, *positions) -> (N, out_channels, D, H, W): see `functional.conv_transpose3d`."""

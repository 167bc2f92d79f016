"""Pooling layers."""

from . import functional as F
from .functional.arguments import tuple_of
from .module import Module


class _MaxPool(Module):
    """The largest element of each window."""

    function = None

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.dilation = (
            kernel_size,
            kernel_size if stride is None else stride,
            padding,
            dilation,
        )
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input):
        return type(self).function(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPool):
    """The largest of each window of a line: (N, C, L)."""

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest of each window of a plane: (N, C, H, W)."""

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest of each window of a volume: (N, C, D, H, W)."""

    function = F.max_pool3d


class _AvgPool(Module):
    """The mean of each window."""

    function = None

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input):
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of a line: (N, C, L)."""

    function = F.avg_pool1d

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__(
            *(tuple_of(each, 1) for each in (kernel_size, kernel_size if stride is None else stride, padding)),
            ceil_mode,
            count_include_pad,
        )


class AvgPool2d(_AvgPool):
    """The mean of each window of a plane: (N, C, H, W)."""

    function = F.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume: (N, C, D, H, W)."""

    function = F.avg_pool3d


class _AdaptivePool(Module):
    """Pooling with windows chosen so that the output has a given size."""

    function = None

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input):
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """The means of `output_size` windows: (N, C, L)."""

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of `output_size` windows: (N, C, H, W)."""

    function = F.adaptive_avg_pool2d


class AdaptiveMaxPool1d(_AdaptivePool):
    """The largest of `output_size` windows: (N, C, L)."""

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptivePool):
    """The largest of `output_size` windows: (N, C, H, W)."""

    function = F.adaptive_max_pool2d

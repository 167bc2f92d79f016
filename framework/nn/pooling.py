"""Pooling layers."""

from . import functional as F
from .function_layer import FunctionLayer
from .functional.arguments import tuple_of
from .module import Module


class _MaxPool(FunctionLayer):
    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        stride = kernel_size if stride is None else stride
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, return_indices=return_indices,
                         ceil_mode=ceil_mode)  # fmt: skip


class MaxPool1d(_MaxPool):
    """The largest of each window of a line: (N, C, L)."""

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest of each window of a plane: (N, C, H, W)."""

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest of each window of a volume: (N, C, D, H, W)."""

    function = F.max_pool3d


class _MaxUnpool(Module):
    function = None
    dims: int

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride, self.padding = (tuple_of(each, self.dims) for each in (kernel_size, stride, padding))

    def forward(self, input, indices, output_size=None):
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """What MaxPool1d kept, back at its place, zeros elsewhere: (N, C, L)."""

    dims, function = 1, F.max_unpool1d


class MaxUnpool2d(_MaxUnpool):
    """What MaxPool2d kept, back at its place, zeros elsewhere: (N, C, H, W)."""

    dims, function = 2, F.max_unpool2d


class MaxUnpool3d(_MaxUnpool):
    """What MaxPool3d kept, back at its place, zeros elsewhere: (N, C, D, H, W)."""

    dims, function = 3, F.max_unpool3d


class _AvgPool(FunctionLayer):
    shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        stride = kernel_size if stride is None else stride
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode,
                         count_include_pad=count_include_pad, divisor_override=divisor_override)  # fmt: skip


class AvgPool1d(_AvgPool):
    """The mean of each window of a line: (N, C, L)."""

    function = F.avg_pool1d

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        stride = kernel_size if stride is None else stride
        super().__init__(*(tuple_of(each, 1) for each in (kernel_size, stride, padding)), ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window of a plane: (N, C, H, W)."""

    function = F.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume: (N, C, D, H, W)."""

    function = F.avg_pool3d


class _LPPool(FunctionLayer):
    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


class LPPool1d(_LPPool):
    """The p-norm of each window of a line, its sum raised to 1/p: (N, C, L)."""

    function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The p-norm of each window of a plane: (N, C, H, W)."""

    function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The p-norm of each window of a volume: (N, C, D, H, W)."""

    function = F.lp_pool3d


class _AdaptiveAvgPool(FunctionLayer):
    def __init__(self, output_size):
        super().__init__(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` windows: (N, C, L)."""

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of `output_size` windows: (N, C, H, W)."""

    function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of `output_size` windows: (N, C, D, H, W)."""

    function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(FunctionLayer):
    shown = ("output_size",)

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of `output_size` windows: (N, C, L)."""

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of `output_size` windows: (N, C, H, W)."""

    function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of `output_size` windows: (N, C, D, H, W)."""

    function = F.adaptive_max_pool3d


class FractionalMaxPool2d(FunctionLayer):
    """The largest of windows at random intervals: (N, C, H, W) (Graham, 2014)."""

    function, shown = F.fractional_max_pool2d, ()

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        if output_size is None and output_ratio is None:
            raise ValueError("FractionalMaxPool2d requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if output_ratio is not None and not all(0 < each < 1 for each in tuple_of(output_ratio, 2)):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        super().__init__(kernel_size=kernel_size, output_size=output_size, output_ratio=output_ratio, return_indices=return_indices,
                         _random_samples=_random_samples)  # fmt: skip

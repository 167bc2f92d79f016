"""Pooling layers."""

from . import functional as F
from .functional.arguments import tuple_of
from .layer import REQUIRED, Layer
from .module import Module


class _Windows(Layer):
    """Windows one beside the other, unless there is a stride."""

    def keep(self, kernel_size, stride, **options) -> None:
        super().keep(kernel_size=kernel_size, stride=kernel_size if stride is None else stride, **options)


class _MaxPool(_Windows, shown=("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
               kernel_size=REQUIRED, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False): ...  # fmt: skip


class MaxPool1d(_MaxPool, of=F.max_pool1d):
    """The largest of each window of a line: (N, C, L)."""


class MaxPool2d(_MaxPool, of=F.max_pool2d):
    """The largest of each window of a plane: (N, C, H, W)."""


class MaxPool3d(_MaxPool, of=F.max_pool3d):
    """The largest of each window of a volume: (N, C, D, H, W)."""


class _MaxUnpool(Module):
    def __init_subclass__(cls, dims, function) -> None:
        cls.dims, cls.function = dims, function

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride, self.padding = (tuple_of(each, self.dims) for each in (kernel_size, stride, padding))

    def forward(self, input, indices, output_size=None):
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool, dims=1, function=F.max_unpool1d):
    """What MaxPool1d kept, back at its place, zeros elsewhere: (N, C, L)."""


class MaxUnpool2d(_MaxUnpool, dims=2, function=F.max_unpool2d):
    """What MaxPool2d kept, back at its place, zeros elsewhere: (N, C, H, W)."""


class MaxUnpool3d(_MaxUnpool, dims=3, function=F.max_unpool3d):
    """What MaxPool3d kept, back at its place, zeros elsewhere: (N, C, D, H, W)."""


class _AvgPool(_Windows, shown=("kernel_size", "stride", "padding"), kernel_size=REQUIRED, stride=None, padding=0, ceil_mode=False,
               count_include_pad=True, divisor_override=None): ...  # fmt: skip


class AvgPool1d(_AvgPool, of=F.avg_pool1d, kernel_size=REQUIRED, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window of a line: (N, C, L)."""

    def keep(self, kernel_size, stride, padding, **options) -> None:
        kernel_size, stride, padding = (tuple_of(each, 1) for each in (kernel_size, kernel_size if stride is None else stride, padding))
        super().keep(kernel_size, stride, padding=padding, **options)


class AvgPool2d(_AvgPool, of=F.avg_pool2d):
    """The mean of each window of a plane: (N, C, H, W)."""


class AvgPool3d(_AvgPool, of=F.avg_pool3d):
    """The mean of each window of a volume: (N, C, D, H, W)."""


class _LPPool(Layer, norm_type=REQUIRED, kernel_size=REQUIRED, stride=None, ceil_mode=False): ...


class LPPool1d(_LPPool, of=F.lp_pool1d):
    """The p-norm of each window of a line, its sum raised to 1/p: (N, C, L)."""


class LPPool2d(_LPPool, of=F.lp_pool2d):
    """The p-norm of each window of a plane: (N, C, H, W)."""


class LPPool3d(_LPPool, of=F.lp_pool3d):
    """The p-norm of each window of a volume: (N, C, D, H, W)."""


class _AdaptiveAvgPool(Layer, output_size=REQUIRED): ...


class AdaptiveAvgPool1d(_AdaptiveAvgPool, of=F.adaptive_avg_pool1d):
    """The means of `output_size` windows: (N, C, L)."""


class AdaptiveAvgPool2d(_AdaptiveAvgPool, of=F.adaptive_avg_pool2d):
    """The means of `output_size` windows: (N, C, H, W)."""


class AdaptiveAvgPool3d(_AdaptiveAvgPool, of=F.adaptive_avg_pool3d):
    """The means of `output_size` windows: (N, C, D, H, W)."""


class _AdaptiveMaxPool(Layer, shown=("output_size",), output_size=REQUIRED, return_indices=False): ...


class AdaptiveMaxPool1d(_AdaptiveMaxPool, of=F.adaptive_max_pool1d):
    """The largest of `output_size` windows: (N, C, L)."""


class AdaptiveMaxPool2d(_AdaptiveMaxPool, of=F.adaptive_max_pool2d):
    """The largest of `output_size` windows: (N, C, H, W)."""


class AdaptiveMaxPool3d(_AdaptiveMaxPool, of=F.adaptive_max_pool3d):
    """The largest of `output_size` windows: (N, C, D, H, W)."""


class FractionalMaxPool2d(Layer, of=F.fractional_max_pool2d, shown=(), kernel_size=REQUIRED, output_size=None, output_ratio=None,
                          return_indices=False, _random_samples=None):  # fmt: skip
    """The largest of windows at random intervals: (N, C, H, W) (Graham, 2014)."""

    def keep(self, **options) -> None:
        super().keep(**options)
        if self.output_size is None and self.output_ratio is None:
            raise ValueError("FractionalMaxPool2d requires specifying either an output size, or a pooling ratio")
        if self.output_size is not None and self.output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < each < 1 for each in tuple_of(self.output_ratio, 2)):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {self.output_ratio})")

"""Layers that make images larger or smaller, cut them into windows, and rearrange their pixels."""

from . import functional as F
from .function_layer import FunctionLayer


class Upsample(FunctionLayer):
    """(N, C, *spatial) stretched to `size` or by `scale_factor`: see `functional.interpolate`."""

    function = F.interpolate

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        if scale_factor is not None:
            scale_factor = tuple(map(float, scale_factor)) if isinstance(scale_factor, tuple) else float(scale_factor)
        super().__init__(size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners,
                         recompute_scale_factor=recompute_scale_factor)  # fmt: skip
        self.shown = ("size" if scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample):
    """Every output the nearest input."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Every output between its four neighbours, the corners aligned."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(FunctionLayer):
    """(…, C r^2, H, W) -> (…, C, H r, W r) (Shi et al., 2016)."""

    function = F.pixel_shuffle

    def __init__(self, upscale_factor):
        super().__init__(upscale_factor=upscale_factor)


class PixelUnshuffle(FunctionLayer):
    """(…, C, H r, W r) -> (…, C r^2, H, W)."""

    function = F.pixel_unshuffle

    def __init__(self, downscale_factor):
        super().__init__(downscale_factor=downscale_factor)


class ChannelShuffle(FunctionLayer):
    """The channels of `groups` groups taken in turn (Zhang et al., 2018)."""

    function = F.channel_shuffle

    def __init__(self, groups):
        super().__init__(groups=groups)


class Unfold(FunctionLayer):
    """(N, C, H, W) -> (N, C * prod(kernel), windows): every window as a column."""

    function = F.unfold

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


class Fold(FunctionLayer):
    """(N, C * prod(kernel), windows) -> (N, C, *output_size): columns added up where their windows lie."""

    function = F.fold

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__(output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)

"""Layers that make images larger or smaller, cut them into windows, and rearrange their pixels."""

from . import functional as F
from .function_layer import FunctionLayer


class Upsample(FunctionLayer, function=F.interpolate):
    """(N, C, *spatial) stretched to `size` or by `scale_factor`: see `functional.interpolate`."""

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        if scale_factor is not None:
            scale_factor = tuple(map(float, scale_factor)) if isinstance(scale_factor, tuple) else float(scale_factor)
        super().__init__(size, scale_factor, mode, align_corners, recompute_scale_factor)
        self.shown = ("size" if scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample):
    """Every output the nearest input."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Every output between its four neighbours, the corners aligned."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(FunctionLayer, function=F.pixel_shuffle):
    """(…, C r^2, H, W) -> (…, C, H r, W r), r = `upscale_factor` (Shi et al., 2016)."""


class PixelUnshuffle(FunctionLayer, function=F.pixel_unshuffle):
    """(…, C, H r, W r) -> (…, C r^2, H, W), r = `downscale_factor`."""


class ChannelShuffle(FunctionLayer, function=F.channel_shuffle):
    """The channels of `groups` groups taken in turn (Zhang et al., 2018)."""


class Unfold(FunctionLayer, function=F.unfold):
    """(N, C, H, W) -> (N, C * prod(kernel), windows): every window as a column."""


class Fold(FunctionLayer, function=F.fold):
    """(N, C * prod(kernel), windows) -> (N, C, *output_size): columns added up where their windows lie."""

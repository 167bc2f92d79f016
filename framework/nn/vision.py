"""Layers that make images larger or smaller, cut them into windows, and rearrange their pixels."""

from . import functional as F
from .layer import REQUIRED, Layer


class Upsample(Layer, of=F.interpolate, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    """(N, C, *spatial) stretched to `size` or by `scale_factor`: see `functional.interpolate`."""

    def keep(self, size, scale_factor, mode, align_corners=None, recompute_scale_factor=None) -> None:
        if scale_factor is not None:
            scale_factor = tuple(map(float, scale_factor)) if isinstance(scale_factor, tuple) else float(scale_factor)
        super().keep(size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners,
                     recompute_scale_factor=recompute_scale_factor)  # fmt: skip
        self.shown = ("size" if scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample, size=None, scale_factor=None):
    """Every output the nearest input."""

    def keep(self, size, scale_factor) -> None:
        super().keep(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample, size=None, scale_factor=None):
    """Every output between its four neighbours, the corners aligned."""

    def keep(self, size, scale_factor) -> None:
        super().keep(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(Layer, of=F.pixel_shuffle, upscale_factor=REQUIRED):
    """(…, C r^2, H, W) -> (…, C, H r, W r), r = `upscale_factor` (Shi et al., 2016)."""


class PixelUnshuffle(Layer, of=F.pixel_unshuffle, downscale_factor=REQUIRED):
    """(…, C, H r, W r) -> (…, C r^2, H, W), r = `downscale_factor`."""


class ChannelShuffle(Layer, of=F.channel_shuffle, groups=REQUIRED):
    """The channels of `groups` groups taken in turn (Zhang et al., 2018)."""


class Unfold(Layer, of=F.unfold, kernel_size=REQUIRED, dilation=1, padding=0, stride=1):
    """(N, C, H, W) -> (N, C * prod(kernel), windows): every window as a column."""


class Fold(Layer, of=F.fold, output_size=REQUIRED, kernel_size=REQUIRED, dilation=1, padding=0, stride=1):
    """(N, C * prod(kernel), windows) -> (N, C, *output_size): columns added up where their windows lie."""

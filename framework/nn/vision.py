"""Layers that make images larger or smaller, pad them, cut them into windows, rearrange their pixels, and change their shape."""

from ..ops.shape import flatten
from . import functional as F
from .functional.arguments import tuple_of
from .layer import REQUIRED, Layer


class Upsample(Layer, of=F.interpolate, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    def keep(self, size, scale_factor, **options) -> None:
        if scale_factor is not None:
            scale_factor = tuple(map(float, scale_factor)) if isinstance(scale_factor, tuple) else float(scale_factor)
        super().keep(size=size, scale_factor=scale_factor, **options)
        self.shown = ("size" if scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample, size=None, scale_factor=None):
    """Every output the nearest input."""

    def keep(self, size, scale_factor) -> None:
        super().keep(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample, size=None, scale_factor=None):
    """Every output between its four neighbours, the corners aligned."""

    def keep(self, size, scale_factor) -> None:
        super().keep(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Layer, of=F.pixel_shuffle, upscale_factor=REQUIRED): ...
class PixelUnshuffle(Layer, of=F.pixel_unshuffle, downscale_factor=REQUIRED): ...
class ChannelShuffle(Layer, of=F.channel_shuffle, groups=REQUIRED): ...
class Unfold(Layer, of=F.unfold, kernel_size=REQUIRED, dilation=1, padding=0, stride=1): ...
class Fold(Layer, of=F.fold, output_size=REQUIRED, kernel_size=REQUIRED, dilation=1, padding=0, stride=1): ...


class Flatten(Layer, of=flatten, start_dim=1, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""


class Unflatten(Layer, dim=REQUIRED, unflattened_size=REQUIRED):
    """Dimension `dim` as several of the lengths `unflattened_size`."""

    def keep(self, dim, unflattened_size) -> None:
        if not isinstance(dim, int) or not all(isinstance(each, int) for each in unflattened_size):
            raise TypeError(f"Unflatten takes a dimension and a tuple of lengths, integers, but got {dim!r} and {unflattened_size!r}")
        super().keep(dim=dim, unflattened_size=unflattened_size)

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)


# `padding` is one number for all sides, or (left, right, top, bottom, front, back)
class _Pad(Layer, padding=REQUIRED):
    value = None

    def __init_subclass__(cls, dims=None, mode="constant", **declared) -> None:
        super().__init_subclass__(of=F.pad, **declared)
        cls.dims, cls.mode = dims, mode

    def keep(self, padding, **options) -> None:
        super().keep(padding=tuple_of(padding, 2 * self.dims), **options)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad, padding=REQUIRED, value=REQUIRED):
    extra_repr = Layer.extra_repr


class ConstantPad1d(_ConstantPad, dims=1): ...
class ConstantPad2d(_ConstantPad, dims=2): ...
class ConstantPad3d(_ConstantPad, dims=3): ...
class ZeroPad1d(_Pad, dims=1): ...
class ZeroPad2d(_Pad, dims=2): ...
class ZeroPad3d(_Pad, dims=3): ...
class ReflectionPad1d(_Pad, dims=1, mode="reflect"): ...
class ReflectionPad2d(_Pad, dims=2, mode="reflect"): ...
class ReflectionPad3d(_Pad, dims=3, mode="reflect"): ...
class ReplicationPad1d(_Pad, dims=1, mode="replicate"): ...
class ReplicationPad2d(_Pad, dims=2, mode="replicate"): ...
class ReplicationPad3d(_Pad, dims=3, mode="replicate"): ...
class CircularPad1d(_Pad, dims=1, mode="circular"): ...
class CircularPad2d(_Pad, dims=2, mode="circular"): ...
class CircularPad3d(_Pad, dims=3, mode="circular"): ...

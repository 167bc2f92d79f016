"""Padding layers: `padding` is one number for all sides, or (left, right, top, bottom, front, back)."""

from . import functional as F
from .functional.arguments import tuple_of
from .module import Module


class _Pad(Module):
    value = None

    def __init_subclass__(cls, dims=None, mode="constant") -> None:
        cls.dims, cls.mode = dims, mode

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple_of(padding, 2 * self.dims)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad, dims=1):
    """`value` around a line."""


class ConstantPad2d(_ConstantPad, dims=2):
    """`value` around a plane."""


class ConstantPad3d(_ConstantPad, dims=3):
    """`value` around a volume."""


class ZeroPad1d(_Pad, dims=1):
    """Zeros around a line."""


class ZeroPad2d(_Pad, dims=2):
    """Zeros around a plane."""


class ZeroPad3d(_Pad, dims=3):
    """Zeros around a volume."""


class ReflectionPad1d(_Pad, dims=1, mode="reflect"):
    """A line mirrored at its ends."""


class ReflectionPad2d(_Pad, dims=2, mode="reflect"):
    """A plane mirrored at its edges."""


class ReflectionPad3d(_Pad, dims=3, mode="reflect"):
    """A volume mirrored at its faces."""


class ReplicationPad1d(_Pad, dims=1, mode="replicate"):
    """A line whose ends go on."""


class ReplicationPad2d(_Pad, dims=2, mode="replicate"):
    """A plane whose edges go on."""


class ReplicationPad3d(_Pad, dims=3, mode="replicate"):
    """A volume whose faces go on."""


class CircularPad1d(_Pad, dims=1, mode="circular"):
    """A line that goes on at its other end."""


class CircularPad2d(_Pad, dims=2, mode="circular"):
    """A plane that goes on at its other edge."""


class CircularPad3d(_Pad, dims=3, mode="circular"):
    """A volume that goes on at its other face."""

"""Padding layers: `padding` is one number for all sides, or (left, right, top, bottom, front, back)."""

from . import functional as F
from .functional.arguments import tuple_of
from .module import Module


class _Pad(Module):
    dims: int
    mode: str
    value = None

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple_of(padding, 2 * self.dims)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """`value` around a line."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """`value` around a plane."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """`value` around a volume."""

    dims = 3


class ZeroPad1d(_Pad):
    """Zeros around a line."""

    dims, mode, value = 1, "constant", 0.0


class ZeroPad2d(_Pad):
    """Zeros around a plane."""

    dims, mode, value = 2, "constant", 0.0


class ZeroPad3d(_Pad):
    """Zeros around a volume."""

    dims, mode, value = 3, "constant", 0.0


class ReflectionPad1d(_Pad):
    """A line mirrored at its ends."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """A plane mirrored at its edges."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A volume mirrored at its faces."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """A line whose ends go on."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """A plane whose edges go on."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """A volume whose faces go on."""

    dims, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """A line that goes on at its other end."""

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """A plane that goes on at its other edge."""

    dims, mode = 2, "circular"


class CircularPad3d(_Pad):
    """A volume that goes on at its other face."""

    dims, mode = 3, "circular"

"""Padding layers: `padding` is one number for all sides, or (left, right, top, bottom, front, back)."""

from . import functional as F
from .functional.arguments import tuple_of
from .module import Module


class _Pad(Module):
    value = None

    def __init_subclass__(cls, dims=None, mode="constant") -> None:
        cls.dims, cls.mode, cls.__doc__ = dims, mode, F.pad.__doc__

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple_of(padding, 2 * self.dims)

    def forward(self, input):
        if self.mode == "circular" and input.ndim - self.dims not in (1, 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.ndim}D input)")
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


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

"""The element types of tensors, and what comes out when two of them meet.

PyTorch orders types in three kinds, bool < integer < floating.  A result has the highest kind among the operands, and within that kind
the type that the operands *with dimensions* agree on: a 0-d tensor or a Python number never widens a tensor of its own kind.
"""

import builtins
from functools import cache, reduce

import ml_dtypes
import numpy as np

BOOL, INTEGER, FLOATING = 0, 1, 2  # the kinds, in their order


class dtype:
    """One element type: `framework.float32` and its siblings; `.numpy` is NumPy's type of the same bits."""

    def __init__(self, name: str, title: str, numpy_type, kind: builtins.int):
        self.name, self.title = name, title  # int64 and, in error messages, Long
        self.numpy, self.kind = np.dtype(numpy_type), kind
        self.is_floating_point, self.is_signed, self.itemsize = kind == FLOATING, name not in ("bool", "uint8"), self.numpy.itemsize

    def __repr__(self) -> str:
        return f"framework.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # pickled and copied as the module's own object: there is one of each


bool = dtype("bool", "Bool", np.bool_, BOOL)
uint8 = dtype("uint8", "Byte", np.uint8, INTEGER)
int8 = dtype("int8", "Char", np.int8, INTEGER)
int16 = dtype("int16", "Short", np.int16, INTEGER)
int32 = dtype("int32", "Int", np.int32, INTEGER)
int64 = dtype("int64", "Long", np.int64, INTEGER)
float16 = dtype("float16", "Half", np.float16, FLOATING)
bfloat16 = dtype("bfloat16", "BFloat16", ml_dtypes.bfloat16, FLOATING)
float32 = dtype("float32", "Float", np.float32, FLOATING)
float64 = dtype("float64", "Double", np.float64, FLOATING)
short, int, long, half, float, double = int16, int32, int64, float16, float32, float64

ALL = (bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64)
_OF_NUMPY = {each.numpy: each for each in ALL}
_default = float32


def of_numpy(numpy_type) -> dtype:
    """The dtype of NumPy's `numpy_type`, or an error; what that is PyTorch decides, for 1j and for 2**63, NumPy's uint64."""
    found = _OF_NUMPY.get(numpy_type)
    if found is None:
        error = {"c16": NotImplementedError, "c8": NotImplementedError, "u8": ValueError}.get(numpy_type.str[1:], TypeError)
        raise error(f"can't convert np.ndarray of type {numpy_type}: the supported types are {', '.join(each.name for each in ALL)}")
    return found


def get_default_dtype() -> dtype:
    """The type of tensors made from Python floats."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d`, a floating type, the type of tensors made from Python floats."""
    global _default
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default = d


@cache
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds both: `promote_types(uint8, int8)` is `int16`."""
    if type1.kind != type2.kind:
        return max(type1, type2, key=lambda each: each.kind)
    if {type1, type2} == {float16, bfloat16}:
        return float32
    if type1.kind == FLOATING:  # float16 and bfloat16 never meet below this line
        return max(type1, type2, key=lambda each: each.itemsize)
    return _OF_NUMPY[np.promote_types(type1.numpy, type2.numpy)]


def of_number(number) -> dtype:
    """The type a Python number stands for: bool, int64 or the default floating type."""
    if number is True or number is False:
        return bool
    if isinstance(number, complex):
        raise NotImplementedError("complex numbers are not supported")
    return int64 if hasattr(number, "__index__") else _default


def common_type(dimensioned, zero_dim=(), numbers=()) -> dtype:
    """The type of a result from the operands' types, in the order of their say: with dimensions, 0-d, Python numbers."""
    groups = [reduce(promote_types, group) for group in (dimensioned, zero_dim, numbers) if group]
    return max(groups, key=lambda each: each.kind)  # the first of the highest kind


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether a result of type `from_` may be written into a tensor of type `to`: never to a lower kind."""
    return from_.kind <= to.kind

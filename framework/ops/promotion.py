"""Bring operands to a common type before an elementwise op, as PyTorch does (see dtypes.py for the rule), or refuse them."""

import ml_dtypes
import numpy as np

from .. import dtypes
from ..autograd.half import half_type
from ..autograd.mode import mode
from ..autograd.op import cast
from ..autograd.variable import Variable, is_array
from ..device import array_module
from ..offered import expect


def common(args):
    """`args` with every tensor cast to the type that all of them agree on; other arguments are left as they are."""
    first = None
    for arg in args:
        if isinstance(arg, Variable):
            dtype = (arg._later or arg._array).dtype
            if first is None:
                first = dtype
            elif dtype is not first:
                return _unify(args)
        elif type(arg) is float:
            if first is None or first.kind != "f":
                return _unify(args)
        elif arg is not None and (type(arg) is not int or first is None or first.kind != "f" and (first.kind == "b" or not 0 <= arg < 128)):
            return _unify(args)  # a byte of any type holds 0 … 127
    return args


def _unify(args, *others):  # in the type that both have in common
    if not any(isinstance(each, Variable) for each in args):
        return args  # bare arrays, inside a gradient rule: NumPy's own rules serve
    wanted = result_type(*args, *others).numpy
    return [_to(_operand(each), wanted) for each in args]


def result_type(*operands) -> dtypes.dtype:
    """The type that an operation on these tensors and numbers gives."""
    operands = [_operand(each) for each in operands]
    tensors = [each._array for each in operands if isinstance(each, Variable)]
    return dtypes.common_type(
        [dtypes.of_numpy(each.dtype) for each in tensors if each.ndim],
        [dtypes.of_numpy(each.dtype) for each in tensors if not each.ndim],
        [dtypes.of_number(each) for each in operands if isinstance(each, (bool, int, float, complex))],
    )


def _operand(arg):
    """NumPy's scalars count as Python numbers, arrays as tensors."""
    if isinstance(arg, np.generic):
        return arg.item()
    if arg is None or isinstance(arg, (Variable, bool, int, float, complex)):
        return arg
    if is_array(arg):
        return Variable.wrap(arg)
    raise TypeError(f"an operand must be Tensor or a number, not {type(arg).__name__}")


def _to(arg, wanted):
    if isinstance(arg, Variable):
        return arg if arg._array.dtype == wanted else cast(arg, wanted)
    if isinstance(arg, int) and wanted.kind in "iu" and not np.iinfo(wanted).min <= arg <= np.iinfo(wanted).max:
        return int(np.array(arg).astype(wanted))  # wraps round, as C does
    return arg


def scaled(args):
    """`common` of all arguments but the last, `alpha` or `value`: that one scales a result, it does not widen it."""
    given, scale = args[:-1], args[-1]
    operands = common(given)
    if type(scale) is int and scale == 1:
        return args if operands is given else (*operands, 1)
    tensor = next((each for each in operands if isinstance(each, Variable)), None)
    kind = "f" if tensor is None else tensor._array.dtype.kind
    expect(kind == "b" or not isinstance(scale, bool), "Boolean alpha only supported for Boolean results.")
    expect(kind not in "biu" or isinstance(scale, int), "For integers, argument alpha or value must not be a floating point number.")
    return (*operands, bool(scale) if kind == "b" else fitting((tensor, scale))[1])


def minus(args):
    """`scaled`, with bools refused: whoever subtracts them means `^` or `~`."""
    for each in args[:2]:
        if isinstance(each, bool) or isinstance(each, Variable) and each._array.dtype.kind == "b":
            raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported: use `^` or `~` instead.")
    return scaled(args)


def powers(args):
    """`fitting`, with negative powers of integers refused."""
    input, exponent = args
    if isinstance(exponent, int) and exponent < 0 and isinstance(input, Variable) and input._array.dtype.kind in "biu":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return fitting(args) if isinstance(input, Variable) else common(args)


def branches(args):
    """The operands of `where`: the condition apart, two numbers as the tensor they would be."""
    condition, input, other = args
    if isinstance(condition, Variable):
        if condition._array.dtype.kind != "b" and condition._array.dtype != np.uint8:
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.name}")
        if not isinstance(input, Variable) and not isinstance(other, Variable):
            input = Variable.wrap(array_module(condition._array).asarray(input, result_type(input, other).numpy))
    return (condition, *common((input, other)))


def filling(args):
    """The operands of `fill`: what is filled says of which type."""
    input, value = args
    expect(not isinstance(value, Variable) or not value.ndim, "fill_ only supports a number or a tensor without dimensions as value")
    if isinstance(value, (int, float)) and not 0 <= value < 128:  # a byte of any type holds 0 … 127
        check_range(np.asarray(value), getattr(input, "_array", input).dtype)
    return input, fitting(args)[1] if isinstance(value, (int, complex)) else value


def rounded(args):
    """`common`, with numbers rounded to the 16-bit type of the tensors they meet: 0.1 is equal to `tensor(0.1, dtype=float16)`."""
    args = common(args)
    half = half_type([each._array for each in args if isinstance(each, Variable)])
    return args if half is None else [each if isinstance(each, Variable) else float(np.asarray(each).astype(half)) for each in args]


def fitting(args):
    """`common`, with whole numbers refused that the tensors' type does not hold, where other functions let them wrap round."""
    promoted = common(args)
    for before, after in zip(args, promoted, strict=True):
        if type(before) is int and before != after:
            check_range(np.asarray(before), next(each._array.dtype for each in promoted if isinstance(each, Variable)))
    return promoted


def check_range(numbers, dtype) -> None:
    """RuntimeError for numbers, in an array, that the type `dtype` of NumPy's does not hold; PyTorch lets -1 be 255 in uint8."""
    if dtype.kind != "b" and numbers.dtype.kind in "iuf":
        info = np.iinfo(dtype) if dtype.kind in "iu" else ml_dtypes.finfo(dtype)
        low = info.min if numbers.dtype.kind == "f" else info.min or -info.max
        fits = (numbers >= low) & (numbers <= info.max) | (dtype.kind in "fV" and ~np.isfinite(numbers))
        expect(np.all(fits), f"value cannot be converted to type {dtype} without overflow")


def floating(args):
    """As `common`, but of integers each becomes the default floating type, straight from its own: for functions such as `exp` and `/`."""
    for each in args:
        if isinstance(each, Variable) and (each._later or each._array).dtype.kind in "biu":
            return _unify(args, 1.0)
    return common(args)


def refuse(kinds, name, *tensors) -> None:
    """NotImplementedError if one of `tensors` has a type of NumPy's `kinds`: "b" bool, "iu" integers, "fV" floats."""
    for each in tensors:
        if isinstance(each, Variable) and (each._later or each._array).dtype.kind in kinds:
            raise NotImplementedError(f'"{name}" not implemented for {each.dtype.name!r}')


def refusing(kinds, op):
    """`op`, which refuses operands of NumPy's `kinds` once they have a common type."""
    promote = op.promote or (lambda args: args)

    def checked(args):
        args = promote(args)
        refuse(kinds, op.__name__, *args)
        return args

    op.promote = checked
    return op


def alike(args):
    """The operands of a matrix product, which does not promote: RuntimeError if they are not of one type."""
    types = [(each._later or each._array).dtype for each in args if isinstance(each, Variable)]
    if types and types.count(types[0]) < len(types):
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {' != '.join(map(str, types))}")
    return args


def same_type(first, *others) -> tuple:
    """The tensors; RuntimeError if not all are of one type: some functions do not promote."""
    for each in (first, *others):
        expect(isinstance(each, Variable), f"argument must be Tensor, not {type(each).__name__}", TypeError)
        expect(mode.casts or each.dtype is first.dtype, f"expected tensors of one dtype, but got {first.dtype.name} and {each.dtype.name}")
    return first, *others

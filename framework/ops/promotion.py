"""Bring operands to a common type before an elementwise op, as PyTorch does (see dtypes.py for the rule)."""

import numpy as np

from .. import dtypes
from ..autograd.op import cast
from ..autograd.variable import Variable


def common(args):
    """`args` with every tensor cast to the type that all of them agree on; other arguments are left as they are."""
    first = None
    for arg in args:
        if isinstance(arg, Variable):
            dtype = arg._array.dtype
            if first is None:
                first = dtype
            elif dtype is not first:
                return _unify(args)
        elif type(arg) is float:
            if first is None or first.kind != "f":
                return _unify(args)
        elif arg is not None and (type(arg) is not int or first is None or first.kind == "b"):
            return _unify(args)
    return args


def _unify(args):
    if not any(isinstance(each, Variable) for each in args):
        return args  # bare arrays, inside a gradient rule: NumPy's own rules serve
    args = [_operand(each) for each in args]
    tensors = [each for each in args if isinstance(each, Variable)]
    numbers = [dtypes.of_number(each) for each in args if isinstance(each, (bool, int, float, complex))]
    wanted = dtypes.common_type(
        [dtypes.of_numpy(each._array.dtype) for each in tensors if each._array.ndim],
        [dtypes.of_numpy(each._array.dtype) for each in tensors if not each._array.ndim],
        numbers,
    ).numpy
    return [_to(each, wanted) for each in args]


def _operand(arg):
    """NumPy's scalars count as Python numbers, its arrays as tensors."""
    if isinstance(arg, np.generic):
        return arg.item()
    return Variable.wrap(arg) if isinstance(arg, np.ndarray) else arg


def _to(arg, wanted):
    if isinstance(arg, Variable):
        return arg if arg._array.dtype == wanted else cast(arg, wanted)
    if isinstance(arg, int) and wanted.kind in "iu" and not np.iinfo(wanted).min <= arg <= np.iinfo(wanted).max:
        return int(np.array(arg).astype(wanted))  # wraps round, as C does
    return arg


def leading(count):
    """`common` of the first `count` arguments alone: `alpha` and `value` scale a result, they do not widen it."""
    return lambda args: (*common(args[:count]), *args[count:])


def floating(args):
    """As `common`, and integers become the default floating type: for functions such as `exp` and `/`."""
    args = common(args)
    for each in args:
        if isinstance(each, Variable):
            if each._array.dtype.kind in "biu":
                wanted = dtypes.get_default_dtype().numpy
                return [_to(each, wanted) for each in args]
            break
    return args


"""Making tensors: from Python's and NumPy's data, filled with a constant, counted up, drawn at random."""

from functools import reduce
from numbers import Integral, Number
from operator import index

import numpy as np

from . import dtypes, random
from .autograd.variable import Variable, is_array
from .device import array_module, move, namespace
from .device import device as Device
from .offered import expect
from .ops.promotion import check_range
from .size import Size, as_one

# From data


def _finish(array, requires_grad=False, device=None) -> Variable:
    result = Variable.wrap(array if device is None else move(array, Device(device)))
    if requires_grad:
        result.requires_grad = True
    return result


def _array_of(data, dtype=None):
    """NumPy's array of a number, of nested lists of numbers, arrays or tensors, in the type PyTorch would choose, or in `dtype`."""
    types = set()
    data = _unwrap_nested(data, types)
    array = data if array_module(data) is not np else np.asarray(data)  # ValueError for lists of unequal lengths
    expect(array.dtype.kind != "O", f"Could not infer dtype of {type(data).__name__}")
    own = dtypes.of_numpy(array.dtype)  # an error if there is none
    if dtype is None and own.is_floating_point and own not in types:  # NumPy's choice for Python floats
        dtype = reduce(dtypes.promote_types, types, dtypes.get_default_dtype())
    elif dtype is not None and not dtype.is_floating_point and isinstance(data, (list, Number)):
        check_range(array, dtype.numpy)
    return array if dtype in (None, own) else array.astype(dtype.numpy)


def _unwrap_nested(data, types):
    """Nested lists with arrays in place of tensors; `types` collects those of elements that have one, as Python's numbers have not."""
    data = data._array if isinstance(data, Variable) else data
    if is_array(data):
        types.add(dtypes.of_numpy(data.dtype))
    return [_unwrap_nested(each, types) for each in data] if isinstance(data, (list, tuple, range)) else data


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new tensor with a copy of `data`: a number, nested lists, an array.  Python floats become the default type, integers int64."""
    array = _array_of(data, dtype)
    array = array.copy() if isinstance(data, Variable) or is_array(data) else array
    return _finish(array, requires_grad, device)


def as_tensor(data, dtype=None, device=None):
    """A tensor of `data`, sharing its memory where the type and the device allow."""
    if isinstance(data, Variable):
        return data.to(device or data.device, dtype or data.dtype)
    shared = isinstance(data, np.ndarray) and (dtype is None or data.dtype == dtype.numpy)
    result = from_numpy(data) if shared else tensor(data, dtype=dtype)
    return result if device is None else result.to(device)


def from_numpy(ndarray):
    """A tensor that shares the memory of `ndarray`."""
    expect(isinstance(ndarray, np.ndarray), f"expected np.ndarray (got {type(ndarray).__name__})", TypeError)
    dtypes.of_numpy(ndarray.dtype)  # an error if there is none
    expect(min(ndarray.strides, default=0) >= 0, "negative strides are not supported: make a copy with array.copy()", ValueError)
    return _finish(ndarray)


def from_dlpack(ext_tensor):
    """A tensor that shares the memory of any object with `__dlpack__`."""
    return _finish(np.from_dlpack(ext_tensor))


# PyTorch's first constructors


def of_old_constructor(data, dtype=None):
    """What `Tensor(…)`, `FloatTensor(…)` make: an array of nested lists or of an array, or one of given sizes with whatever was there."""
    first, wanted = data[0] if data else 0, dtype or dtypes.get_default_dtype()
    if len(data) != 1 or isinstance(first, (Number, Size)):
        return np.empty(sizes(data or (0,)), wanted.numpy)
    if not isinstance(first, Variable):
        return _array_of(first, wanted)
    expect(dtype in (None, first.dtype), f"expected a tensor of {dtype} (got one of {first.dtype})", TypeError)
    return first._array


class TensorType:
    """PyTorch's first way to name an element type: `FloatTensor` makes tensors, is an argument of `.type()` and of `isinstance`."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __call__(self, *data):
        return _finish(of_old_constructor(data, self.dtype))

    def __instancecheck__(self, each) -> bool:
        return isinstance(each, Variable) and each.dtype is self.dtype and not each.is_cuda


TENSOR_TYPES = {f"{each.title}Tensor": TensorType(each) for each in dtypes.ALL}


# Of a given shape


def sizes(size, named=None) -> tuple:
    """A shape given as separate integers, as one sequence, or by the keyword `size`."""
    expect(size or named is not None, "missing 1 required positional argument: 'size'", TypeError)
    size = size if named is None else (named,)
    shape = tuple(map(index, as_one(size)))
    expect(min(shape, default=0) >= 0, f"Trying to create tensor with negative dimension {min(shape, default=0)}: {list(shape)}")
    return shape


def _where_and_what(device, dtype):
    return namespace(Device(device or "cpu")), (dtype or dtypes.get_default_dtype()).numpy


def floating(dtype):
    """`dtype`; NotImplementedError if it has no fractions."""
    expect(dtype is None or dtype.is_floating_point, f"random numbers with a fraction are not implemented for {dtype}", NotImplementedError)
    return dtype


def _filled(name, docstring):
    def make(*shape, size=None, dtype=None, device=None, requires_grad=False):
        module, kind = _where_and_what(device, dtype)
        return _finish(getattr(module, name)(sizes(shape, size), kind), requires_grad, device)

    make.__name__, make.__doc__ = name, docstring
    return make


zeros = _filled("zeros", "Zeros of the given shape.")
ones = _filled("ones", "Ones of the given shape.")
empty = _filled("empty", "A tensor of the given shape whose values are whatever was in its memory.")


def _number(value):
    return value.item() if hasattr(value, "item") else value


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`fill_value` in the given shape, of the type the value would have as a tensor."""
    value = _array_of(_number(fill_value), dtype)
    module, _ = _where_and_what(device, dtype)
    return _finish(module.full(sizes((size,)), value.item(), value.dtype), requires_grad, device)


def rand(*shape, size=None, dtype=None, device=None, requires_grad=False, generator=None):
    """Uniform random numbers in [0, 1)."""
    module, kind = _where_and_what(device, floating(dtype))
    return _finish(random.uniform(sizes(shape, size), kind, generator, module), requires_grad, device)


def randn(*shape, size=None, dtype=None, device=None, requires_grad=False, generator=None):
    """Random numbers of the standard normal distribution."""
    module, kind = _where_and_what(device, floating(dtype))
    return _finish(random.normal(sizes(shape, size), kind, generator, module), requires_grad, device)


def randint(low=0, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Random integers from `low` (0 if left out) up to, but not including, `high`."""
    if size is None or high is None:
        low, high, size = 0, low, high if size is None else size
    expect(low < high, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    module, kind = _where_and_what(device, dtype or dtypes.int64)
    return _finish(random.integers(low, high, sizes((size,)), generator, module).astype(kind), requires_grad, device)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers 0 … n - 1 in random order."""
    module, kind = _where_and_what(device, dtype or dtypes.int64)
    return _finish(module.asarray(random.permutation(*sizes((n,)), generator).astype(kind)), requires_grad, device)


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, … up to, but not including, `end`: int64 if all three are integers."""
    start, end = (0, start) if end is None else (start, end)
    start, end, step = map(_number, (start, end, step))
    expect(step != 0 and (end - start) * step >= 0, f"step must be nonzero and lead from start to end, but is {step}")
    whole = all(isinstance(each, Integral) for each in (start, end, step))
    module, kind = _where_and_what(device, dtype or (dtypes.int64 if whole else None))
    numbers = module.arange(int(np.ceil((end - start) / step)), dtype=np.float64 if kind.kind in "fV" else np.int64)
    return _finish((start + numbers * step).astype(kind), requires_grad, device)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers evenly spaced from `start` to `end`, both included; exact from both ends."""
    module, kind = _where_and_what(device, dtype)
    start, end, (steps,) = _number(start), _number(end), sizes((steps,))
    place, step = module.arange(steps, dtype=np.float64), (end - start) / max(steps - 1, 1)
    out = np.where(place < steps // 2, start + step * place, end - step * (steps - 1 - place)) if steps > 1 else place + start
    return _finish(out.astype(kind), requires_grad, device)


def logspace(start, end, steps, base=10.0, *, dtype=None, device=None, requires_grad=False):
    """`base` to the power of `steps` numbers evenly spaced from `start` to `end`."""
    _, kind = _where_and_what(device, dtype)
    exponents = linspace(start, end, steps, dtype=dtypes.float64, device=device)._array
    return _finish(np.power(float(base), exponents).astype(kind), requires_grad, device)


def tril_indices(row, col, offset=0, *, dtype=dtypes.int64, device=None):
    """The row and the column numbers, (2, n), of the elements on and below a diagonal of a (row, col) matrix."""
    return tensor(np.stack(np.tril_indices(row, offset, col)), dtype=dtype, device=device)


def triu_indices(row, col, offset=0, *, dtype=dtypes.int64, device=None):
    """The row and the column numbers, (2, n), of the elements on and above a diagonal of a (row, col) matrix."""
    return tensor(np.stack(np.triu_indices(row, offset, col)), dtype=dtype, device=device)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """The identity matrix, (n, m)."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.eye(*sizes((n, n if m is None else m)), dtype=kind), requires_grad, device)


def _like(make, name):
    def like(input, *args, dtype=None, device=None, **options):
        return make(tuple(input.shape), *args, dtype=dtype or input.dtype, device=device or input.device, **options)

    like.__name__, like.__doc__ = f"{name}_like", f"`{name}` in the shape, type and device of `input`."
    return like


zeros_like, ones_like, empty_like = _like(zeros, "zeros"), _like(ones, "ones"), _like(empty, "empty")
full_like, rand_like, randn_like = _like(full, "full"), _like(rand, "rand"), _like(randn, "randn")
randint_like = _like(lambda size, *bounds, **options: randint(*bounds, size=size, **options), "randint")

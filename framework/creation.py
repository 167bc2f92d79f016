"""Making tensors: from Python's and NumPy's data, filled with a constant, counted up, drawn at random."""

import numbers

import numpy as np

from . import dtypes, random
from .autograd.variable import Variable
from .device import device as Device
from .device import move, namespace


def _finish(array, requires_grad=False) -> Variable:
    result = Variable.wrap(array)
    if requires_grad:
        result.requires_grad = True
    return result


def _array_of(data, dtype):
    """NumPy's array of nested lists of numbers, arrays or tensors, in the type PyTorch would choose."""
    if isinstance(data, Variable):
        array = data._array
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
    else:
        data = _unwrap_nested(data)
        try:
            array = np.asarray(data) if dtype is None or dtype.kind == dtypes.FLOATING else np.asarray(data)
        except ValueError as error:
            raise ValueError(f"expected sequences of equal length at every level: {error}") from None
        if array.dtype.kind == "f" and dtype is None or array.size == 0 and dtype is None:
            array = array.astype(dtypes.get_default_dtype().numpy)
    if dtype is not None:
        if dtype.kind == dtypes.INTEGER and not hasattr(data, "dtype"):
            _check_range(array, dtype)
        array = array.astype(dtype.numpy)
    if array.dtype.kind == "c":
        raise NotImplementedError("complex numbers are not supported")
    if array.dtype.kind in "OUS":
        raise TypeError(f"can't convert data of type {type(data).__name__} with elements of type {array.dtype} to a tensor")
    dtypes.of_numpy(array.dtype)
    return array


def _check_range(array, dtype) -> None:
    """RuntimeError for Python numbers that the integer type `dtype` does not hold; PyTorch lets -1 be 255 in uint8."""
    largest, smallest = np.iinfo(dtype.numpy).max, np.iinfo(dtype.numpy).min or -np.iinfo(dtype.numpy).max
    if array.dtype.kind in "iuf" and not np.all((array >= smallest) & (array <= largest)):
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")


def _unwrap_nested(data):
    if isinstance(data, Variable):
        return data._array
    return [_unwrap_nested(each) for each in data] if isinstance(data, (list, tuple)) else data


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new tensor with a copy of `data`: a number, nested lists, an array.  Python floats become the default type, integers int64."""
    array = np.array(_array_of(data, dtype)) if not isinstance(data, Variable) else _array_of(data, dtype).copy()
    return _finish(array if device is None else move(array, Device(device)), requires_grad)


def as_tensor(data, dtype=None, device=None):
    """A tensor of `data`, sharing its memory where the type and the device allow."""
    if isinstance(data, Variable):
        return data.to(device or data.device, dtype or data.dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == dtype.numpy):
        result = from_numpy(data)
    else:
        result = tensor(data, dtype=dtype)
    return result if device is None else result.to(device)


def from_numpy(ndarray):
    """A tensor that shares the memory of `ndarray`."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_numpy(ndarray.dtype)
    if any(step < 0 for step in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
            "(You can probably work around this by making a copy of your array with array.copy().)"
        )
    return _finish(ndarray)


def from_dlpack(ext_tensor):
    """A tensor that shares the memory of any object with `__dlpack__`."""
    return _finish(np.from_dlpack(ext_tensor))


def sizes(size) -> tuple:
    """A shape given as separate integers or as one sequence."""
    shape = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else tuple(size)
    for each in shape:
        if not hasattr(each, "__index__"):
            raise TypeError(f"a size must be integers, but got {type(each).__name__}: {each!r}")
        if each < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {each}: {list(shape)}")
    return tuple(int(each) for each in shape)


def _where_and_what(device, dtype):
    return namespace(Device(device or "cpu")), (dtype or dtypes.get_default_dtype()).numpy


def zeros(*size, dtype=None, device=None, requires_grad=False):
    """Zeros of the given shape."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.zeros(sizes(size), kind), requires_grad)


def ones(*size, dtype=None, device=None, requires_grad=False):
    """Ones of the given shape."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.ones(sizes(size), kind), requires_grad)


def empty(*size, dtype=None, device=None, requires_grad=False):
    """A tensor of the given shape whose values are whatever was in its memory."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.empty(sizes(size), kind), requires_grad)


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`fill_value` in the given shape, of the type the value would have as a tensor."""
    module, kind = _where_and_what(device, dtype or dtypes.of_number(fill_value))
    return _finish(module.full(sizes((size,)), fill_value, kind), requires_grad)


def rand(*size, dtype=None, device=None, requires_grad=False, generator=None):
    """Uniform random numbers in [0, 1)."""
    module, kind = _where_and_what(device, dtype)
    return _finish(random.uniform(sizes(size), kind, generator, module), requires_grad)


def randn(*size, dtype=None, device=None, requires_grad=False, generator=None):
    """Random numbers of the standard normal distribution."""
    module, kind = _where_and_what(device, dtype)
    return _finish(random.normal(sizes(size), kind, generator, module), requires_grad)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Random integers from `low` (0 if left out) up to, but not including, `high`."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    module, kind = _where_and_what(device, dtype or dtypes.int64)
    return _finish(random.integers(low, high, sizes((size,)), generator, module).astype(kind), requires_grad)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers 0 … n - 1 in random order."""
    module, kind = _where_and_what(device, dtype or dtypes.int64)
    return _finish(module.asarray(random.permutation(n, generator).astype(kind)), requires_grad)


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, … up to, but not including, `end`: int64 if all three are integers."""
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (each.item() if isinstance(each, Variable) else each for each in (start, end, step))
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError("step must be nonzero" if step == 0 else "upper bound and lower bound inconsistent with step sign")
    if dtype is None and all(isinstance(each, numbers.Integral) for each in (start, end, step)):
        dtype = dtypes.int64
    module, kind = _where_and_what(device, dtype)
    count = int(np.ceil((end - start) / step))
    wide = np.float64 if kind.kind in "fV" else np.int64
    return _finish((start + module.arange(count, dtype=wide) * step).astype(kind), requires_grad)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers evenly spaced from `start` to `end`, both included."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.linspace(start, end, steps).astype(kind), requires_grad)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """The identity matrix, (n, m)."""
    module, kind = _where_and_what(device, dtype)
    return _finish(module.eye(n, m, dtype=kind), requires_grad)


def _like(make):
    def like(input, *args, dtype=None, device=None, requires_grad=False, **options):
        return make(
            tuple(input.shape), *args, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad, **options
        )

    like.__name__ = f"{make.__name__}_like"
    like.__doc__ = f"`{make.__name__}` in the shape, type and device of `input`."
    return like


zeros_like, ones_like, empty_like = _like(zeros), _like(ones), _like(empty)
full_like, rand_like, randn_like = _like(full), _like(rand), _like(randn)

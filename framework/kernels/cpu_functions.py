"""Functions of one number and of two on a CPU, by all threads: float32 in double precision, of which these formulas lose less than counts.

    @in_loops
    def sinh(x):        # `_loop` makes the loop over an array of it: each number widened to double precision, and the result rounded
        …

All are within one unit in float32's last place, nearly always the nearest float32; exp and exp2 stay in single precision, within two.
A loop is compiled when its function is first called on a large array.
"""

import functools
import math

import numpy as np
from numba import types
from numba.extending import overload

from ..ops import elementwise
from . import MOVED, cpu_math
from . import cpu_double as double
from .cpu import compiled, contiguous, kernel, large, run
from .cpu_double import FAR, IN_LOOPS, in_loops

_QUICK = (-1, 0.5, 2)  # exponents for which NumPy too needs but one vector instruction
_MOST = float(np.finfo(np.float32).max)
_SINGLE, _BOTH = (np.float32,), (np.float32, np.float64)


@in_loops
def _as_it_is(x):
    return x


@functools.cache
def _loop(function, widened, exactly):
    """The loop of a function of one number; `exactly` computes it for those beyond FAR, if that differs.

    Numba's cache tells such loops apart by their names, and by what their closures hold: a function that stands in a module does, where a
    compiled one is another in every process.
    """
    far = math.inf if exactly is None else FAR
    exactly = exactly or function

    def loop(input, out, share, first, last):
        input, out, some_far = input[first:last], out[first:last], False
        for i in range(input.size):
            x = widened(input[i])
            out[i] = function(x)
            some_far |= abs(x) > far
        if some_far:
            for i in range(input.size):
                x = widened(input[i])
                if abs(x) > far:
                    out[i] = exactly(x)

    loop.__qualname__ = function.__name__
    return compiled(**IN_LOOPS)(loop)


def _of_one(function, input, widened=np.float64, kinds=_SINGLE, exactly=None):
    """What the loop of `function` makes of an array, if it is large and of one of these kinds."""
    if not large(input) or input.dtype not in kinds or not contiguous(input):
        return NotImplemented
    out = np.empty_like(input)
    run(_loop(function, widened, exactly), out.size, input.reshape(-1), out.reshape(-1))
    return out


@in_loops
def log2(x):
    return double.log(x) * (1 / math.log(2))


@in_loops
def log10(x):
    return double.log(x) * (1 / math.log(10))


@in_loops
def log1p(x):
    """log(1 + x), and its series x - x^2 / 2 + x^3 / 3 near 0."""
    return x * (1.0 - x * (0.5 - x * (1 / 3))) if abs(x) < 1e-4 else double.log(1.0 + x)


@in_loops
def asin(x):
    steep, y = double.asin_parts(x)
    return math.copysign(math.pi / 2 - 2.0 * y if steep else y, x)


@in_loops
def acos(x):
    """pi / 2 - asin x, of which nothing is left near 1 but the 2 y."""
    steep, y = double.asin_parts(x)
    y = math.copysign(y, x)
    return (2.0 * y if x > 0.0 else math.pi + 2.0 * y) if steep else math.pi / 2 - y


@in_loops
def atan(x):
    return double.atan2(x, 1.0)


@in_loops
def sinh(x):
    """(e^a - e^-a) / 2 for a = |x|, of p = e^a - 1."""
    p = double.expm1(abs(x))
    return math.copysign(0.5 * (p + p / (1.0 + p)), x)


@in_loops
def cosh(x):
    """(e^x + e^-x) / 2."""
    y = double.exp(x)
    return 0.5 * (y + 1.0 / y)


@in_loops
def asinh(x):
    """log(|x| + sqrt(x^2 + 1)) with the sign of x, and its series near 0."""
    return x * (1.0 - x * x * (1 / 6)) if abs(x) < 1e-3 else math.copysign(double.log(abs(x) + math.sqrt(x * x + 1.0)), x)


@in_loops
def acosh(x):
    """log(x + sqrt(x^2 - 1)); the square of a float32 is exact."""
    return double.log(x + math.sqrt(x * x - 1.0)) if x >= 1.0 else math.nan


@in_loops
def atanh(x):
    """log((1 + x) / (1 - x)) / 2, and its series near 0."""
    return x * (1.0 + x * x * (1 / 3)) if abs(x) < 1e-3 else 0.5 * double.log((1.0 + x) / (1.0 - x))


def _kernel_of(op, function, **how):
    """Make `function`, of one number, the kernel of `op`."""

    def by_all_threads(input):
        return _of_one(function, input, **how)

    by_all_threads.__name__ = f"parallel_{function.__name__}"
    kernel(op)(by_all_threads)


_kernel_of(elementwise.exp, cpu_math.exp, widened=_as_it_is, kinds=_BOTH)
_kernel_of(elementwise.exp2, cpu_math.exp2, widened=_as_it_is)
_kernel_of(elementwise.log, cpu_math.log, widened=_as_it_is, kinds=_BOTH)
_kernel_of(elementwise.sin, double.sin, exactly=math.sin)
_kernel_of(elementwise.cos, double.cos, exactly=math.cos)
_kernel_of(elementwise.tan, double.tan, exactly=math.tan)
for _op, _function in {
    elementwise.expm1: double.expm1, elementwise.log2: log2, elementwise.log10: log10, elementwise.log1p: log1p,
    elementwise.asin: asin, elementwise.acos: acos, elementwise.atan: atan, elementwise.sinh: sinh, elementwise.cosh: cosh,
    elementwise.asinh: asinh, elementwise.acosh: acosh, elementwise.atanh: atanh,
    elementwise.erf: double.erf, elementwise.erfc: double.erfc,
}.items():  # fmt: skip
    _kernel_of(_op, _function)


def _part(operand, first, last):
    """The share of an array; a number is every share's, in Numba's code only."""
    raise NotImplementedError


def _at(operand, i):
    """An array's element, or the number, in Numba's code only."""
    raise NotImplementedError


@overload(_part)
def _part_of(operand, first, last):
    array = isinstance(operand, types.Array)
    return (lambda operand, first, last: operand[first:last]) if array else (lambda operand, first, last: operand)


@overload(_at)
def _element_of(operand, i):
    return (lambda operand, i: operand[i]) if isinstance(operand, types.Array) else (lambda operand, i: operand)


@functools.cache
def _loop_of_two(function):
    """As `_loop`."""

    def loop(left, right, out, share, first, last):
        left, right, out = _part(left, first, last), _part(right, first, last), out[first:last]
        for i in range(out.size):
            out[i] = function(np.float64(_at(left, i)), np.float64(_at(right, i)))

    loop.__qualname__ = function.__name__
    return compiled(**IN_LOOPS)(loop)


def _flat_or_number(operand):
    """What loops take: the elements of a large float32 array in a row, or a number, as float32; None of anything else."""
    if np.ndim(operand):
        return operand.reshape(-1) if operand.dtype == np.float32 and contiguous(operand) and large(operand) else None
    single = type(operand) in (int, float) or getattr(operand, "dtype", None) == np.float32
    return np.float32(operand) if single and abs(operand) <= _MOST else None


def _of_two(function, left, right):
    """What the loop of `function` makes of two arrays of one shape, or of an array and a number."""
    operands, shapes = [_flat_or_number(left), _flat_or_number(right)], [each.shape for each in (left, right) if np.ndim(each)]
    if any(each is None for each in operands) or not shapes or shapes[0] != shapes[-1]:
        return NotImplemented
    out = np.empty(shapes[0], np.float32)
    run(_loop_of_two(function), out.size, *operands, out.reshape(-1))
    return out


@in_loops
def pow(x, y):
    """e^(y log |x|) with the sign of x if y is odd, and what C says of zeros, infinities and roots of negative numbers."""
    size = double.exp(y * double.log(abs(x)))
    size = 1.0 if (y == 0.0) | (x == 1.0) | (abs(x) == 1.0) & (abs(y) == math.inf) else size
    size = math.nan if (x < 0.0) & (x > -math.inf) & (np.floor(y) != y) else size
    odd = (np.floor(y) == y) & (np.floor(0.5 * y) != 0.5 * y)
    return math.copysign(size, x) if odd else size


@in_loops
def inverse(x):
    return 1.0 / x


@in_loops
def root(x):
    return math.sqrt(x)


@in_loops
def square(x):
    return x * x


@in_loops
def cube(x):
    return x * x * x


_POWERS = {-1.0: inverse, 0.5: root, 2.0: square, 3.0: cube}


@kernel(elementwise.atan2)
def parallel_atan2(input, other):
    return _of_two(double.atan2, input, other)


@kernel(elementwise.pow)
def parallel_pow(input, exponent):
    number = None if np.ndim(exponent) else _flat_or_number(exponent)
    if number in (0, 1) or number in _QUICK and np.size(input) < MOVED:
        return NotImplemented
    return _of_one(_POWERS[number], input) if number in _POWERS else _of_two(pow, input, exponent)

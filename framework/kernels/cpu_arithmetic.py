"""Sums, products and choices of large arrays on a CPU, which broadcast against each other: by all threads.

The result is taken as rows, as long as the operands let them be: of each operand a row of the result needs a row, or one number.
"""

import functools
import math
import operator

import numpy as np
from numba.extending import register_jitable

from ..ops import elementwise
from . import MOVED
from .cpu import broadcast, compiled, contiguous, floats, kernel, run_shares
from .cpu_norm import Normalised

_SHORT = 32  # numbers in a row: with fewer NumPy's loop is no slower


@register_jitable
def _larger(x, y):
    return x if (x > y) | (x != x) else y  # nan if either is


@register_jitable
def _smaller(x, y):
    return x if (x < y) | (x != x) else y


@compiled(inline="always")
def _begin(operand, columns, repeats, r):
    """Where what an operand has for row r of the result begins: each of its rows, of so many columns, serves `repeats` rows in turn."""
    return np.uintp(r // repeats * columns % operand.size)  # unsigned places are never counted from the end


@functools.cache
def _loop(function):
    """The compiled loop that makes numbers [first, last) of the rows of `out`, counted through, of two operands by a function of two.

    Numba's cache on disk tells these loops apart by their names.
    """

    def loop(a, a_columns, a_repeats, b, b_columns, b_repeats, out, columns, share, first, last):
        for r in range(first // columns, -(-last // columns)):
            x, y, z = _begin(a, a_columns, a_repeats, r), _begin(b, b_columns, b_repeats, r), np.uintp(r * columns)
            start, stop = np.uintp(max(0, first - r * columns)), np.uintp(min(columns, last - r * columns))
            if a_columns == b_columns == columns:
                for i in range(start, stop):
                    out[z + i] = function(a[x + i], b[y + i])
            elif a_columns == columns:
                number = b[y]
                for i in range(start, stop):
                    out[z + i] = function(a[x + i], number)
            elif b_columns == columns:
                number = a[x]
                for i in range(start, stop):
                    out[z + i] = function(number, b[y + i])
            else:
                number = function(a[x], b[y])
                for i in range(start, stop):
                    out[z + i] = number

    loop.__qualname__ = function.__name__
    return compiled()(loop)


@compiled()
def _choose(chosen, chosen_columns, chosen_repeats, a, a_columns, a_repeats, b, b_columns, b_repeats, out, columns, share, first, last):
    """The same of three: a where it is chosen, else b."""
    for r in range(first // columns, -(-last // columns)):
        w, z = _begin(chosen, chosen_columns, chosen_repeats, r), np.uintp(r * columns)
        x, y = _begin(a, a_columns, a_repeats, r), _begin(b, b_columns, b_repeats, r)
        start, stop = np.uintp(max(0, first - r * columns)), np.uintp(min(columns, last - r * columns))
        if chosen_columns == 1:
            source, at, step = (a, x, np.uintp(a_columns > 1)) if chosen[w] else (b, y, np.uintp(b_columns > 1))
            for i in range(start, stop):
                out[z + i] = source[at + i * step]
        elif a_columns == b_columns == columns:
            for i in range(start, stop):
                left, right = a[x + i], b[y + i]  # both are read, so that vectors can be
                out[z + i] = left if chosen[w + i] else right
        elif a_columns == columns:
            right = b[y]
            for i in range(start, stop):
                left = a[x + i]
                out[z + i] = left if chosen[w + i] else right
        elif b_columns == columns:
            left = a[x]
            for i in range(start, stop):
                right = b[y + i]
                out[z + i] = left if chosen[w + i] else right
        else:
            left, right = a[x], b[y]
            for i in range(start, stop):
                out[z + i] = left if chosen[w + i] else right


def _folded(shape, arrays):
    """How many columns the rows have of a result of this shape; and of each array its elements, in how many columns (as many, or 1) they
    are, and for how many rows of the result each of its rows serves.  None where there are no such rows.
    """
    if all([each.shape == shape for each in arrays]):
        size = math.prod(shape)
        return size, [part for each in arrays for part in (each.reshape(-1), size, 1)]
    ndim = split = len(shape)
    shapes = [(1,) * (ndim - each.ndim) + each.shape for each in arrays]
    while split and all([each[split - 1 :] in (shape[split - 1 :], (1,) * (ndim - split + 1)) for each in shapes]):
        split -= 1
    operands = []
    for array, each in zip(arrays, shapes, strict=True):
        along = [d for d in range(split) if each[d] != 1] or [0]
        first, last = along[0], along[-1] + 1
        if math.prod(each[:split]) not in (1, math.prod(shape[first:last])):
            return None  # a dimension of length 1 between others
        operands += [array.reshape(-1), math.prod(each[split:]), math.prod(shape[last:split])]
    return math.prod(shape[split:]), operands


def _narrow(array):
    """What a broadcast view was made of: one element where it shows the same again and again."""
    return array[tuple([slice(1) if step == 0 else slice(None) for step in array.strides])] if 0 in array.strides else array


def _computed(loop, *operands):
    """What `loop` makes of operands that broadcast against each other; NotImplemented if NumPy is as fast."""
    dtype = next(each.dtype for each in reversed(operands) if isinstance(each, np.ndarray))
    arrays = [each if isinstance(each, np.ndarray) else np.asarray(each, dtype) for each in operands]
    shape = broadcast(*[each.shape for each in arrays])
    arrays = [_narrow(each) for each in arrays]
    if shape is None or math.prod(shape) < MOVED or not contiguous(*arrays):
        return NotImplemented
    folded = _folded(shape, arrays)
    if folded is None or folded[0] < _SHORT:
        return NotImplemented
    out = np.empty(shape, dtype)
    run_shares(loop, out.size, *folded[1], out.reshape(-1), folded[0])
    return out


def arithmetic(function, input, other):
    """function(input, other) element by element, of arrays of one floating type, or of one and a number."""
    arrays = [each for each in (input, other) if isinstance(each, np.ndarray)]
    return _computed(_loop(function), input, other) if arrays and floats(*arrays) else NotImplemented


@kernel(elementwise.add)
def parallel_add(input, other, alpha):
    return arithmetic(operator.add, input, other) if alpha == 1 else NotImplemented


@kernel(elementwise.plus)
@kernel(elementwise.plus, Normalised)
def parallel_plus(input, other):
    late, array = (input, other) if isinstance(input, Normalised) else (other, input)
    if not isinstance(late, Normalised):
        small = np.shape(input) == np.shape(other) and input.size < MOVED
        return NotImplemented if small else arithmetic(operator.add, input, other)
    if late.shape != getattr(array, "shape", ()) or not floats(late, array):
        return NotImplemented
    return late.plus(array.array() if isinstance(array, Normalised) else array)


@kernel(elementwise.sub)
def parallel_sub(input, other, alpha):
    return arithmetic(operator.sub, input, other) if alpha == 1 else NotImplemented


def _made(function, input, other):
    """The same for a gradient, by NumPy if need be."""
    out = arithmetic(function, input, other)
    return function(input, other) if out is NotImplemented else out


@kernel(elementwise.mul)
def parallel_mul(input, other):
    out = arithmetic(operator.mul, input, other)
    if out is NotImplemented:
        return NotImplemented
    return out, lambda grad, *needs: [
        _made(operator.mul, grad, each) if needed else None for each, needed in zip((other, input), needs, strict=True)
    ]


@kernel(elementwise.true_divide)
def parallel_div(input, other):
    out = arithmetic(operator.truediv, input, other)
    if out is NotImplemented:
        return NotImplemented

    def backward(grad, *needs):
        grad = _made(operator.truediv, grad, other)
        ratio = _made(operator.truediv, input, -other) if needs[1] else None  # not -out, which may have been changed since
        return grad if needs[0] else None, _made(operator.mul, grad, ratio) if needs[1] else None

    return out, backward


@kernel(elementwise.maximum)
def parallel_maximum(input, other):
    return arithmetic(_larger, input, other)


@kernel(elementwise.minimum)
def parallel_minimum(input, other):
    return arithmetic(_smaller, input, other)


@kernel(elementwise.clamp)
def parallel_clamp(input, min, max):
    for function, bound in ((_larger, min), (_smaller, max)):
        if bound is not None and input is not NotImplemented:
            input = arithmetic(function, input, bound)
    return input


@kernel(elementwise.where_op)
def parallel_where(condition, input, other):
    arrays = [each for each in (input, other) if isinstance(each, np.ndarray)]
    if not arrays or not floats(*arrays) or getattr(condition, "dtype", None) != np.bool_:
        return NotImplemented
    return _computed(_choose, condition, input, other)

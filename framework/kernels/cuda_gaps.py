"""What CuPy has not as NumPy has it: a dimension of a single number, a condition that is no array, systems that are spread, extremes."""

import numpy as np

from ..ops import decompositions, elementwise, reduce, scan, scatter, sort
from .cuda import cupy, gpu_kernel


@gpu_kernel(elementwise.where_op)
def where_a_bool(condition, input, other):
    if not isinstance(condition, (bool, np.bool)):
        return NotImplemented
    return cupy().where(cupy().full((), condition), input, other)


def _of_one(op):
    """`op` along dimension 0 of a single number, which NumPy takes for a vector."""

    def of_a_number(input, dim, *others):
        if input.ndim or dim not in (0, -1):
            return NotImplemented
        return op.forward(input.reshape(1), 0, *others).reshape(())

    return of_a_number


for _op in (reduce.prod, reduce.argmax, reduce.argmin, scan.cumsum, scan.cumprod):
    gpu_kernel(_op)(_of_one(_op))


@gpu_kernel(sort.isin)
def is_a_number_in(elements, test_elements, assume_unique, invert):
    if hasattr(test_elements, "ravel") and hasattr(elements, "ravel"):
        return NotImplemented
    return cupy().isin(cupy().asarray(elements), cupy().asarray(test_elements), assume_unique, invert)


@gpu_kernel(decompositions.solve_matrices)
def solve_spread(A, B):
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    if A.shape[:-2] == B.shape[:-2]:
        return NotImplemented
    spread = [cupy().ascontiguousarray(cupy().broadcast_to(each, (*batch, *each.shape[-2:]))) for each in (A, B)]
    return decompositions.solve_matrices.forward(*spread)


_SIGN = np.uint64(1 << 63)


def _keys(numbers):
    """For doubles uint64 in the same order: CuPy compares doubles that are scattered as floats."""
    bits = cupy().ascontiguousarray(numbers).view(np.uint64)
    return cupy().where(bits & _SIGN, ~bits, bits | _SIGN)


def _numbers(keys):
    """The doubles that had these keys."""
    return cupy().where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float64)


def _by_keys(op):
    def exactly(input, dim, index, src):
        if input.dtype != np.float64 or src.dtype != np.float64:
            return NotImplemented
        return _numbers(op.forward(_keys(input), dim, index, _keys(src))).reshape(input.shape)

    return exactly


for _op in (scatter.scatter_amax, scatter.scatter_amin):
    gpu_kernel(_op)(_by_keys(_op))

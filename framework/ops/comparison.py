"""Comparisons, logic and bits, element by element; none has a gradient."""

import math

import numpy as np

from ..autograd.op import op
from .elementwise import elementwise
from .promotion import expect, rounded, same_type

eq = elementwise(lambda input, other: input == other, promote=rounded)
ne = elementwise(lambda input, other: input != other, promote=rounded)
lt = elementwise(lambda input, other: input < other, promote=rounded)
le = elementwise(lambda input, other: input <= other, promote=rounded)
gt = elementwise(lambda input, other: input > other, promote=rounded)
ge = elementwise(lambda input, other: input >= other, promote=rounded)
logical_and = elementwise(lambda input, other: np.logical_and(input, other))
logical_or = elementwise(lambda input, other: np.logical_or(input, other))
logical_xor = elementwise(lambda input, other: np.logical_xor(input, other))
logical_not = op(lambda input: np.logical_not(input))
bitwise_and = elementwise(lambda input, other: input & other, not_for="fV")
bitwise_or = elementwise(lambda input, other: input | other, not_for="fV")
bitwise_xor = elementwise(lambda input, other: input ^ other, not_for="fV")
bitwise_not = elementwise(lambda input: ~input, not_for="fV")
bitwise_left_shift = elementwise(lambda input, other: np.left_shift(input, other), not_for="bfV")
bitwise_right_shift = elementwise(lambda input, other: np.right_shift(input, other), not_for="bfV")
isnan = op(lambda input: np.isnan(input))
isinf = op(lambda input: np.isinf(input))
isfinite = op(lambda input: np.isfinite(input))
isposinf = op(lambda input: input == np.inf)
isneginf = op(lambda input: input == -np.inf)


def invert(input):
    """~ input."""
    expect(not input.is_floating_point(), "~ (operator.invert) is only implemented on integer and Boolean-type tensors", TypeError)
    return bitwise_not(input)


def isclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |input - other| <= atol + rtol |other|, or both are the same infinity (or nan, if `equal_nan`)."""
    same_type(input, other)
    expect(rtol >= 0 and atol >= 0, f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    if not input.is_floating_point():
        input, other = input.double(), other.double()
    difference = (input - other).abs()
    close = (input == other) | (difference < math.inf) & (difference <= atol + (rtol * other).abs())
    return close | isnan(input) & isnan(other) if equal_nan else close


def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False) -> bool:
    """Whether all elements are close, as `isclose` has it."""
    return isclose(input, other, rtol, atol, equal_nan).all().item()


def equal(input, other) -> bool:
    """Whether two tensors have the same shape and elements."""
    return input.shape == other.shape and eq(input, other).all().item()

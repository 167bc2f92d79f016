"""Functions of one number that the compiler turns into vector instructions, where the C library's take one number at a time."""

import math

import numpy as np
from numba import types
from numba.extending import overload

from .cpu import compiled

_LOWEST, _HIGHEST = np.float32(-104), np.float32(89)  # beyond them float32 has only 0 and inf
_LOG_2_E, _HALF = np.float32(math.log2(math.e)), np.float32(0.5)
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)  # n * HIGH is exact
_TERMS = tuple(map(np.float32, (1.9875691e-4, 1.3981999e-3, 8.3334519e-3, 4.1665796e-2, 1.6666666e-1, 0.5)))  # Cephes' expf
_BIAS, _FRACTION, _ONE = np.int32(127), np.int32(23), np.int32(1)


@compiled()
def _power_of_2(n):
    """2^n for n in [-126, 127], from its bits."""
    return np.int32((n + _BIAS) << _FRACTION).view(np.float32)


@compiled()
def _exp_single(x):
    """exp(x) = 2^n exp(r) with |r| <= log(2) / 2, to one unit in the last place; 2^n in two steps, for n goes from -150 to 128."""
    x = _LOWEST if x < _LOWEST else _HIGHEST if x > _HIGHEST else x  # a nan stays
    whole = np.floor(x * _LOG_2_E + _HALF)
    r = x - whole * _LOG_2_HIGH - whole * _LOG_2_LOW
    series = _TERMS[0]
    for term in _TERMS[1:]:
        series = series * r + term
    n = np.int32(whole)
    half = np.int32(n >> _ONE)
    return (series * r * r + r + np.float32(1)) * _power_of_2(half) * _power_of_2(np.int32(n - half))


def exp(x):
    """e^x, in Numba's code only."""
    raise NotImplementedError


@overload(exp)
def _exp(x):
    return (lambda x: _exp_single(x)) if x == types.float32 else (lambda x: math.exp(x))

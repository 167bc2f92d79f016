"""Functions of one number that the compiler turns into vector instructions, where the C library's take one number at a time."""

import math

import numpy as np
from numba import types
from numba.extending import overload

from . import cpu_double as double
from .cpu import compiled

_LOWEST, _HIGHEST = np.float32(-104), np.float32(89)  # beyond them float32 has only 0 and inf
_LOWEST_OF_2, _HIGHEST_OF_2 = np.float32(-151), np.float32(129)
_LOG_2, _LOG_2_E, _HALF = np.float32(math.log(2)), np.float32(math.log2(math.e)), np.float32(0.5)
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)  # n * HIGH is exact
_TERMS = tuple(map(np.float32, (1.9875691e-4, 1.3981999e-3, 8.3334519e-3, 4.1665796e-2, 1.6666666e-1, 0.5)))  # Cephes' expf
_TANH_TERMS = tuple(
    map(np.float32, (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1))
)  # Cephes' tanhf
_ARTANH_DOUBLE = tuple(1 / n for n in range(33, 0, -2))  # enough for s = 1/3
_ARTANH_SINGLE = tuple(map(np.float32, _ARTANH_DOUBLE[-8:]))
_ARTANH_TAIL = tuple(2 / n for n in range(21, 1, -2))
_ERF_ABOVE = tuple(map(np.float32, (1.9867907e-6, 2.8456419e-4, 3.8832789e-3, 5.3101547e-2, 1.9354358e-1, 1.1283791)))
_ERF_BELOW = tuple(map(np.float32, (3.7420174e-5, 1.1855549e-3, 1.5207122e-2, 1.1534938e-1, 5.0485611e-1, 1.0)))
_FOUR = np.float32(4)
_BIAS, _FRACTION, _ONE = np.int32(127), np.int32(23), np.int32(1)


@compiled(**double.IN_LOOPS)
def _power_of_2(n):
    """2^n for n in [-126, 127], from its bits."""
    return np.int32((n + _BIAS) << _FRACTION).view(np.float32)


@compiled(**double.IN_LOOPS)
def _scaled_exp(n, r):
    """2^n exp(r) for |r| <= log(2) / 2; 2^n in two steps, for n goes from -151 to 129."""
    series = _TERMS[0]
    for term in _TERMS[1:]:
        series = series * r + term
    half = np.int32(n >> _ONE)
    return (series * r * r + r + np.float32(1)) * _power_of_2(half) * _power_of_2(np.int32(n - half))


@compiled(**double.IN_LOOPS)
def _exp_single(x):
    """exp(x) = 2^n exp(r) with |r| <= log(2) / 2, to one unit in the last place."""
    x = _LOWEST if x < _LOWEST else _HIGHEST if x > _HIGHEST else x  # a nan stays
    whole = np.floor(x * _LOG_2_E + _HALF)
    return _scaled_exp(np.int32(whole), x - whole * _LOG_2_HIGH - whole * _LOG_2_LOW)


@compiled(**double.IN_LOOPS)
def _exp2_single(x):
    """2^x = 2^n exp(r log 2) with |r| <= 1 / 2."""
    x = _LOWEST_OF_2 if x < _LOWEST_OF_2 else _HIGHEST_OF_2 if x > _HIGHEST_OF_2 else x
    whole = np.floor(x + _HALF)
    return _scaled_exp(np.int32(whole), (x - whole) * _LOG_2)


@compiled(**double.IN_LOOPS)
def _power_of_2_double(n):
    """2^n for n in [-1022, 1023], from its bits."""
    return np.int64((n + np.int64(1023)) << np.int64(52)).view(np.float64)


@compiled(**double.IN_LOOPS)
def _exp_double(x):
    """The same, with exp(r) = 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2)), after Cephes."""
    x = -746.0 if x < -746.0 else 710.0 if x > 710.0 else x
    whole = np.floor(x * math.log2(math.e) + 0.5)
    r = x - whole * double.LOG_2_HIGH - whole * double.LOG_2_LOW  # the first product is exact
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1)
    q = ((3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1) * z + 2.0
    n = np.int64(whole)
    half = n >> np.int64(1)
    return (1.0 + 2.0 * p / (q - p)) * _power_of_2_double(half) * _power_of_2_double(n - half)


@compiled(**double.IN_LOOPS)
def _log_double(x):
    """n log 2 + (f - f^2 / 2) + s (f^2 / 2 + R(s^2)) of x = 2^n (1 + f), to one unit in the last place: small terms first, after fdlibm."""
    n, f = double.log_parts(x * 2.0**54 if x < 2.0**-1022 else x)
    n = n - 54.0 if x < 2.0**-1022 else n
    s, half = f / (2.0 + f), 0.5 * f * f
    z = s * s
    y = n * double.LOG_2_LOW + s * (half + z * double.series(z, _ARTANH_TAIL))
    y = n * double.LOG_2_HIGH - ((half - y) - f)
    y = y if x < math.inf else x
    y = y if x > 0.0 else math.nan
    return y if x != 0.0 else -math.inf


@compiled(**double.IN_LOOPS)
def _tanh_single(x):
    """1 - 2 / (exp(2 |x|) + 1) with x's sign; near 0, where that would lose digits, a polynomial (Cephes)."""
    size = abs(x)
    z = x * x
    series = _TANH_TERMS[0]
    for term in _TANH_TERMS[1:]:
        series = series * z + term
    near = series * z * x + x
    far = np.float32(1) - np.float32(2) / (_exp_single(size + size) + np.float32(1))
    return near if size < np.float32(0.625) else far if x > 0 else -far


@compiled(**double.IN_LOOPS)
def _tanh_double(x):
    """The same; near 0 by x + x^3 P(x^2) / Q(x^2)."""
    size = abs(x)
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    near = x * z * p / q + x
    far = 1.0 - 2.0 / (_exp_double(size + size) + 1.0)
    return near if size < 0.625 else far if x > 0 else -far


@compiled(**double.IN_LOOPS)
def _erf_single(x):
    """x P(x^2) / Q(x^2), fitted to [-4, 4], beyond which it is 1 to the last digit; off by 4e-7 at most."""
    x = -_FOUR if x < -_FOUR else _FOUR if x > _FOUR else x  # a nan stays
    z, one = x * x, np.float32(1)
    above, below = _ERF_ABOVE[0], _ERF_BELOW[0]
    for term in _ERF_ABOVE[1:]:
        above = above * z + term
    for term in _ERF_BELOW[1:]:
        below = below * z + term
    y = x * above / below
    return -one if y < -one else one if y > one else y  # 1 + erf must not be negative


@compiled(**double.IN_LOOPS)
def _log_sigmoid(x, one, terms):
    """min(x, 0) - log(1 + u) with u = e^-|x|, and log(1 + u) = 2 artanh(s) = 2 s (1 + s^2/3 + s^4/5 + …) for s = u / (2 + u) <= 1/3."""
    u = exp(-abs(x))
    s = u / (one + one + u)
    z = s * s
    series = terms[0]
    for term in terms[1:]:
        series = series * z + term
    return (x if x < 0 else one - one) - (s + s) * series


def exp(x):
    """e^x, in Numba's code only."""
    raise NotImplementedError


def exp2(x):
    """2^x of a float32, in Numba's code only."""
    raise NotImplementedError


def log(x):
    """The natural logarithm, in Numba's code only."""
    raise NotImplementedError


def tanh(x):
    """tanh x, in Numba's code only."""
    raise NotImplementedError


def erf(x):
    """2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x, in Numba's code only."""
    raise NotImplementedError


def log_sigmoid(x):
    """log(1 / (1 + e^-x)), in Numba's code only."""
    raise NotImplementedError


@overload(exp)
def _exp(x):
    return (lambda x: _exp_single(x)) if x == types.float32 else (lambda x: _exp_double(x))


@overload(exp2)
def _exp2(x):
    return lambda x: _exp2_single(x)


@overload(log)
def _log(x):
    return (lambda x: double.log(np.float64(x))) if x == types.float32 else (lambda x: _log_double(x))


@overload(tanh)
def _tanh(x):
    return (lambda x: _tanh_single(x)) if x == types.float32 else (lambda x: _tanh_double(x))


@overload(erf)
def _erf(x):
    return (lambda x: _erf_single(x)) if x == types.float32 else (lambda x: math.erf(x))


@overload(log_sigmoid)
def _log_sigmoid_of_its_type(x):
    single = x == types.float32
    one, terms = (np.float32(1), _ARTANH_SINGLE) if single else (1.0, _ARTANH_DOUBLE)
    return lambda x: _log_sigmoid(x, one, terms)

"""Functions in double precision that the compiler turns into vector instructions, for arguments and results in single precision.

That leaves 29 bits to spare: series may end early, here at an error of 1e-9, a hundredth of single precision's last place, and formulas may
cancel.  Integers are made of doubles, and doubles of integers, by their bits: few processors have an instruction for it that takes many.
"""

import math

import numpy as np
from numba.extending import register_jitable

# A call in a loop, or a check, would keep the compiler from making it one of vectors.
IN_LOOPS = {"error_model": "numpy", "forceinline": True, "fastmath": {"contract"}}
in_loops = register_jitable(**IN_LOOPS)

_ROUNDING = 1.5 * 2.0**52  # what it is added to is rounded to a whole number, which the lowest bits then hold
_FRACTION, _BIAS = np.int64(52), np.int64(1023)
_BITS_OF_1, _BITS_OF_ROOT = np.float64(1).view(np.int64), np.float64(0.5**0.5).view(np.int64)
_2_TO_52 = np.float64(2**52).view(np.int64)
_ODD, _SECOND, _TO_SIGN, _SIGN = np.int64(1), np.int64(2), np.int64(62), np.int64(-(2**63))
_TINY, _HUGE = 1e-300, 1e300  # beyond every float32 but 0 and the infinities

_LOG_2 = math.log(2)
LOG_2_HIGH, LOG_2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6  # the first has 19 bits: times an n it is exact
_HALF_PI_HIGH, _HALF_PI_LOW = 1.57079632673412561417, 6.07710050650619224932e-11  # 33 bits, exact times a number of 20; and the rest
FAR = 1e6  # up to here such numbers do for the angles

_EXPM1 = tuple(1 / math.factorial(n) for n in range(8, 0, -1))
_ARTANH = tuple(2 / n for n in range(11, 0, -2))
_ATAN = tuple((-1) ** n / (2 * n + 1) for n in range(9, -1, -1))
_SIN = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(5, -1, -1))
_COS = tuple((-1) ** n / math.factorial(2 * n) for n in range(5, -1, -1))
_ASIN = tuple(math.comb(2 * n, n) / (4**n * (2 * n + 1)) for n in range(11, -1, -1))
# Fitted to 1e-9: erf(x) / x for |x| up to 4, and e^(x^2) erfc(x) for x from 0 to 10.2.
# fmt: off
_ERF_ABOVE = (
    -1.4454264421e-10, 2.7942941265e-9, 3.307112634e-6, 3.3976244331e-4, 3.448944478e-3, 0.052585271081, 0.17715223142, 1.1283791681,
)
_ERF_BELOW = (5.2866180526e-5, 1.1790323285e-3, 0.014515592463, 0.11004572098, 0.49033044636, 1.0)
_ERFC = (
    -0.010288943129, 0.12469942533, -0.49782734078, 0.89531170254, -0.85027089864, 0.72117051596, -0.17353173793, 0.25658700456,
    0.15495241215, 0.19141422291, 0.18777241561, 1.1221979552e-5,
)
# fmt: on


@in_loops
def series(x, terms):
    """terms[0] x^n + … + terms[n] for an odd n; odd and even powers apart, so that neither waits for the other."""
    square, odd, even = x * x, terms[0], terms[1]
    for i in range(2, len(terms), 2):
        odd, even = odd * square + terms[i], even * square + terms[i + 1]
    return odd * x + even


@in_loops
def _exp_parts(x):
    """e^x = s (1 + p) with a power of two s = 2^n, and p = e^r - 1 for |r| <= log(2) / 2."""
    x = -700.0 if x < -700.0 else 700.0 if x > 700.0 else x  # a nan stays
    rounded = x * (1 / _LOG_2) + _ROUNDING
    n = rounded - _ROUNDING
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    return np.int64((np.float64(rounded).view(np.int64) + _BIAS) << _FRACTION).view(np.float64), r * series(r, _EXPM1)


@in_loops
def exp(x):
    """s + s p; e^700 for more than that, e^-700 for less: inf and 0 in single precision."""
    s, p = _exp_parts(x)
    return s + s * p


@in_loops
def expm1(x):
    """e^x - 1 = (s - 1) + s p, which keeps its digits near 0."""
    s, p = _exp_parts(x)
    return math.copysign((s - 1.0) + s * p, x)


@in_loops
def log_parts(x):
    """n and f of x = 2^n (1 + f) with f from sqrt(1/2) - 1 to sqrt(2) - 1; x is no number below 2^-1022."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits + (_BITS_OF_1 - _BITS_OF_ROOT)) >> _FRACTION
    f = np.int64(bits - ((exponent - _BIAS) << _FRACTION)).view(np.float64) - 1.0
    return np.int64(exponent | _2_TO_52).view(np.float64) - (2.0**52 + 1023.0), f


@in_loops
def log(x):
    """n log 2 + log(1 + f), which is 2 artanh(s) for s = f / (2 + f)."""
    n, f = log_parts(x)
    s = f / (2.0 + f)
    y = n * _LOG_2 + s * series(s * s, _ARTANH)
    y = y if x < math.inf else x
    y = y if x > 0.0 else math.nan
    return y if x != 0.0 else -math.inf


@in_loops
def _sin_cos(x):
    """n, sin r and cos r for x = n pi / 2 + r and |r| <= pi / 4, where |x| <= FAR."""
    rounded = x * (2 / math.pi) + _ROUNDING
    n = rounded - _ROUNDING
    r = x - n * _HALF_PI_HIGH - n * _HALF_PI_LOW
    z = r * r
    return np.float64(rounded).view(np.int64), r * series(z, _SIN), series(z, _COS)


@in_loops
def _turned(n, s, c):
    """sin(n pi / 2 + r) of s = sin r and c = cos r: the one or the other, with its sign or not."""
    y = s if n & _ODD == 0 else c
    return np.int64(np.float64(y).view(np.int64) ^ (((n & _SECOND) << _TO_SIGN) & _SIGN)).view(np.float64)


@in_loops
def sin(x):
    n, s, c = _sin_cos(x)
    return _turned(n, s, c)


@in_loops
def cos(x):
    n, s, c = _sin_cos(x)
    return _turned(n + _ODD, s, c)


@in_loops
def tan(x):
    n, s, c = _sin_cos(x)
    odd = n & _ODD != 0
    return (c if odd else s) / (-s if odd else c)


@in_loops
def atan2(y, x):
    """The angle of (x, y): q pi / 4 + atan(t) with |t| <= tan(pi / 8) if x > 0, y > 0; that from the negative axis if x < 0."""
    a, b = abs(y), abs(x)
    a = _HUGE if a > _HUGE else a  # so that 0 / 0 is 0, and inf / inf is 1; a nan stays
    b = _TINY if b < _TINY else _HUGE if b > _HUGE else b
    steep, middle = a > b * (1 + math.sqrt(2)), a > b * (math.sqrt(2) - 1)
    t = (-b if steep else a - b if middle else a) / (a if steep else a + b if middle else b)
    angle = (math.pi / 2 if steep else math.pi / 4 if middle else 0.0) + t * series(t * t, _ATAN)
    return math.copysign(math.pi - angle if math.copysign(1.0, x) < 0.0 else angle, y)


@in_loops
def asin_parts(x):
    """Whether |x| > 1/2; and asin |x|, or where it is, (pi / 2 - asin |x|) / 2 = asin sqrt((1 - |x|) / 2), whose series ends sooner."""
    a = abs(x)
    steep = a > 0.5
    z = (1.0 - a) * 0.5 if steep else a * a
    return steep, (math.sqrt(z) if steep else a) * series(z, _ASIN)


@in_loops
def erf(x):
    """x P(x^2) / Q(x^2) up to 4, from where on it is 1 to the last digit."""
    x = -4.0 if x < -4.0 else 4.0 if x > 4.0 else x  # a nan stays
    z = x * x
    return x * series(z, _ERF_ABOVE) / series(z, _ERF_BELOW)


@in_loops
def erfc(x):
    """e^(-x^2) P(3 / (3 + x)) for x >= 0, of which erfc(-x) = 2 - erfc(x) follows."""
    a = abs(x)
    a = 10.2 if a > 10.2 else a
    y = exp(-a * a) * series(3.0 / (3.0 + a), _ERFC)
    return 2.0 - y if x < 0.0 else y

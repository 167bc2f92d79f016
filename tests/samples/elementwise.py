"""Functions applied element by element."""

import operator

import numpy as np
from scipy import special

from tests.samples.table import b, f, i, row

ANY = [f(2, 3), f(), f(0, 2), f(1), f(2, 1, 2)]
POSITIVE = [f(2, 3, low=0.1, high=3), f(low=0.1), f(0, low=0.1)]
INSIDE = [f(2, 3, low=-0.9, high=0.9), f(low=-0.9, high=0.9)]
PAIRS = [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (f(2, 1), f(1, 3)), (f(), f(2)), (f(0, 2), f(2)), (f(2), 1.5), (f(1), f(2, 2))]
DIVISIONS = [(f(2, 3), f(2, 3, low=0.3)), (f(2, 1), f(3, low=-3, high=-0.3)), (f(), f(2, low=0.3)), (f(2, 2), 0.75)]
INTEGERS = [(i(2, 3, low=-4, high=5), i(2, 3)), (i(3), i(2, 1)), (i(2), 1)]
MASKS = [(b(2, 3), b(3)), (b(4), b(4))]

# Arithmetic
row("add", PAIRS, np.add)
row("add alpha", PAIRS, lambda x, y: x + 3 * y, alpha=3)
row("radd", ANY, lambda x: 2 + x, lambda T, x: 2 + x)
row("sub", PAIRS, np.subtract)
row("sub alpha", PAIRS, lambda x, y: x - 0.5 * y, alpha=0.5)
row("rsub", PAIRS, lambda x, y: y - x)
row("rsub alpha", PAIRS, lambda x, y: y - 2 * x, alpha=2)
row("2 - x", ANY, lambda x: 2 - x, lambda T, x: 2 - x)
row("mul", PAIRS, np.multiply)
row("div", DIVISIONS, np.divide)
row("true_divide", DIVISIONS, np.divide)
row("rdiv", POSITIVE, lambda x: 3 / x, lambda T, x: 3 / x)
row("div trunc", DIVISIONS, lambda x, y: np.trunc(x / y), rounding_mode="trunc")
row("div floor", DIVISIONS, lambda x, y: np.floor(x / y), rounding_mode="floor")
row("floor_divide", DIVISIONS, np.floor_divide, gradient=False)
row("remainder", DIVISIONS, np.remainder)
row("remainder of a number", POSITIVE, lambda x: 5 % x, lambda T, x: 5 % x.detach(), gradient=False)
row("fmod", DIVISIONS, np.fmod)
row("pow", [(f(2, 3, low=0.1), f(2, 3)), (f(2, 1, low=0.1), f(3)), (f(low=0.1), f(2))], np.power)
row("pow of a number", [(f(2, 3), 2), (f(2, 3), 3), (f(2), 1), (f(2), 0), (f(2, low=0.1), 0.5), (f(), -2.0)], lambda x, n: x**n)
row("pow of a negative number", [(f(2), -1), (f(2, 2), -3)], lambda x, n: x**n)
row("rpow", ANY, lambda x: 2.5**x, lambda T, x: 2.5**x)
row("neg", ANY, np.negative)
row("positive", ANY, np.positive)
row("abs", ANY, np.abs)
row("square", ANY, np.square)
row("hypot", PAIRS[:5], np.hypot)
row("deg2rad", ANY, np.deg2rad)
row("rad2deg", ANY, np.rad2deg)
row("lerp", [(f(2, 3), f(2, 3), f(2, 3)), (f(2, 3), f(3), f(2, 1)), (f(2), f(2), 0.3), (f(), f(), 0.7)], lambda x, y, w: x + w * (y - x))
row("addcmul", [(f(2, 3), f(3), f(2, 1)), (f(2), f(2), f(2))], lambda x, y, z: x + 3 * y * z, value=3)
row("addcdiv", [(f(2, 3), f(3), f(2, 1, low=0.3)), (f(2), f(2), f(2, low=0.3))], lambda x, y, z: x + 2 * y / z, value=2)

# Exponentials and logarithms
row("exp", ANY, np.exp)
row("exp2", ANY, np.exp2)
row("expm1", ANY, np.expm1)
row("log", POSITIVE, np.log)
row("log2", POSITIVE, np.log2)
row("log10", POSITIVE, np.log10)
row("log1p", POSITIVE, np.log1p)
row("logaddexp", PAIRS[:5], np.logaddexp)
row("logaddexp2", PAIRS[:5], np.logaddexp2)
row("xlogy", [*DIVISIONS[:1], *DIVISIONS[2:]], special.xlogy)
row("xlogy of a number", POSITIVE, lambda x: special.xlogy(2.5, x), lambda T, x: T.xlogy(2.5, x))
row("sqrt", POSITIVE, np.sqrt)
row("rsqrt", POSITIVE, lambda x: x**-0.5)
row("reciprocal", POSITIVE, lambda x: 1 / x)
row("sigmoid", ANY, lambda x: 1 / (1 + np.exp(-x)))
row("erf", ANY, special.erf)
row("erfc", ANY, special.erfc)
row("erfinv", INSIDE, special.erfinv)
row("logit", [f(2, 3, low=0.1, high=0.9), f(low=0.1, high=0.9)], special.logit)
row("logit eps", [(f(2, 3), 0.2), (f(low=0.1, high=0.9), 1e-3)], lambda x, eps: special.logit(np.clip(x, eps, 1 - eps)))

# Trigonometry
row("sin", ANY, np.sin)
row("cos", ANY, np.cos)
row("tan", INSIDE, np.tan)
row("asin", INSIDE, np.arcsin)
row("acos", INSIDE, np.arccos)
row("atan", ANY, np.arctan)
row("atan2", DIVISIONS, np.arctan2, lambda T, x, y: T.atan2(x, y if hasattr(y, "ndim") else T.full_like(x, y)))
row("sinh", ANY, np.sinh)
row("cosh", ANY, np.cosh)
row("tanh", ANY, np.tanh)
row("asinh", ANY, np.arcsinh)
row("acosh", [f(2, 3, low=1.1, high=3), f(low=1.1)], np.arccosh)
row("atanh", INSIDE, np.arctanh)
row("sinc", ANY, np.sinc)

# Rounding
row("floor", ANY, np.floor)
row("ceil", ANY, np.ceil)
row("trunc", ANY, np.trunc)
row("round", ANY, np.round)
row("round decimals", ANY, lambda x: np.round(x, 1), decimals=1)
row("sign", ANY, np.sign)
row("frac", ANY, lambda x: np.modf(x)[0])
row("copysign", [*PAIRS[:5], (f(3), -0.5)], np.copysign)
row("heaviside", [(f(2, 3), f(3)), (i(2, 3, low=-2), i(2, 1)), (b(2), b(2))],
    lambda x, y: np.heaviside(x, y).astype(x.dtype), gradient=False)  # fmt: skip

# Choosing
row("where", [(b(2, 3), f(2, 3), f(2, 3)), (b(3), f(2, 1), f(1)), (b(2, 2), f(), f(2)), (b(2), f(2), 0.5), (b(2), 1.5, f(2))], np.where)
row("maximum", PAIRS[:5], np.maximum)
row("minimum", PAIRS[:5], np.minimum)
row("fmax", PAIRS[:5], np.fmax)
row("fmin", PAIRS[:5], np.fmin)
row("clamp_min", [(f(2, 3), 0.5), (f(), -1), (f(2, 3), f(3)), (f(0, 2), f(2))], np.maximum, integers=False)  # of two bools
row("clamp_max", [(f(2, 3), 0.5), (f(), -1), (f(2, 3), f(3)), (f(0, 2), f(2))], np.minimum, integers=False)
row("nan_to_num", ANY, np.nan_to_num)
row("nan_to_num of 1 / 0", [b(2, 3)], lambda x: np.where(x, 1.0, 7.0), lambda T, x: T.nan_to_num(1 / x, posinf=7), gradient=False)
row("fill", [(f(2, 3), 2.5), (f(), 3), (f(2, 3), f()), (i(2), 2.5), (b(2), 3)], lambda x, v: np.full_like(x, v))
row("clamp", ANY, lambda x: np.clip(x, -1, 1), lambda T, x: T.clamp(x, -1, 1))
row("clamp min", ANY, lambda x: np.maximum(x, 0), min=0)
row("clamp max", ANY, lambda x: np.minimum(x, 1), max=1)
row("clamp between tensors", [(f(2, 3), f(2, 3), f(2, 3)), (f(2, 3), f(3), f(2, 1))], lambda x, y, z: np.minimum(np.maximum(x, y), z))

# Comparisons and logic
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    row(name, [*PAIRS, *INTEGERS, *MASKS], getattr(operator, name), gradient=False)
for name in ("logical_and", "logical_or", "logical_xor"):
    row(name, [*PAIRS[:5], *MASKS, INTEGERS[0]], getattr(np, name), gradient=False)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    row(name, [*INTEGERS, *MASKS], getattr(np, name), gradient=False)
row("logical_not", [f(2, 3), i(4), b(3)], np.logical_not, gradient=False)
for name, function in {"bitwise_left_shift": np.left_shift, "bitwise_right_shift": np.right_shift}.items():
    SHIFTS = [(i(2, 3, low=-9, high=9), i(3)), (i(4, low=-9, high=9), i(4, low=-70, high=70)), (i(2), 3), (i(), i(2))]
    row(name, SHIFTS, function, gradient=False)
row("1 << x", [i(2, 3)], lambda x: 1 << x, lambda T, x: 1 << x, gradient=False)
row("x >> 1", [i(2, 3, low=-4)], lambda x: x >> 1, lambda T, x: x >> 1, gradient=False)
row("bitwise_not", [i(4), b(3)], np.invert, gradient=False)
row("isnan", [f(2, 3), i(3)], np.isnan, gradient=False)
row("isinf", [f(2, 3), i(3)], np.isinf, gradient=False)
row("isfinite", [f(2, 3), i(3)], np.isfinite, gradient=False)
row("isposinf", [f(2, 3), i(3)], np.isposinf, gradient=False)
row("isneginf", [f(2, 3), i(3)], np.isneginf, gradient=False)
row("isclose", [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (i(2, 3), i(3)), (b(3), b(3))], np.isclose, gradient=False)
row("isclose tolerances", [(f(2, 3), f(3))], lambda x, y: np.isclose(x, y, 0.5, 0.25), rtol=0.5, atol=0.25, gradient=False)

# Between layers
row("relu", ANY, lambda x: np.maximum(x, 0))
for name, function in {"softmax": special.softmax, "log_softmax": special.log_softmax}.items():
    row(name, [(f(2, 3), 0), (f(2, 3), -1), (f(2, 3, 2), 1), (f(0, 2), 1)], function, integers=False)
    row(name, [(f(), 0)], lambda x, dim, function=function: function(x[None]).reshape(()), integers=False)

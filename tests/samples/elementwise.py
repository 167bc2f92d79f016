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
row("add alpha", PAIRS, lambda x, y: x + 3 * y, alpha=3, integers=False)
row("radd", ANY, lambda x: 2 + x, lambda T, x: 2 + x)
row("sub", PAIRS, np.subtract)
row("sub alpha", PAIRS, lambda x, y: x - 0.5 * y, alpha=0.5)
row("rsub", ANY, lambda x: 2 - x, lambda T, x: 2 - x)
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
row("pow", [(f(2, 3, low=0.1), f(2, 3)), (f(2, 1, low=0.1), f(3)), (f(low=0.1), f(2))], np.power, integers=False)
row("pow of a number", [(f(2, 3), 2), (f(2, 3), 3), (f(2), 1), (f(2), 0), (f(2, low=0.1), 0.5), (f(), -2.0)], lambda x, n: x**n)
row("pow of a negative number", [(f(2), -1), (f(2, 2), -3)], lambda x, n: x**n, integers=False)
row("rpow", ANY, lambda x: 2.5**x, lambda T, x: 2.5**x)
row("neg", ANY, np.negative)
row("positive", ANY, np.positive)
row("abs", ANY, np.abs)
row("square", ANY, np.square)
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
row("sqrt", POSITIVE, np.sqrt)
row("rsqrt", POSITIVE, lambda x: x**-0.5)
row("reciprocal", POSITIVE, lambda x: 1 / x)
row("sigmoid", ANY, lambda x: 1 / (1 + np.exp(-x)))
row("erf", ANY, special.erf)

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

# Rounding
row("floor", ANY, np.floor)
row("ceil", ANY, np.ceil)
row("trunc", ANY, np.trunc)
row("round", ANY, np.round)
row("round decimals", ANY, lambda x: np.round(x, 1), decimals=1)
row("sign", ANY, np.sign)

# Choosing
row("where", [(b(2, 3), f(2, 3), f(2, 3)), (b(3), f(2, 1), f(1)), (b(2, 2), f(), f(2)), (b(2), f(2), 0.5), (b(2), 1.5, f(2))], np.where)
row("maximum", PAIRS[:5], np.maximum)
row("minimum", PAIRS[:5], np.minimum)
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
row("bitwise_not", [i(4), b(3)], np.invert, gradient=False)
row("isnan", [f(2, 3), i(3)], np.isnan, gradient=False)
row("isinf", [f(2, 3), i(3)], np.isinf, gradient=False)
row("isfinite", [f(2, 3), i(3)], np.isfinite, gradient=False)

# Between layers
row("relu", ANY, lambda x: np.maximum(x, 0))
for name, function in {"softmax": special.softmax, "log_softmax": special.log_softmax}.items():
    row(name, [(f(2, 3), 0), (f(2, 3), -1), (f(2, 3, 2), 1), (f(0, 2), 1)], function, integers=False)
    row(name, [(f(), 0)], lambda x, dim, function=function: function(x[None]).reshape(()), integers=False)

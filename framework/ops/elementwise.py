"""Functions applied element by element: one line for the forward, one for each gradient.

Operands broadcast against each other and are brought to a common type; the engine sums gradients back to each operand's shape.
`elementwise` keeps integers integers; `analytic` turns them into the default floating type first, as for `exp` and `/`.
`not_for` names the kinds of types that a function has no meaning for, in NumPy's letters: b for bool, iu for integers, fV for floats.
"""

import math
from functools import partial

import ml_dtypes
import numpy as np

from ..autograd import engine
from ..autograd.op import op
from ..autograd.variable import Variable
from ..device import array_module, special
from .promotion import branches, common, expect, filling, fitting, floating, minus, powers, refuse, refusing, rounded, same_type, scaled


def elementwise(forward, promote=common, not_for="", name=None, **rules):
    """An op on operands brought to a common type."""
    made = op(forward, promote=promote, name=name, **rules)
    return refusing(not_for, made) if not_for else made


analytic = partial(elementwise, promote=floating)

# fmt: off
# Arithmetic
add = elementwise(lambda input, other, alpha=1: input + other if alpha == 1 else input + alpha * other, promote=scaled,
                  input=lambda grad: grad,
                  other=lambda grad, alpha: grad if alpha == 1 else grad * alpha)
plus = elementwise(lambda input, other: input + other, name="add",  # the operator, where nothing is scaled
                   input=lambda grad: grad, other=lambda grad: grad)
sub = elementwise(lambda input, other, alpha=1: input - other if alpha == 1 else input - alpha * other, promote=minus,
                  input=lambda grad: grad,
                  other=lambda grad, alpha: grad * -alpha)
mul = elementwise(lambda input, other: input * other,
                  input=lambda grad, other: grad * other,
                  other=lambda grad, input: grad * input)
true_divide = analytic(lambda input, other: np.true_divide(input, other), name="div",
                       input=lambda grad, other: grad / other,
                       other=lambda grad, input, other: -grad * (input / other) / other)
pow = elementwise(lambda input, exponent: _power(input, exponent), promote=powers, not_for="b",
                  input=lambda grad, input, exponent: where(exponent == 0, 0.0, grad * exponent * input ** (exponent - 1)),
                  exponent=lambda grad, input, exponent, out: where((input == 0) & (exponent >= 0), 0.0, grad * out * log(input)))
remainder = elementwise(lambda input, other: np.remainder(input, _divisor(input, other)), promote=rounded, not_for="b",
                        input=lambda grad: grad,
                        other=lambda grad, input, other: -grad * floor(input / other))
fmod = elementwise(lambda input, other: np.fmod(input, _divisor(input, other)), promote=rounded, not_for="b",
                   input=lambda grad: grad,
                   other=lambda grad, input, other: -grad * trunc(input / other))
neg = elementwise(lambda input: -input, not_for="b", input=lambda grad: -grad)
positive = elementwise(lambda input: +input, not_for="b", input=lambda grad: grad)
abs = elementwise(lambda input: np.abs(input), not_for="b", input=lambda grad, input: grad * sign(input))
square = elementwise(lambda input: input * input if input.dtype.kind != "b" else input.astype(np.int64),
                     input=lambda grad, input: 2 * grad * input)
hypot = elementwise(lambda input, other: np.hypot(input, other), not_for="biu",
                    input=lambda grad, input, out: grad * (input / out),
                    other=lambda grad, other, out: grad * (other / out))
lerp_op = elementwise(lambda input, end, weight: input + weight * (end - input), not_for="biu", name="lerp",
                      input=lambda grad, weight: grad * (1 - weight),
                      end=lambda grad, weight: grad * weight,
                      weight=lambda grad, input, end: grad * (end - input))
addcmul = elementwise(lambda input, tensor1, tensor2, value=1: input + value * tensor1 * tensor2, not_for="b", promote=scaled,
                      input=lambda grad: grad,
                      tensor1=lambda grad, tensor2, value: grad * value * tensor2,
                      tensor2=lambda grad, tensor1, value: grad * value * tensor1)
addcdiv = elementwise(lambda input, tensor1, tensor2, value=1: input + value * tensor1 / tensor2, not_for="biu", promote=scaled,
                      input=lambda grad: grad,
                      tensor1=lambda grad, tensor2, value: grad * value / tensor2,
                      tensor2=lambda grad, tensor1, tensor2, value: -grad * value * tensor1 / (tensor2 * tensor2))
deg2rad = analytic(lambda input: np.deg2rad(input), input=lambda grad: grad * (math.pi / 180))
rad2deg = analytic(lambda input: np.rad2deg(input), input=lambda grad: grad * (180 / math.pi))

# Exponentials and logarithms
exp = analytic(lambda input: np.exp(input), input=lambda grad, out: grad * out)
exp2 = analytic(lambda input: np.exp2(input), input=lambda grad, out: grad * out * math.log(2))
expm1 = analytic(lambda input: np.expm1(input), input=lambda grad, out: grad * (out + 1))
log = analytic(lambda input: np.log(input), input=lambda grad, input: grad / input)
log2 = analytic(lambda input: np.log2(input), input=lambda grad, input: grad / (input * math.log(2)))
log10 = analytic(lambda input: np.log10(input), input=lambda grad, input: grad / (input * math.log(10)))
log1p = analytic(lambda input: np.log1p(input), input=lambda grad, input: grad / (1 + input))
logaddexp = elementwise(lambda input, other: np.logaddexp(input, other), not_for="biu",
                        input=lambda grad, input, other: grad / (1 + exp(other - input)),
                        other=lambda grad, input, other: grad / (1 + exp(input - other)))
logaddexp2 = elementwise(lambda input, other: np.logaddexp2(input, other), not_for="biu",
                         input=lambda grad, input, other: grad / (1 + exp2(other - input)),
                         other=lambda grad, input, other: grad / (1 + exp2(input - other)))
xlogy = analytic(lambda input, other: special(input, other).xlogy(input, other).astype(np.result_type(input, other), copy=False),
                 input=lambda grad, input, other: where((input == 0) & (other <= 0), 0.0, grad * log(other)),
                 other=lambda grad, input, other: grad * input / other)
sqrt = analytic(lambda input: np.sqrt(input), input=lambda grad, out: grad / (2 * out))
rsqrt = analytic(lambda input: 1 / np.sqrt(input), input=lambda grad, out: grad * out**3 * -0.5)
reciprocal = analytic(lambda input: 1 / input, input=lambda grad, out: -grad * out * out)
sigmoid = analytic(lambda input: special(input).expit(input), input=lambda grad, out: grad * out * (1 - out))
logit_op = analytic(lambda input: special(input).logit(input), name="logit",
                    input=lambda grad, input: where((input < 0) | (input > 1), math.nan, grad / (input * (1 - input))))
erf = analytic(lambda input: special(input).erf(input), input=lambda grad, input: grad * exp(-input * input) * (2 / math.sqrt(math.pi)))
erfc = analytic(lambda input: special(input).erfc(input), input=lambda grad, input: grad * exp(-input * input) * (-2 / math.sqrt(math.pi)))
erfinv = analytic(lambda input: special(input).erfinv(input), input=lambda grad, input: grad * exp(erfinv(input) ** 2) * math.pi**0.5 / 2)

# Trigonometry
sin = analytic(lambda input: np.sin(input), input=lambda grad, input: grad * cos(input))
cos = analytic(lambda input: np.cos(input), input=lambda grad, input: -grad * sin(input))
tan = analytic(lambda input: np.tan(input), input=lambda grad, out: grad * (1 + out * out))
asin = analytic(lambda input: np.arcsin(input), input=lambda grad, input: grad * rsqrt(1 - input * input))
acos = analytic(lambda input: np.arccos(input), input=lambda grad, input: -grad * rsqrt(1 - input * input))
atan = analytic(lambda input: np.arctan(input), input=lambda grad, input: grad / (1 + input * input))
atan2 = analytic(lambda input, other: np.arctan2(input, other),
                 input=lambda grad, input, other: grad * other / _nonzero(input * input + other * other),
                 other=lambda grad, input, other: -grad * input / _nonzero(input * input + other * other))
sinh = analytic(lambda input: np.sinh(input), input=lambda grad, input: grad * cosh(input))
cosh = analytic(lambda input: np.cosh(input), input=lambda grad, input: grad * sinh(input))
tanh = analytic(lambda input: np.tanh(input), input=lambda grad, out: grad * (1 - out * out))
asinh = analytic(lambda input: np.arcsinh(input), input=lambda grad, input: grad * rsqrt(input * input + 1))
acosh = analytic(lambda input: np.arccosh(input), input=lambda grad, input: grad * rsqrt(input * input - 1))
atanh = analytic(lambda input: np.arctanh(input), input=lambda grad, input: grad / (1 - input * input))
sinc = analytic(lambda input: np.sinc(input),
                input=lambda grad, input: where(input == 0, 0.0, grad * (cos(input * math.pi) - sinc(input)) / _nonzero(input)))

# Rounding: piecewise constant, so the gradient is zero wherever there is one
def _zero(grad):
    return grad * 0.0

floor = elementwise(lambda input: np.floor(input) if input.dtype.kind == "f" else input.copy(), not_for="b", input=_zero)
ceil = elementwise(lambda input: np.ceil(input) if input.dtype.kind == "f" else input.copy(), not_for="b", input=_zero)
trunc = elementwise(lambda input: np.trunc(input) if input.dtype.kind == "f" else input.copy(), not_for="b", input=_zero)
round = elementwise(lambda input, decimals=0: np.round(input, decimals), not_for="b", input=_zero,
                    promote=lambda args: args if args[1] == 0 else refuse("iu", "round with decimals", args[0]) or args)
frac = elementwise(lambda input: input - np.trunc(input), not_for="biu", input=lambda grad: grad)
sign = elementwise(lambda input: (input > 0).astype(input.dtype) - (input < 0) if input.dtype.kind != "b" else input.copy(), input=_zero)
copysign = analytic(lambda input, other: np.copysign(input, other), other=_zero,
                    input=lambda grad, input, out: grad * where(input == 0, 0.0, out / _nonzero(input)))
floor_divide = elementwise(lambda input, other: np.floor_divide(input, _divisor(input, other)), not_for="b", input=_zero, other=_zero)
trunc_divide = elementwise(lambda input, other: _truncated(input, _divisor(input, other)), not_for="b", input=_zero, other=_zero)

# Choosing
where_op = op(lambda condition, input, other: np.where(condition, input, other), name="where", promote=branches,
              input=lambda grad, condition: where(condition, grad, 0.0),
              other=lambda grad, condition: where(condition, 0.0, grad))
def _shared(loses):  # evenly by equals; beside a nan both have the whole
    return {"input": lambda grad, input, other: where(input == other, grad * 0.5, where(loses(input, other), 0.0, grad)),
            "other": lambda grad, input, other: where(input == other, grad * 0.5, where(loses(other, input), 0.0, grad))}

def _first(wins):  # of equals the first has all; beside a nan the number
    return {"input": lambda grad, input, other: where(wins(input, other) | (other != other), grad, 0.0),
            "other": lambda grad, input, other: where(wins(input, other) | (other != other), 0.0, grad)}

maximum = elementwise(lambda input, other: np.maximum(input, other), **_shared(lambda own, other: own < other))
minimum = elementwise(lambda input, other: np.minimum(input, other), **_shared(lambda own, other: own > other))
fmax = elementwise(lambda input, other: np.fmax(input, other), **_first(lambda input, other: input >= other))
fmin = elementwise(lambda input, other: np.fmin(input, other), **_first(lambda input, other: input <= other))
fill = op(lambda input, value: array_module(input).full_like(input, value), promote=filling, input=_zero, value=lambda grad: grad)
# fmt: on


@partial(elementwise, promote=fitting, not_for="b")
def clamp(input, min=None, max=None):
    """`input` cut off below `min` and above `max`, numbers or tensors; where these cross, `max` holds."""
    expect(min is not None or max is not None, "clamp: At least one of 'min' or 'max' must not be None")
    out = input if min is None else np.maximum(input, min)
    return out if max is None else np.minimum(out, max)


@clamp.rule("input", "min", "max")
def _(grad, input, min, max):
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    above, below = (input > high) | (low > high), (input < low) & (low <= high)
    inside = where((input >= low) & (input <= high), grad, 0.0)
    return inside, None if min is None else where(below, grad, 0.0), None if max is None else where(above, grad, 0.0)


def _nonzero(divisor):
    """1 in place of 0, where the gradient is 0 by convention."""
    return where(divisor == 0, 1.0, divisor)


def _divisor(input, other):
    """`other`; RuntimeError if an integer would be divided by zero."""
    expect(np.result_type(input, other).kind not in "iu" or not np.size(input) or np.all(other), "ZeroDivisionError")
    return other


def _truncated(input, other):
    if np.result_type(input, other).kind == "f":
        return np.trunc(np.true_divide(input, other))
    return np.floor_divide(input - np.fmod(input, other), other)  # floats would not hold every int64


def _power(input, exponent):
    kind = np.result_type(input, exponent)
    if kind.kind != "i" or not np.any(exponent < 0):
        return np.power(input, exponent)
    inverse = np.where(np.abs(input) == 1, np.power(input, exponent & 1), 0)  # of 1 and -1 themselves; the others' rounds to 0
    return np.where(exponent < 0, inverse, np.power(input, np.maximum(exponent, 0))).astype(kind)


def where(condition, input=None, other=None):
    """`input` where `condition` is true, `other` elsewhere; of a condition alone, the indices where it is true, one tensor a dimension."""
    expect((input is None) == (other is None), "where() takes a condition alone, or a condition, input and other", TypeError)
    if input is None:
        return tuple(Variable.wrap(each) for each in array_module(condition._array).nonzero(np.atleast_1d(condition._array)))
    return where_op(condition, input, other)


def div(input, other, *, rounding_mode=None):
    """input / other, rounded toward zero ("trunc") or down ("floor") if asked for."""
    expect(rounding_mode in (None, "trunc", "floor"), f"div expected rounding_mode None, 'trunc' or 'floor', but found {rounding_mode!r}")
    return {None: true_divide, "trunc": trunc_divide, "floor": floor_divide}[rounding_mode](input, other)


def rsub(input, other, *, alpha=1):
    """other - alpha input."""
    return sub(other, input, alpha=alpha)


def logit(input, eps=None):
    """log(x / (1 - x)), the inverse of sigmoid, with x kept inside of [eps, 1 - eps]."""
    return logit_op(input if eps is None else where(input < eps, eps, where(input > 1 - eps, 1 - eps, input)))


def clamp_min(input, min):
    """The larger of `input` and `min`; nan if either is."""
    return clamp(input, min=min)


def clamp_max(input, max):
    """The smaller of `input` and `max`; nan if either is."""
    return clamp(input, max=max)


def lerp(input, end, weight):
    """input + weight (end - input)."""
    refuse("biu", "lerp", input)
    same_type(input, end, *([weight] if isinstance(weight, Variable) and weight.ndim else []))
    return lerp_op(input, end, weight)


def heaviside(input, values):
    """0 below zero, 1 above it, `values` at it; it has no gradient."""
    same_type(input, values)
    return where(input == 0, values.detach(), (input > 0).to(input.dtype))


def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    """`input` with nan and the infinities replaced, by 0 and by the largest and smallest numbers of the type unless told otherwise."""
    if not input.is_floating_point():
        return input.clone()
    largest = float(ml_dtypes.finfo(input._array.dtype).max)
    out = where(input == math.inf, largest if posinf is None else posinf, input)
    out = where(input == -math.inf, -largest if neginf is None else neginf, out)
    return where(input != input, 0.0 if nan is None else nan, out)

engine.plus = plus

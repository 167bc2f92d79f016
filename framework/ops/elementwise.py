"""Functions applied element by element: one line for the forward, one for each gradient.

Operands broadcast against each other and are brought to a common type; the engine sums gradients back to each operand's shape.
`elementwise` keeps integers integers; `analytic` turns them into the default floating type first, as for `exp` and `/`.
"""

import math

import numpy as np

from ..autograd.op import op
from ..device import special
from .promotion import common, floating, leading


def elementwise(forward, promote=common, **rules):
    """An op on operands brought to a common type."""
    return op(forward, promote=promote, **rules)


def analytic(forward, **rules):
    """An op on operands brought to a common floating type."""
    return op(forward, promote=floating, **rules)


# fmt: off
# Arithmetic
add = elementwise(lambda input, other, alpha=1: input + other if alpha == 1 else input + alpha * other,
                  input=lambda grad: grad,
                  other=lambda grad, alpha: grad if alpha == 1 else grad * alpha, promote=leading(2))
sub = elementwise(lambda input, other, alpha=1: input - other if alpha == 1 else input - alpha * other,
                  input=lambda grad: grad,
                  other=lambda grad, alpha: grad * -alpha, promote=leading(2))
mul = elementwise(lambda input, other: input * other,
                  input=lambda grad, other: grad * other,
                  other=lambda grad, input: grad * input)
true_divide = analytic(lambda input, other: np.true_divide(input, other), name="div",
                       input=lambda grad, other: grad / other,
                       other=lambda grad, out, other: -grad * out / other)
pow = elementwise(lambda input, exponent: np.power(input, exponent),
                  input=lambda grad, input, exponent: where(exponent == 0, 0.0, grad * exponent * input ** (exponent - 1)),
                  exponent=lambda grad, input, exponent, out: where((input == 0) & (exponent >= 0), 0.0, grad * out * log(input)))
remainder = elementwise(lambda input, other: np.remainder(input, other),
                        input=lambda grad: grad,
                        other=lambda grad, input, other: -grad * floor(input / other))
fmod = elementwise(lambda input, other: np.fmod(input, other),
                   input=lambda grad: grad,
                   other=lambda grad, input, other: -grad * trunc(input / other))
neg = elementwise(lambda input: -input, input=lambda grad: -grad)
positive = elementwise(lambda input: +input, input=lambda grad: grad)
abs = elementwise(lambda input: np.abs(input), input=lambda grad, input: grad * sign(input))
square = elementwise(lambda input: np.square(input) if input.dtype.kind != "b" else input.astype(np.int64),
                     input=lambda grad, input: 2 * grad * input)
lerp = elementwise(lambda input, end, weight: input + weight * (end - input),
                   input=lambda grad, weight: grad * (1 - weight),
                   end=lambda grad, weight: grad * weight,
                   weight=lambda grad, input, end: grad * (end - input))
addcmul = elementwise(lambda input, tensor1, tensor2, value=1: input + value * tensor1 * tensor2,
                      input=lambda grad: grad,
                      tensor1=lambda grad, tensor2, value: grad * value * tensor2,
                      tensor2=lambda grad, tensor1, value: grad * value * tensor1, promote=leading(3))
addcdiv = elementwise(lambda input, tensor1, tensor2, value=1: input + value * tensor1 / tensor2,
                      input=lambda grad: grad,
                      tensor1=lambda grad, tensor2, value: grad * value / tensor2,
                      tensor2=lambda grad, tensor1, tensor2, value: -grad * value * tensor1 / (tensor2 * tensor2))

# Exponentials and logarithms
exp = analytic(lambda input: np.exp(input), input=lambda grad, out: grad * out)
exp2 = analytic(lambda input: np.exp2(input), input=lambda grad, out: grad * out * math.log(2))
expm1 = analytic(lambda input: np.expm1(input), input=lambda grad, out: grad * (out + 1))
log = analytic(lambda input: np.log(input), input=lambda grad, input: grad / input)
log2 = analytic(lambda input: np.log2(input), input=lambda grad, input: grad / (input * math.log(2)))
log10 = analytic(lambda input: np.log10(input), input=lambda grad, input: grad / (input * math.log(10)))
log1p = analytic(lambda input: np.log1p(input), input=lambda grad, input: grad / (1 + input))
sqrt = analytic(lambda input: np.sqrt(input), input=lambda grad, out: grad / (2 * out))
rsqrt = analytic(lambda input: 1 / np.sqrt(input), input=lambda grad, out: grad * out**3 * -0.5)
reciprocal = analytic(lambda input: 1 / input, input=lambda grad, out: -grad * out * out)
sigmoid = analytic(lambda input: special(input).expit(input), input=lambda grad, out: grad * out * (1 - out))
erf = analytic(lambda input: special(input).erf(input),
               input=lambda grad, input: grad * exp(-input * input) * (2 / math.sqrt(math.pi)))

# Trigonometry
sin = analytic(lambda input: np.sin(input), input=lambda grad, input: grad * cos(input))
cos = analytic(lambda input: np.cos(input), input=lambda grad, input: -grad * sin(input))
tan = analytic(lambda input: np.tan(input), input=lambda grad, out: grad * (1 + out * out))
asin = analytic(lambda input: np.arcsin(input), input=lambda grad, input: grad * rsqrt(1 - input * input))
acos = analytic(lambda input: np.arccos(input), input=lambda grad, input: -grad * rsqrt(1 - input * input))
atan = analytic(lambda input: np.arctan(input), input=lambda grad, input: grad / (1 + input * input))
atan2 = analytic(lambda input, other: np.arctan2(input, other),
                 input=lambda grad, input, other: grad * other / (input * input + other * other),
                 other=lambda grad, input, other: -grad * input / (input * input + other * other))
sinh = analytic(lambda input: np.sinh(input), input=lambda grad, input: grad * cosh(input))
cosh = analytic(lambda input: np.cosh(input), input=lambda grad, input: grad * sinh(input))
tanh = analytic(lambda input: np.tanh(input), input=lambda grad, out: grad * (1 - out * out))

# Rounding: piecewise constant, so the gradient is zero wherever there is one
def _zero(grad):
    return grad * 0.0

floor = elementwise(lambda input: np.floor(input) if input.dtype.kind == "f" else input.copy(), input=_zero)
ceil = elementwise(lambda input: np.ceil(input) if input.dtype.kind == "f" else input.copy(), input=_zero)
trunc = elementwise(lambda input: np.trunc(input) if input.dtype.kind == "f" else input.copy(), input=_zero)
round = elementwise(lambda input, decimals=0: np.round(input, decimals), input=_zero)
sign = elementwise(lambda input: (input > 0).astype(input.dtype) - (input < 0) if input.dtype.kind != "b" else input.copy(), input=_zero)

floor_divide = elementwise(lambda input, other: np.floor_divide(input, other), input=_zero, other=_zero)
trunc_divide = elementwise(lambda input, other: np.trunc(np.true_divide(input, other)).astype(np.result_type(input, other), copy=False),
                           input=_zero, other=_zero)

# Choosing
where = elementwise(lambda condition, input, other: np.where(condition, input, other).astype(_chosen(input, other), copy=False),
                    promote=lambda args: (*common((args[0],)), *common(args[1:])),
                    input=lambda grad, condition: where(condition, grad, 0.0),
                    other=lambda grad, condition: where(condition, 0.0, grad))
maximum = elementwise(lambda input, other: np.maximum(input, other),  # at a tie each side gets half
                      input=lambda grad, input, other: _share(grad, input > other, input == other),
                      other=lambda grad, input, other: _share(grad, other > input, input == other))
minimum = elementwise(lambda input, other: np.minimum(input, other),
                      input=lambda grad, input, other: _share(grad, input < other, input == other),
                      other=lambda grad, input, other: _share(grad, other < input, input == other))
# fmt: on


def _chosen(input, other):
    """The type of where's result: that of the operand with a type of its own, for a Python number has none."""
    if hasattr(input, "dtype") and hasattr(other, "dtype"):
        return np.result_type(input, other)
    return getattr(input, "dtype", None) or getattr(other, "dtype", None) or np.result_type(input, other)


def _share(grad, wins, ties):
    return where(ties, grad * 0.5, where(wins, grad, 0.0))


@elementwise
def clamp(input, min=None, max=None):
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    out = input if min is None else np.maximum(input, min)
    return out if max is None else np.minimum(out, max)


@clamp.rule("input", "min", "max")
def _(grad, input, min, max):
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    above = (input > high) | (low > high)  # where the bounds cross, the upper one holds
    below = (input < low) & (low <= high)
    inside = where((input >= low) & (input <= high), grad, 0.0)
    return inside, None if min is None else where(below, grad, 0.0), None if max is None else where(above, grad, 0.0)


# fmt: off
# Comparisons and logic: no gradient
eq = elementwise(lambda input, other: input == other)
ne = elementwise(lambda input, other: input != other)
lt = elementwise(lambda input, other: input < other)
le = elementwise(lambda input, other: input <= other)
gt = elementwise(lambda input, other: input > other)
ge = elementwise(lambda input, other: input >= other)
logical_and = elementwise(lambda input, other: np.logical_and(input, other))
logical_or = elementwise(lambda input, other: np.logical_or(input, other))
logical_xor = elementwise(lambda input, other: np.logical_xor(input, other))
logical_not = op(lambda input: np.logical_not(input))
bitwise_and = elementwise(lambda input, other: input & other)
bitwise_or = elementwise(lambda input, other: input | other)
bitwise_xor = elementwise(lambda input, other: input ^ other)
bitwise_not = op(lambda input: ~input)
isnan = op(lambda input: np.isnan(input))
isinf = op(lambda input: np.isinf(input))
isfinite = op(lambda input: np.isfinite(input))
# fmt: on


def div(input, other, *, rounding_mode=None):
    """input / other, rounded toward zero ("trunc") or down ("floor") if asked for."""
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return trunc_divide(input, other)
xlogy = analytic(lambda input, other: special(input).xlogy(input, other),
                 input=lambda grad, input, other: where((input == 0) & (other <= 0), 0.0, grad * log(other)),
                 other=lambda grad, input, other: grad * input / other)  # fmt: skip

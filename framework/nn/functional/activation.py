"""Nonlinearities that check their options or may write over their input; the others are the ops of the same names."""

from ...autograd.inplace import inplace as in_place
from ...ops import activation as ops
from ...ops.elementwise import where
from ...ops.promotion import expect


def overwriting(inplace, function, input, *args):
    """function(input, …), with the result written over `input` if `inplace`."""
    return in_place(function, keeps_first=True)(input, *args) if inplace else function(input, *args)


def relu(input, inplace: bool = False):
    """max(x, 0)."""
    return input.relu_() if inplace else ops.relu(input)


def leaky_relu(input, negative_slope: float = 0.01, inplace: bool = False):
    """x where positive, else negative_slope x."""
    return overwriting(inplace, ops.leaky_relu, input, negative_slope)


def rrelu(input, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False):
    """leaky_relu with a slope for each element drawn from U(lower, upper) in training, and their mean otherwise (Xu et al., 2015)."""
    expect(0 <= upper - lower < float("inf"), f"rrelu: expected finite bounds, lower <= upper, but got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = input.new_empty(input.shape).uniform_(lower, upper)
    return overwriting(inplace, lambda x: where(x <= 0, x * slopes, x), input)


def elu(input, alpha: float = 1.0, inplace: bool = False):
    """x where positive, else alpha (exp(x) - 1) (Clevert et al., 2015)."""
    return overwriting(inplace, ops.elu, input, alpha)


def celu(input, alpha: float = 1.0, inplace: bool = False):
    """x where positive, else alpha (exp(x / alpha) - 1): an elu of slope 1 at zero (Barron, 2017)."""
    expect(alpha, "ZeroDivisionError: alpha cannot be 0 for CELU")
    return overwriting(inplace, ops.elu, input, alpha, 1.0, 1.0 / alpha)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input, inplace: bool = False):
    """The scaled elu that keeps mean 0 and variance 1 from layer to layer (Klambauer et al., 2017)."""
    return overwriting(inplace, ops.elu, input, SELU_ALPHA, SELU_SCALE)


def _without_options(function, docstring):
    def activation(input, inplace: bool = False):
        return overwriting(inplace, function, input)

    activation.__name__, activation.__qualname__, activation.__doc__ = function.__name__, function.__name__, docstring
    return activation


silu = _without_options(ops.silu, "x sigmoid(x).")
mish = _without_options(ops.mish, "x tanh(softplus(x)) (Misra, 2019).")
hardsigmoid = _without_options(ops.hardsigmoid, "x / 6 + 1/2, cut off below 0 and above 1 (Howard et al., 2019).")
hardswish = _without_options(ops.hardswish, "x hardsigmoid(x) (Howard et al., 2019).")


def hardtanh(input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
    """x cut off below min_val and above max_val."""
    expect(min_val <= max_val, "min_val cannot be greater than max_val", ValueError)
    expect(min_val >= 0 or input.dtype.name != "uint8", "cannot do hardtanh on an unsigned type with negative limits")
    return overwriting(inplace, ops.hardtanh, input, min_val, max_val)


def relu6(input, inplace: bool = False):
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def threshold(input, threshold: float, value: float, inplace: bool = False):
    """x where above `threshold`, else `value`."""
    fits = 0 <= threshold < 256 and 0 <= value < 256
    expect(fits or input.dtype.name != "uint8", "value cannot be converted to type uint8_t without overflow")
    return overwriting(inplace, ops.threshold, input, threshold, value)


def softshrink(input, lambd: float = 0.5):
    """x moved by lambd toward zero, and zero where |x| <= lambd."""
    expect(lambd >= 0, f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return ops.softshrink(input, lambd)

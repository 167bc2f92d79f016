"""GELU on a CPU: forward and backward in one pass each, where the formula takes six and ten.

    x Phi(x)               d/dx = Phi(x) + x phi(x)                      Phi(x) = (1 + erf(x / sqrt 2)) / 2, and phi = Phi'
    x (1 + tanh u) / 2     d/dx = (1 + t + x (1 - t^2) u') / 2           t = tanh u, u = sqrt(2 / pi) (x + 0.044715 x^3)
"""

import math

import numpy as np

from ..ops import activation
from .cpu import compiled, kernel, one_pass_pays, run
from .cpu_math import erf, exp, tanh

_NUMBERS = 0.5, 0.5**0.5, 1 / math.sqrt(2 * math.pi)
_NUMBERS_TANH = 0.5, math.sqrt(2 / math.pi), math.sqrt(2 / math.pi) * 0.044715


@compiled()
def _gelu(input, half, root, top, out, share, first, last):
    """`root` is sqrt(1 / 2), `top` phi(0)."""
    input, out = input[first:last], out[first:last]
    for i in range(input.size):
        out[i] = input[i] * (half + half * erf(input[i] * root))


@compiled()
def _gelu_backward(grad, input, half, root, top, out, share, first, last):
    grad, input, out = grad[first:last], input[first:last], out[first:last]
    for i in range(input.size):
        x = input[i]
        out[i] = grad[i] * (half + half * erf(x * root) + x * top * exp(-half * x * x))


@compiled()
def _gelu_tanh(input, half, slope, cubic, out, share, first, last):
    """u = slope x + cubic x^3."""
    input, out = input[first:last], out[first:last]
    for i in range(input.size):
        x = input[i]
        out[i] = x * (half + half * tanh(slope * x + cubic * x * x * x))


@compiled()
def _gelu_tanh_backward(grad, input, half, slope, cubic, out, share, first, last):
    grad, input, out = grad[first:last], input[first:last], out[first:last]
    one = half + half
    three = one + one + one
    for i in range(input.size):
        x = input[i]
        t = tanh(slope * x + cubic * x * x * x)
        out[i] = grad[i] * half * (one + t + x * (one - t * t) * (slope + three * cubic * x * x))


def _one_pass(input, forward, backward, numbers):
    if not one_pass_pays(input):
        return NotImplemented
    out, numbers = np.empty_like(input), [input.dtype.type(each) for each in numbers]
    run(forward, input.size, input.reshape(-1), *numbers, out.reshape(-1))

    def input_gradient(grad, needs_input):
        input_grad = np.empty_like(input)
        run(backward, input.size, np.ascontiguousarray(grad).reshape(-1), input.reshape(-1), *numbers, input_grad.reshape(-1))
        return (input_grad,)

    return out, input_gradient


@kernel(activation.gelu_erf)
def one_pass_gelu(input):
    return _one_pass(input, _gelu, _gelu_backward, _NUMBERS)


@kernel(activation.gelu_tanh)
def one_pass_gelu_tanh(input):
    return _one_pass(input, _gelu_tanh, _gelu_tanh_backward, _NUMBERS_TANH)

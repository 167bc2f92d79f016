"""Nonlinearities."""

from ...autograd.inplace import assign, check_writable
from ...ops import activation as ops


def relu(input, inplace: bool = False):
    """max(x, 0)."""
    return input.relu_() if inplace else ops.relu(input)


def leaky_relu(input, negative_slope: float = 0.01, inplace: bool = False):
    """x where positive, else negative_slope x."""
    return overwriting(inplace, input, ops.leaky_relu(input, negative_slope))


def elu(input, alpha: float = 1.0, inplace: bool = False):
    """x where positive, else alpha (exp(x) - 1) (Clevert et al., 2015)."""
    return overwriting(inplace, input, ops.elu(input, alpha))


def silu(input, inplace: bool = False):
    """x sigmoid(x)."""
    return overwriting(inplace, input, ops.silu(input))


def hardtanh(input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
    """x cut off below min_val and above max_val."""
    return overwriting(inplace, input, ops.hardtanh(input, min_val, max_val))


def relu6(input, inplace: bool = False):
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def softplus(input, beta: float = 1.0, threshold: float = 20.0):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""
    return ops.softplus(input, beta, threshold)


gelu, logsigmoid, softmax, log_softmax = ops.gelu, ops.logsigmoid, ops.softmax, ops.log_softmax


def overwriting(inplace, input, out):
    if not inplace:
        return out
    check_writable(input)
    return assign(input, out)

"""Initial values of parameters."""

import itertools
import math

import numpy as np

from .. import random
from ..autograd.mode import no_grad
from ..creation import eye
from ..ops.promotion import expect

_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
_GAINS |= {f"conv{kind}{dims}d": 1.0 for kind in ("", "_transpose") for dims in (1, 2, 3)}


def calculate_gain(nonlinearity: str, param=None) -> float:
    """The factor that keeps the variance through a nonlinearity: sqrt(2) for ReLU, 5/3 for tanh, …"""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    expect(nonlinearity in _GAINS, f"Unsupported nonlinearity {nonlinearity}", ValueError)
    return _GAINS[nonlinearity]


def _check_dimensions(tensor, least, most=math.inf) -> None:
    expect(least <= tensor.ndim <= most, f"expected a tensor of {least} to {most} dimensions, but got {tensor.ndim}", ValueError)


def fans(tensor) -> tuple[int, int]:
    """(inputs of one output, outputs of one input) of a weight (out, in, *kernel)."""
    _check_dimensions(tensor, 2)
    receptive = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive, tensor.shape[0] * receptive


def uniform_(tensor, a: float = 0.0, b: float = 1.0, generator=None):
    """U(a, b)."""
    return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean: float = 0.0, std: float = 1.0, generator=None):
    """N(mean, std^2)."""
    return tensor.normal_(mean, std, generator=generator)


def constant_(tensor, val: float):
    """`val` everywhere."""
    return tensor.fill_(val)


def trunc_normal_(tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator=None):
    """N(mean, std^2) between `a` and `b`: the distribution function's inverse of uniform numbers between its values there."""
    from scipy.special import ndtr, ndtri

    sign = -1 if a > mean else 1  # the upper tail, where 1 - the distribution function would be lost, is drawn as the lower one
    low, high = sorted((sign * (a - mean) / std, sign * (b - mean) / std))
    uniform = random.uniform(tuple(tensor.shape), np.float64, generator)
    values = np.clip(ndtri(ndtr(low) + uniform * (ndtr(high) - ndtr(low))), low, high)
    return tensor.copy_(tensor.new_tensor(mean + sign * std * values))


def eye_(tensor):
    """The identity matrix: a linear layer hands its input on."""
    _check_dimensions(tensor, 2, 2)
    return tensor.copy_(eye(*tensor.shape))


def dirac_(tensor, groups: int = 1):
    """A one in the middle of the kernel (out, in, *kernel) of each channel for itself: a convolution hands its input on."""
    _check_dimensions(tensor, 3, 5)
    expect(tensor.shape[0] % groups == 0, "dim 0 must be divisible by groups", ValueError)
    tensor.zero_()
    outs, middle = tensor.shape[0] // groups, [n // 2 for n in tensor.shape[2:]]
    for group, channel in itertools.product(range(groups), range(min(outs, tensor.shape[1]))):
        tensor[(group * outs + channel, channel, *middle)] = 1
    return tensor


def orthogonal_(tensor, gain: float = 1, generator=None):
    """Rows or columns, whichever are fewer, orthogonal and of length `gain`: Q of a random matrix (Saxe et al., 2013)."""
    _check_dimensions(tensor, 2)
    flat = random.normal(tuple(tensor.flatten(1).shape), np.float64, generator)
    wide = flat.shape[0] < flat.shape[1]
    q, r = np.linalg.qr(flat.T if wide else flat)
    q = q * np.sign(np.diagonal(r))  # uniform over all orthogonal matrices
    return tensor.copy_(tensor.new_tensor(q.T if wide else q).reshape(tensor.shape) * gain)


def sparse_(tensor, sparsity: float, std: float = 0.01, generator=None):
    """N(0, std^2) with a share `sparsity` of each column zero (Martens, 2010)."""
    _check_dimensions(tensor, 2, 2)
    tensor.normal_(0, std, generator=generator)
    for column in range(tensor.shape[1]):
        tensor[random.permutation(len(tensor), generator)[: math.ceil(sparsity * len(tensor))].tolist(), column] = 0
    return tensor


def ones_(tensor):
    """One everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Zero everywhere."""
    return constant_(tensor, 0.0)


def xavier_uniform_(tensor, gain: float = 1.0, generator=None):
    """U(-a, a) with a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain: float = 1.0, generator=None):
    """N(0, gain^2 2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), generator)


def _kaiming_std(tensor, a, mode, nonlinearity) -> float:
    expect(mode.lower() in ("fan_in", "fan_out"), f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']", ValueError)
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode.lower() == "fan_out"] or 1)  # 1 for an empty tensor


def kaiming_uniform_(tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None):
    """U(-b, b) with b = gain sqrt(3 / fan) (He et al., 2015)."""
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None):
    """N(0, gain^2 / fan) (He et al., 2015)."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


# They write over parameters, which nothing that is recorded may do
uniform_, normal_, constant_, trunc_normal_ = map(no_grad, (uniform_, normal_, constant_, trunc_normal_))
eye_, dirac_, orthogonal_, sparse_ = map(no_grad, (eye_, dirac_, orthogonal_, sparse_))

"""Optimizer updates on a CPU: everything of an element in one pass, written over the old values."""

import math

import numba as nb

from ..optim import adadelta
from .cpu import contiguous, floats, kernel, large, parallel, run


def flat(*arrays):
    """The arrays as vectors, sharing their memory."""
    return [each.reshape(-1) for each in arrays]


def fits(*arrays) -> bool:
    """Whether one pass pays for a parameter, its gradient and its state."""
    return floats(*arrays) and contiguous(*arrays) and large(arrays[0])


@parallel()
def _adadelta(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, sign):
    for i in nb.prange(param.size):
        g = sign * grad[i] + weight_decay * param[i]
        square_avg[i] = rho * square_avg[i] + (1 - rho) * g * g
        delta = math.sqrt(acc_delta[i] + eps) / math.sqrt(square_avg[i] + eps) * g
        acc_delta[i] = rho * acc_delta[i] + (1 - rho) * delta * delta
        param[i] -= lr * delta


@kernel(adadelta.adadelta_update)
def one_pass_adadelta(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, maximize):
    if not fits(param, grad, square_avg, acc_delta):
        return NotImplemented
    number = param.dtype.type
    options = number(lr), number(rho), number(eps), number(weight_decay), number(-1 if maximize else 1)
    run(_adadelta, *flat(param, grad, square_avg, acc_delta), *options)
    return param, square_avg, acc_delta

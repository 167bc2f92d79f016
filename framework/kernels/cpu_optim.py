"""Optimizer updates on a CPU: everything of an element in one pass, written over the old values."""

import math

import numpy as np

from ..optim import adadelta, adam, rmsprop, sgd
from .cpu import compiled, kernel, one_pass_pays, run


def flat(*arrays):
    """The arrays as vectors, sharing their memory."""
    return [each.reshape(-1) for each in arrays]


@compiled()
def _adadelta(param, grad, square_avg, acc_delta, lr, rho, rest, eps, weight_decay, sign, share, first, last):
    """`rest` = 1 - rho; an integer in the loop would make all of it double precision."""
    param, grad, square_avg, acc_delta = param[first:last], grad[first:last], square_avg[first:last], acc_delta[first:last]
    for i in range(param.size):
        g = sign * grad[i] + weight_decay * param[i]
        square_avg[i] = rho * square_avg[i] + rest * g * g
        delta = math.sqrt(acc_delta[i] + eps) / math.sqrt(square_avg[i] + eps) * g
        acc_delta[i] = rho * acc_delta[i] + rest * delta * delta
        param[i] -= lr * delta


@kernel(adadelta.adadelta_update)
def one_pass_adadelta(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, maximize):
    if not one_pass_pays(param, grad, square_avg, acc_delta):
        return NotImplemented
    options = map(param.dtype.type, (lr, rho, 1 - rho, eps, weight_decay, -1 if maximize else 1))
    run(_adadelta, param.size, *flat(param, grad, square_avg, acc_delta), *options)
    return param, square_avg, acc_delta


@compiled()
def _sgd(param, grad, buffer, lr, momentum, rest, weight_decay, sign, nesterov, share, first, last):
    param, grad, buffer = param[first:last], grad[first:last], buffer[first:last]
    for i in range(param.size):
        g = sign * grad[i] + weight_decay * param[i]
        if buffer.size:
            buffer[i] = momentum * buffer[i] + rest * g
            g = g + momentum * buffer[i] if nesterov else buffer[i]
        param[i] -= lr * g


@kernel(sgd.sgd_update)
def one_pass_sgd(param, grad, momentum_buffer, lr, momentum, dampening, weight_decay, nesterov, maximize):
    if momentum and momentum_buffer is None:
        return NotImplemented  # the first step, which makes the buffer
    buffer = momentum_buffer if momentum else np.empty(0, param.dtype)
    if not one_pass_pays(param, grad, buffer):
        return NotImplemented
    options = map(param.dtype.type, (lr, momentum, 1 - dampening, weight_decay, -1 if maximize else 1))
    run(_sgd, param.size, *flat(param, grad, buffer), *options, nesterov)
    return param, momentum_buffer


@compiled()
def _adam(
    param,
    grad,
    exp_avg,
    exp_avg_sq,
    max_exp_avg_sq,
    step_size,
    root_correction,
    beta1,
    rest1,
    beta2,
    rest2,
    eps,
    weight_decay,
    shrink,
    sign,
    share,
    first,
    last,
):
    """`rest` = 1 - beta, taken in double precision: in single, 1 - 0.999 has lost a digit in a hundred thousand."""
    param, grad, exp_avg, exp_avg_sq = param[first:last], grad[first:last], exp_avg[first:last], exp_avg_sq[first:last]
    max_exp_avg_sq = max_exp_avg_sq[first:last]
    for i in range(param.size):
        g = sign * grad[i] + weight_decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + rest1 * g
        exp_avg_sq[i] = beta2 * exp_avg_sq[i] + rest2 * g * g
        second = exp_avg_sq[i]
        if max_exp_avg_sq.size:
            second = max_exp_avg_sq[i] = max(max_exp_avg_sq[i], second)
        param[i] = param[i] * shrink - step_size * exp_avg[i] / (math.sqrt(second) / root_correction + eps)


@kernel(adam.adam_update)
def one_pass_adam(
    param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, amsgrad, decoupled, maximize
):
    largest = max_exp_avg_sq if amsgrad else np.empty(0, param.dtype)
    if not one_pass_pays(param, grad, exp_avg, exp_avg_sq, largest):
        return NotImplemented
    in_gradient, shrink = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    rates = lr / (1 - beta1**step), math.sqrt(1 - beta2**step), beta1, 1 - beta1, beta2, 1 - beta2
    options = (*rates, eps, in_gradient, shrink, -1 if maximize else 1)
    run(_adam, param.size, *flat(param, grad, exp_avg, exp_avg_sq, largest), *map(param.dtype.type, options))
    return param, exp_avg, exp_avg_sq, max_exp_avg_sq


@compiled()
def _rmsprop(param, grad, square_avg, buffer, grad_avg, lr, alpha, rest, eps, weight_decay, momentum, sign, share, first, last):
    param, grad, square_avg = param[first:last], grad[first:last], square_avg[first:last]
    buffer, grad_avg = buffer[first:last], grad_avg[first:last]
    for i in range(param.size):
        g = sign * grad[i] + weight_decay * param[i]
        square_avg[i] = alpha * square_avg[i] + rest * g * g
        spread = square_avg[i]
        if grad_avg.size:
            grad_avg[i] = alpha * grad_avg[i] + rest * g
            spread -= grad_avg[i] * grad_avg[i]
        step = g / (math.sqrt(spread) + eps)
        if buffer.size:
            step = buffer[i] = momentum * buffer[i] + step
        param[i] -= lr * step


@kernel(rmsprop.rmsprop_update)
def one_pass_rmsprop(param, grad, square_avg, grad_avg, momentum_buffer, lr, alpha, eps, weight_decay, momentum, centered, maximize):
    none = np.empty(0, param.dtype)
    buffer, average = momentum_buffer if momentum else none, grad_avg if centered else none
    if not one_pass_pays(param, grad, square_avg, buffer, average):
        return NotImplemented
    options = (lr, alpha, 1 - alpha, eps, weight_decay, momentum, -1 if maximize else 1)
    run(_rmsprop, param.size, *flat(param, grad, square_avg, buffer, average), *map(param.dtype.type, options))
    return param, square_avg, grad_avg, momentum_buffer

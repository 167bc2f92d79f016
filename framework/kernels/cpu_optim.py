"""Optimizer updates on a CPU: all parameters in one call, everything of an element in one pass, written over the old values."""

import math

import numpy as np

from ..optim import adadelta, adam, optimizer, rmsprop, sgd
from . import large_together
from .cpu import compiled, contiguous, floats, kernel
from .cpu_lists import part, run_each
from .cpu_rows import Rows
from .later import Later


@compiled(inline="always")
def _descent(param, grad, weight_decay, sign):
    """The gradient to go down along, that of weight_decay / 2 param^2 included: 0 times an infinite parameter would be nan."""
    return sign * grad + (weight_decay * param if weight_decay != 0 else weight_decay)


@compiled()
def _adadelta(table, pieces, lr, rho, rest, eps, weight_decay, sign, share, first, last):
    """`rest` = 1 - rho; an integer in the loop would make all of it double precision."""
    for piece in pieces[first:last]:
        param, grad = part(table, 0, piece, lr), part(table, 1, piece, lr)
        square_avg, acc_delta = part(table, 2, piece, lr), part(table, 3, piece, lr)
        for i in range(param.size):
            g = _descent(param[i], grad[i], weight_decay, sign)
            square_avg[i] = rho * square_avg[i] + rest * g * g
            delta = math.sqrt(acc_delta[i] + eps) / math.sqrt(square_avg[i] + eps) * g
            acc_delta[i] = rho * acc_delta[i] + rest * delta * delta
            param[i] -= lr * delta


def _adadelta_numbers(lr, rho, eps, weight_decay, maximize):
    return (lr, rho, 1 - rho, eps, weight_decay, -1 if maximize else 1), ()


@compiled()
def _sgd(table, pieces, lr, momentum, rest, weight_decay, sign, nesterov, share, first, last):
    for piece in pieces[first:last]:
        param, grad, buffer = part(table, 0, piece, lr), part(table, 1, piece, lr), part(table, 2, piece, lr)
        for i in range(param.size):
            g = _descent(param[i], grad[i], weight_decay, sign)
            if momentum != 0:
                buffer[i] = momentum * buffer[i] + rest * g
                g = g + momentum * buffer[i] if nesterov else buffer[i]
            param[i] -= lr * g


def _sgd_numbers(lr, momentum, dampening, weight_decay, nesterov, maximize):
    return (lr, momentum, 1 - dampening, weight_decay, -1 if maximize else 1), (nesterov,)


@compiled()
def _adam(table, pieces, step_size, root_correction, beta1, rest1, beta2, rest2, eps, weight_decay, shrink, sign, amsgrad,
          share, first, last):  # fmt: skip
    """`rest` = 1 - beta, taken in double precision: in single, 1 - 0.999 has lost a digit in a hundred thousand."""
    for piece in pieces[first:last]:
        param, grad = part(table, 0, piece, eps), part(table, 1, piece, eps)
        exp_avg, exp_avg_sq, max_exp_avg_sq = part(table, 2, piece, eps), part(table, 3, piece, eps), part(table, 4, piece, eps)
        for i in range(param.size):
            g = _descent(param[i], grad[i], weight_decay, sign)
            exp_avg[i] = beta1 * exp_avg[i] + rest1 * g
            exp_avg_sq[i] = beta2 * exp_avg_sq[i] + rest2 * g * g
            second = exp_avg_sq[i]
            if amsgrad:
                second = max_exp_avg_sq[i] = max(max_exp_avg_sq[i], second)
            param[i] = param[i] * shrink - step_size * exp_avg[i] / (math.sqrt(second) / root_correction + eps)


def _adam_numbers(step, lr, beta1, beta2, eps, weight_decay, amsgrad, decoupled, maximize):
    in_gradient, shrink = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    rates = lr / (1 - beta1**step), math.sqrt(1 - beta2**step), beta1, 1 - beta1, beta2, 1 - beta2
    return (*rates, eps, in_gradient, shrink, -1 if maximize else 1), (amsgrad,)


@compiled()
def _rmsprop(table, pieces, lr, alpha, rest, eps, weight_decay, momentum, sign, centered, share, first, last):
    for piece in pieces[first:last]:
        param, grad, square_avg = part(table, 0, piece, lr), part(table, 1, piece, lr), part(table, 2, piece, lr)
        grad_avg, buffer = part(table, 3, piece, lr), part(table, 4, piece, lr)
        for i in range(param.size):
            g = _descent(param[i], grad[i], weight_decay, sign)
            square_avg[i] = alpha * square_avg[i] + rest * g * g
            spread = square_avg[i]
            if centered:
                grad_avg[i] = alpha * grad_avg[i] + rest * g
                spread -= grad_avg[i] * grad_avg[i]
            step = g / (math.sqrt(spread) + eps)
            if momentum != 0:
                step = buffer[i] = momentum * buffer[i] + step
            param[i] -= lr * step


def _rmsprop_numbers(lr, alpha, eps, weight_decay, momentum, centered, maximize):
    return (lr, alpha, 1 - alpha, eps, weight_decay, momentum, -1 if maximize else 1), (centered,)


# update -> how many of its arguments are arrays, its compiled loop, and what that takes of the others: numbers of the arrays' type; bools
_LOOPS = {
    adadelta.adadelta_update: (4, _adadelta, _adadelta_numbers),
    adam.adam_update: (5, _adam, _adam_numbers),
    rmsprop.rmsprop_update: (5, _rmsprop, _rmsprop_numbers),
    sgd.sgd_update: (3, _sgd, _sgd_numbers),
}


@kernel(optimizer.update_each, list)
def all_parameters_at_once(update, rows):
    count, loop, numbers_of = _LOOPS.get(update, (0, None, None))
    if loop is None or not large_together(rows) or len({_address(row[0]) for row in rows}) < len(rows):
        return NotImplemented  # of parameters that share memory one must be updated after the other
    together, results = {}, []  # type and options -> the arrays of the parameters that have these
    for row in rows:
        arrays, options = row[:count], row[count:]
        grad = arrays[1]
        if isinstance(grad, Rows) and update is sgd.sgd_update and not (options[1] or options[3]) and contiguous(arrays[0]):
            grad.add_to(arrays[0], options[0] if options[-1] else -options[0])  # without momentum and weight decay, other rows stay
            results.append((arrays[0], None))
            continue
        arrays[1] = grad.array() if isinstance(grad, Later) else grad
        begins = update is sgd.sgd_update and arrays[2] is None and options[1]  # the first step with momentum, which makes the buffer
        if begins or not _fit(arrays):
            results.append(update.compute([*arrays, *options])[0])
            continue
        together.setdefault((row[0].dtype, *options), []).append([row[0] if each is None else each for each in arrays])
        results.append((arrays[0], *arrays[2:]))
    for (dtype, *options), group in together.items():
        numbers, choices = numbers_of(*options)
        run_each(loop, group, *map(dtype.type, numbers), *choices)
    return results


def _fit(arrays) -> bool:
    given = [each for each in arrays if each is not None]
    of_numpy = all([type(each) is np.ndarray and each.flags.writeable for each in given])
    return of_numpy and floats(*given) and contiguous(*given)


def _address(array):
    """Where the array begins; of a GPU's the array itself."""
    return array.__array_interface__["data"][0] if type(array) is np.ndarray and array.size else id(array)

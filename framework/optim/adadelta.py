"""Adadelta."""

import numpy as np

from ..autograd.op import op
from .optimizer import Optimizer, descent, options


@op
def adadelta_update(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, maximize):
    grad = descent(param, grad, weight_decay, maximize)
    square_avg = rho * square_avg + (1 - rho) * grad * grad
    delta = np.sqrt(acc_delta + eps) / np.sqrt(square_avg + eps) * grad
    acc_delta = rho * acc_delta + (1 - rho) * delta * delta
    return param - lr * delta, square_avg, acc_delta


class Adadelta(Optimizer, update=adadelta_update):
    """Steps in the units of x: x <- x - lr d, d = RMS of the steps before / RMS of the gradients * g, where RMS(y) = sqrt(avg(y^2) + eps).

    avg(y^2) <- rho avg(y^2) + (1 - rho) y^2, from 0.
    Zeiler, 2012, ADADELTA: An Adaptive Learning Rate Method.
    """

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, *, maximize=False):
        super().__init__(params, options(locals(), rho=0 <= rho <= 1))

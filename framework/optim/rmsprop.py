"""RMSprop."""

import numpy as np

from ..autograd.op import op
from .optimizer import Optimizer, descent, options


@op
def rmsprop_update(param, grad, square_avg, grad_avg, momentum_buffer, lr, alpha, eps, weight_decay, momentum, centered, maximize):
    """One step of RMSprop; `grad_avg` is None unless `centered`, `momentum_buffer` is None without momentum."""
    grad = descent(param, grad, weight_decay, maximize)
    variance = square_avg = alpha * square_avg + (1 - alpha) * grad * grad
    if centered:
        grad_avg = alpha * grad_avg + (1 - alpha) * grad
        variance = square_avg - grad_avg * grad_avg
    delta = grad / (np.sqrt(variance) + eps)
    if momentum:
        delta = momentum_buffer = momentum * momentum_buffer + delta
    return param - lr * delta, square_avg, grad_avg, momentum_buffer


class RMSprop(Optimizer, update=rmsprop_update):
    """Each step divided by the running root mean square of its gradient: x <- x - lr g / (sqrt(v) + eps), v <- alpha v + (1 - alpha) g^2.

    With `momentum`, b <- momentum b + g / (sqrt(v) + eps), x <- x - lr b.  With `centered`, v is less the square of the average of g:
    an estimate of the variance (Graves, 2013, Generating Sequences With Recurrent Neural Networks).
    Tieleman and Hinton, 2012, Neural Networks for Machine Learning, lecture 6.5.
    """

    only_with = {"grad_avg": "centered", "momentum_buffer": "momentum"}

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, *, maximize=False):
        super().__init__(params, options(locals(), alpha=alpha >= 0))

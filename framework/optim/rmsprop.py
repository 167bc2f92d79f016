"""RMSprop."""

import numpy as np

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, check, checked, descent, scalar


@op
def rmsprop_update(param, grad, square_avg, grad_avg, momentum_buffer, lr, alpha, eps, weight_decay, momentum, centered, maximize):
    """One step of RMSprop; `grad_avg` is None unless `centered`, `momentum_buffer` is None without momentum."""
    grad = descent(param, grad, weight_decay, maximize)
    square_avg = alpha * square_avg + (1 - alpha) * grad * grad
    variance = square_avg
    if centered:
        grad_avg = alpha * grad_avg + (1 - alpha) * grad
        variance = square_avg - grad_avg * grad_avg
    delta = grad / (np.sqrt(variance) + eps)
    if momentum:
        delta = momentum_buffer = momentum * momentum_buffer + delta
    return param - lr * delta, square_avg, grad_avg, momentum_buffer


class RMSprop(Optimizer):
    """Each step divided by the running root mean square of its gradient: x <- x - lr g / (sqrt(v) + eps), v <- alpha v + (1 - alpha) g^2.

    With `momentum`, b <- momentum b + g / (sqrt(v) + eps), x <- x - lr b.  With `centered`, v is less the square of the average of g:
    an estimate of the variance (Graves, 2013, Generating Sequences With Recurrent Neural Networks).
    Tieleman and Hinton, 2012, Neural Networks for Machine Learning, lecture 6.5.
    """

    update_op = rmsprop_update
    state_names = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, *, maximize=False, **switches):
        check(alpha >= 0, "Invalid alpha value", alpha)
        super().__init__(params, checked(lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
                                         maximize=maximize), **switches)  # fmt: skip

    def initial_state(self, param, group):
        used = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return {"step": scalar(0.0), **{name: zeros_like(param) for name, wanted in used.items() if wanted}}

"""Stochastic gradient descent."""

from ..autograd.op import op
from .optimizer import Optimizer, descent, options


@op
def sgd_update(param, grad, momentum_buffer, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """One step of SGD; `momentum_buffer` is None before the first step, and always without momentum."""
    grad = descent(param, grad, weight_decay, maximize)
    if momentum:
        momentum_buffer = grad if momentum_buffer is None else momentum * momentum_buffer + (1 - dampening) * grad
        grad = grad + momentum * momentum_buffer if nesterov else momentum_buffer
    return param - lr * grad, momentum_buffer


class SGD(Optimizer, update=sgd_update):
    """Gradient descent with momentum: b <- momentum b + (1 - dampening) g, x <- x - lr b; the first b is g.

    With `nesterov`, x <- x - lr (g + momentum b).  g is the gradient plus weight_decay x.
    Sutskever, Martens, Dahl and Hinton, 2013, On the importance of initialization and momentum in deep learning.
    """

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, options(locals()))

    def initial_state(self, param, group):
        return {}

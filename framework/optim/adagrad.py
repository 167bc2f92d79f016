"""Adagrad."""

import numpy as np

from ..autograd.op import op
from ..creation import full_like
from .optimizer import Optimizer, descent, options, scalar


@op
def adagrad_update(param, grad, sum, step, lr, lr_decay, eps, weight_decay, maximize):
    grad = descent(param, grad, weight_decay, maximize)
    sum = sum + grad * grad
    return param - lr / (1 + (step - 1) * lr_decay) * grad / (np.sqrt(sum) + eps), sum


class Adagrad(Optimizer, update=adagrad_update):
    """Smaller steps where gradients were large: x <- x - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps), s <- s + g^2.

    Duchi, Hazan and Singer, 2011, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.
    """

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, *, maximize=False):
        super().__init__(params, options(locals()))

    def initial_state(self, param, group):
        return {"step": scalar(0.0), "sum": full_like(param, group["initial_accumulator_value"])}

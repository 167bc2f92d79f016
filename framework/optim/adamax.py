"""Adamax."""

import numpy as np

from ..autograd.op import op
from .optimizer import Optimizer, descent, options


@op
def adamax_update(param, grad, exp_avg, exp_inf, step, lr, beta1, beta2, eps, weight_decay, maximize):
    grad = descent(param, grad, weight_decay, maximize)
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_inf = np.maximum(beta2 * exp_inf, np.abs(grad) + eps)
    return param - lr / (1 - beta1**step) * exp_avg / exp_inf, exp_avg, exp_inf


class Adamax(Optimizer, update=adamax_update):
    """Adam with the largest recent gradient in place of the mean square: x <- x - lr / (1 - beta1^t) m / u, u <- max(beta2 u, |g| + eps).

    m <- beta1 m + (1 - beta1) g.  Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization, section 7.1.
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, *, maximize=False):
        super().__init__(params, options(locals()))

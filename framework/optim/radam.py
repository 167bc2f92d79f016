"""RAdam."""

import numpy as np

from ..autograd.op import op
from .optimizer import Optimizer, decayed, options


@op
def radam_update(param, grad, exp_avg, exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, decoupled_weight_decay, maximize):
    param, grad = decayed(param, grad, lr, weight_decay, decoupled_weight_decay, maximize)
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    delta = exp_avg / (1 - beta1**step)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * step * beta2**step / (1 - beta2**step)
    if rho > 5:  # else too few gradients have been seen to trust their mean square
        rectification = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
        delta = rectification * (1 - beta2**step) ** 0.5 * delta / (np.sqrt(exp_avg_sq) + eps)
    return param - lr * delta, exp_avg, exp_avg_sq


class RAdam(Optimizer, update=radam_update):
    """Adam with a warm-up of its own: r times Adam's step once rho_t > 5, plain momentum before, rho_t being how many gradients v averages.

    r^2 = (rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t), rho_inf = 2 / (1 - beta2) - 1,
    rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t).
    Liu et al., 2020, On the Variance of the Adaptive Learning Rate and Beyond.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, maximize=False):
        super().__init__(params, options(locals()))

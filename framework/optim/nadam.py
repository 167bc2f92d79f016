"""NAdam."""

import numpy as np

from ..autograd.op import op
from .optimizer import Optimizer, decayed, options, scalar


@op
def nadam_update(param, grad, exp_avg, exp_avg_sq, mu_product, step, lr, beta1, beta2, eps, weight_decay, momentum_decay,
                 decoupled_weight_decay, maximize):  # fmt: skip
    """Step number `step` (from 1) of NAdam; `mu_product`, of no dimensions, is the product of all mu so far."""
    param, grad = decayed(param, grad, lr, weight_decay, decoupled_weight_decay, maximize)
    mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (step, step + 1))
    product = (mu_product * mu).item()
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    mean = next_mu / (1 - product * next_mu) * exp_avg + (1 - mu) / (1 - product) * grad
    return param - lr * mean / (np.sqrt(exp_avg_sq / (1 - beta2**step)) + eps), exp_avg, exp_avg_sq, product


class NAdam(Optimizer, update=nadam_update):
    """Adam with Nesterov's momentum: in Adam's step m' looks one step ahead, mu' m / (1 - M mu') + (1 - mu) g / (1 - M).

    mu = beta1 (1 - 0.96^(t momentum_decay) / 2), mu' the same at t + 1, M the product of all mu up to t.
    Dozat, 2016, Incorporating Nesterov Momentum into Adam.
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False, *,
                 maximize=False):  # fmt: skip
        super().__init__(params, options(locals()))

    def initial_state(self, param, group):
        return {**super().initial_state(param, group), "mu_product": scalar(1.0)}

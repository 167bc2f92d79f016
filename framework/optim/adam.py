"""Adam, with its weight decay in the gradient or apart from it."""

import numpy as np

from ..autograd.op import op
from ..offered import expect
from .optimizer import Optimizer, decayed, options


@op
def adam_update(param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, amsgrad,
                decoupled_weight_decay, maximize):  # fmt: skip
    """Step number `step` (from 1) of Adam; `max_exp_avg_sq` is None unless `amsgrad`."""
    param, grad = decayed(param, grad, lr, weight_decay, decoupled_weight_decay, maximize)
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    if amsgrad:
        max_exp_avg_sq = np.maximum(max_exp_avg_sq, exp_avg_sq)
    mean = exp_avg / (1 - beta1**step)  # both averages began at 0: divided by the sum of their weights
    square = (max_exp_avg_sq if amsgrad else exp_avg_sq) / (1 - beta2**step)
    return param - lr * mean / (np.sqrt(square) + eps), exp_avg, exp_avg_sq, max_exp_avg_sq


class Adam(Optimizer, update=adam_update):
    """Steps of about lr in every direction: x <- x - lr m' / (sqrt(v') + eps), m' and v' running averages of g and g^2.

    m <- beta1 m + (1 - beta1) g, m' = m / (1 - beta1^t); v <- beta2 v + (1 - beta2) g^2, v' = v / (1 - beta2^t).
    Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization.  With `amsgrad`, v' never falls: Reddi, Kale and Kumar, 2018.
    `weight_decay` is added to g, or with `decoupled_weight_decay` taken from x itself: see AdamW.
    """

    only_with = {"max_exp_avg_sq": "amsgrad"}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, maximize=False,
                 decoupled_weight_decay=False):  # fmt: skip
        super().__init__(params, options(locals()))


class AdamW(Adam):
    """Adam whose weight decay acts on the parameters, not through the averages: x <- x - lr weight_decay x, then Adam's step.

    Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


class SparseAdam(Optimizer):
    """Adam for parameters whose gradients are sparse; no gradient is so here, so `step` raises the RuntimeError that dense ones bring."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        super().__init__(params, options(locals(), lr=lr > 0, eps=eps > 0))

    def _update(self, params, options):
        expect(not params, "SparseAdam does not support dense gradients, please consider Adam instead")

"""Adam."""

import numpy as np

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, checked, descent, scalar


@op
def adam_update(param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, amsgrad,
                decoupled_weight_decay, maximize):  # fmt: skip
    """Step number `step` (from 1) of Adam; `max_exp_avg_sq` is None unless `amsgrad`."""
    grad = descent(param, grad, 0 if decoupled_weight_decay else weight_decay, maximize)
    if decoupled_weight_decay:
        param = param * (1 - lr * weight_decay)
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    if amsgrad:
        max_exp_avg_sq = np.maximum(max_exp_avg_sq, exp_avg_sq)
    mean = exp_avg / (1 - beta1**step)  # both averages began at 0: divided by the sum of their weights
    square = (max_exp_avg_sq if amsgrad else exp_avg_sq) / (1 - beta2**step)
    return param - lr * mean / (np.sqrt(square) + eps), exp_avg, exp_avg_sq, max_exp_avg_sq


class Adam(Optimizer):
    """Steps of about lr in every direction: x <- x - lr m' / (sqrt(v') + eps), m' and v' running averages of g and g^2.

    m <- beta1 m + (1 - beta1) g, m' = m / (1 - beta1^t); v <- beta2 v + (1 - beta2) g^2, v' = v / (1 - beta2^t).
    Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization.  With `amsgrad`, v' never falls: Reddi, Kale and Kumar, 2018.
    `weight_decay` is added to g, or with `decoupled_weight_decay` taken from x itself: see AdamW.
    """

    update_op = adam_update
    state_names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, maximize=False,
                 decoupled_weight_decay=False, **switches):  # fmt: skip
        super().__init__(params, checked(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
                                         decoupled_weight_decay=decoupled_weight_decay), **switches)  # fmt: skip

    def initial_state(self, param, group):
        names = self.state_names if group["amsgrad"] else self.state_names[:2]
        return {"step": scalar(0.0), **{name: zeros_like(param) for name in names}}

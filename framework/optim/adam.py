"""Adam, with its weight decay in the gradient or apart from it, and what was made of it since: NAdam, RAdam, Adamax."""

import numpy as np

from ..autograd.op import op
from ..offered import expect
from .optimizer import Optimizer, decayed, descent, options, scalar


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

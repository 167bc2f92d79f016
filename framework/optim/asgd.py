"""Averaged stochastic gradient descent."""

from ..autograd.op import op
from .optimizer import Optimizer, descent, options, scalar


@op
def asgd_update(param, grad, eta, mu, ax, step, lr, lambd, alpha, t0, weight_decay, maximize):
    """Step number `step` (from 1) of ASGD; `eta` and `mu`, of no dimensions, are this step's: the next ones are returned."""
    grad = descent(param, grad, weight_decay, maximize)
    eta, mu = eta.item(), mu.item()
    param = param * (1 - lambd * eta) - eta * grad
    ax = param if mu == 1 else ax + mu * (param - ax)
    return param, lr / (1 + lambd * lr * step) ** alpha, 1 / max(1, step - t0), ax


class ASGD(Optimizer, update=asgd_update):
    """Gradient descent with ever smaller steps, and the average `ax` of the places from step t0 on, in the optimizer's state.

    x <- (1 - lambd eta_t) x - eta_t g, ax <- ax + (x - ax) / max(1, t - t0), eta_t = lr / (1 + lambd lr t)^alpha.
    Polyak and Juditsky, 1992, Acceleration of Stochastic Approximation by Averaging.
    """

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, *, maximize=False):
        super().__init__(params, options(locals()))

    def initial_state(self, param, group):
        return {**super().initial_state(param, group), "eta": scalar(group["lr"]), "mu": scalar(1.0)}

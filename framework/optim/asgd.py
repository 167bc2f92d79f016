"""Averaged stochastic gradient descent."""

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, checked, descent, scalar


@op
def asgd_update(param, grad, eta, mu, ax, step, lr, lambd, alpha, t0, weight_decay, maximize):
    """Step number `step` (from 1) of ASGD; `eta` and `mu`, of no dimensions, are this step's: the next ones are returned."""
    grad = descent(param, grad, weight_decay, maximize)
    eta, mu = eta.item(), mu.item()
    param = param * (1 - lambd * eta) - eta * grad
    ax = param if mu == 1 else ax + mu * (param - ax)
    return param, lr / (1 + lambd * lr * step) ** alpha, 1 / max(1, step - t0), ax


class ASGD(Optimizer):
    """Gradient descent with ever smaller steps, and the average `ax` of the places from step t0 on, in the optimizer's state.

    x <- (1 - lambd eta_t) x - eta_t g, ax <- ax + (x - ax) / max(1, t - t0), eta_t = lr / (1 + lambd lr t)^alpha.
    Polyak and Juditsky, 1992, Acceleration of Stochastic Approximation by Averaging.
    """

    update_op = asgd_update
    state_names = ("eta", "mu", "ax")

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, *, maximize=False, **switches):
        super().__init__(params, checked(lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize), **switches)

    def initial_state(self, param, group):
        return {"step": scalar(0.0), "eta": scalar(group["lr"]), "mu": scalar(1.0), "ax": zeros_like(param)}

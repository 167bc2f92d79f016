"""Rprop."""

import numpy as np

from ..autograd.op import op
from ..creation import full_like, zeros_like
from .optimizer import Optimizer, check, checked, scalar


@op
def rprop_update(param, grad, prev, step_size, etas, step_sizes, maximize):
    """One step of Rprop; `prev` is the gradient before, 0 where it was not followed."""
    grad = -grad if maximize else grad
    agreement = grad * prev
    factor = np.where(agreement > 0, etas[1], np.where(agreement < 0, etas[0], 1)).astype(grad.dtype)
    step_size = np.clip(step_size * factor, *step_sizes)
    grad = np.where(agreement < 0, 0, grad).astype(grad.dtype)  # it jumped over a minimum: no step, and none remembered
    return param - np.sign(grad) * step_size, grad, step_size


class Rprop(Optimizer):
    """Steps along the sign of the gradient alone: each one's size s grows while the sign stays, and shrinks where it turns.

    x <- x - s sign(g), s <- s etas[1] where g has the sign it had before, s etas[0] where it has not, within `step_sizes`.
    Riedmiller and Braun, 1993, A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm.
    """

    update_op = rprop_update
    state_names = ("prev", "step_size")

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, maximize=False, **switches):
        check(0 < etas[0] < 1 < etas[1], "Invalid eta values", f"{etas[0]}, {etas[1]}")
        super().__init__(params, checked(lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize), **switches)

    def initial_state(self, param, group):
        return {"step": scalar(0.0), "prev": zeros_like(param), "step_size": full_like(param, group["lr"])}

"""Rprop."""

import numpy as np

from ..autograd.op import op
from ..creation import full_like
from .optimizer import Optimizer, options


@op
def rprop_update(param, grad, prev, step_size, etas, step_sizes, maximize):
    """One step of Rprop; `prev` is the gradient before, 0 where it was not followed."""
    grad = -grad if maximize else grad
    agreement = grad * prev
    factor = np.where(agreement > 0, etas[1], np.where(agreement < 0, etas[0], 1)).astype(grad.dtype)
    step_size = np.clip(step_size * factor, *step_sizes)
    grad = np.where(agreement < 0, 0, grad).astype(grad.dtype)  # it jumped over a minimum: no step, and none remembered
    return param - np.sign(grad) * step_size, grad, step_size


class Rprop(Optimizer, update=rprop_update):
    """Steps along the sign of the gradient alone: each one's size s grows while the sign stays, and shrinks where it turns.

    x <- x - s sign(g), s <- s etas[1] where g has the sign it had before, s etas[0] where it has not, within `step_sizes`.
    Riedmiller and Braun, 1993, A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm.
    """

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, maximize=False):
        super().__init__(params, options(locals(), etas=0 < etas[0] < 1 < etas[1]))

    def initial_state(self, param, group):
        return {**super().initial_state(param, group), "step_size": full_like(param, group["lr"])}

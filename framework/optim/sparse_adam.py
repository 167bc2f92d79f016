"""Adam for sparse gradients."""

from .optimizer import Optimizer, check, checked


class SparseAdam(Optimizer):
    """Adam for parameters whose gradients are sparse; no gradient is so here, so `step` raises the RuntimeError that dense ones bring."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check(lr > 0, "Invalid learning rate", lr)
        check(eps > 0, "Invalid epsilon value", eps)
        super().__init__(params, checked(lr=lr, betas=betas, eps=eps, maximize=maximize))

    def _update(self, param, options):
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")

"""Adam for sparse gradients."""

from .optimizer import Optimizer, check


class SparseAdam(Optimizer):
    """Adam for parameters whose gradients are sparse; no gradient is so here, so `step` raises the RuntimeError that dense ones bring."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check(lr > 0, "learning rate", lr)
        check(eps > 0, "epsilon value", eps)
        check(0 <= betas[0] < 1, "beta parameter at index 0", betas[0])
        check(0 <= betas[1] < 1, "beta parameter at index 1", betas[1])
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _update(self, param, options):
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")

"""Adam with decoupled weight decay."""

from .adam import Adam


class AdamW(Adam):
    """Adam whose weight decay acts on the parameters, not through the averages: x <- x - lr weight_decay x, then Adam's step.

    Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False, **switches):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True, **switches)

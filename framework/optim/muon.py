"""Muon."""

import ml_dtypes
import numpy as np

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, options


def _rounded(x):
    """float32 numbers rounded to those of bfloat16, in which PyTorch computes here."""
    return x.astype(ml_dtypes.bfloat16).astype(np.float32)


def orthogonalized(matrix, coefficients, steps, eps):
    """U V^T, nearly, of `matrix` = U S V^T: Newton and Schulz's iteration X <- a X + b (X X^T) X + c (X X^T)^2 X, S at most 1 before."""
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = _rounded(matrix.T if tall else matrix)
    x = _rounded(x / max(_rounded(np.sqrt((x * x).sum())), eps))
    for _ in range(steps):
        gram = _rounded(x @ x.T)
        x = _rounded(a * x + _rounded(b * gram + c * (gram @ gram)) @ x)
    return x.T if tall else x


@op
def muon_update(param, grad, momentum_buffer, lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn):
    momentum_buffer = momentum * momentum_buffer + (1 - momentum) * grad
    update = momentum * momentum_buffer + (1 - momentum) * grad if nesterov else momentum_buffer
    rows, columns = param.shape
    ratio = 0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn == "match_rms_adamw" else max(1, rows / columns) ** 0.5
    update = orthogonalized(update, ns_coefficients, ns_steps, eps).astype(param.dtype)
    return param * (1 - lr * weight_decay) - lr * ratio * update, momentum_buffer


class Muon(Optimizer, update=muon_update):
    """Momentum whose step, for a matrix, is made orthogonal: x <- (1 - lr weight_decay) x - lr r U V^T where the momentum is U S V^T.

    r = sqrt(max(1, rows / columns)), or 0.2 sqrt(max(rows, columns)) with adjust_lr_fn="match_rms_adamw".  It takes matrices only.
    Jordan, 2024, Muon: An optimizer for hidden layers in neural networks; Liu et al., 2025, Muon is Scalable for LLM Training.
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315), eps=1e-7,
                 ns_steps=5, adjust_lr_fn=None):  # fmt: skip
        super().__init__(params, options(locals(), ns_coefficients=len(ns_coefficients) == 3, ns_steps=ns_steps < 100,
                                         adjust_lr_fn=adjust_lr_fn in (None, "original", "match_rms_adamw")))  # fmt: skip
        if any(param.ndim != 2 for group in self.param_groups for param in group["params"]):
            raise ValueError("Muon only supports 2D parameters")

    def initial_state(self, param, group):
        return {"momentum_buffer": zeros_like(param)}

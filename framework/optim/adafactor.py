"""Adafactor."""

import ml_dtypes
import numpy as np

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, options, scalar


def _rms(x) -> float:
    return float(np.sqrt((x * x).mean()))


@op
def adafactor_update(param, grad, row_var, col_var, variance, step, lr, beta2_decay, eps, d, weight_decay, maximize):
    """Step number `step` (from 1) of Adafactor: of a matrix, with `row_var` and `col_var`; of a vector, with `variance`."""
    grad = -grad if maximize else grad
    fresh = step**beta2_decay  # 1 - beta2
    alpha = max(eps[1], _rms(param)) * min(lr, step**-0.5)
    smallest = float(ml_dtypes.finfo(param.dtype).eps) if eps[0] is None else eps[0]
    param = param * (1 - lr * weight_decay)
    square = grad * grad
    if row_var is None:
        variance = estimate = variance + fresh * (square - variance)
    else:
        row_var = row_var + fresh * (square.mean(-1, keepdims=True) - row_var)
        col_var = col_var + fresh * (square.mean(-2, keepdims=True) - col_var)
        estimate = row_var @ col_var / np.maximum(row_var.mean(-2, keepdims=True), smallest)
    update = grad / np.sqrt(np.maximum(estimate, smallest**2))
    return param - alpha / max(1.0, _rms(update) / d) * update, row_var, col_var, variance


class Adafactor(Optimizer, update=adafactor_update):
    """Adam in little memory: of a matrix's squared gradients it keeps the averages R of the rows and C of the columns, V = R C / mean(R).

    x <- x - alpha u / max(1, RMS(u) / d), u = g / sqrt(V), alpha = max(eps[1], RMS(x)) min(lr, 1 / sqrt(t));
    R and C (or V itself, of a vector) are averages with 1 - beta2 = t^beta2_decay; eps[0] = None stands for the type's epsilon.
    Shazeer and Stern, 2018, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost.
    """

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, maximize=False):
        super().__init__(params, options(locals(), beta2_decay=beta2_decay <= 0, eps=(eps[0] or 0) >= 0 and eps[1] >= 0, d=d >= 1))

    def initial_state(self, param, group):
        if param.ndim < 2:
            return {"step": scalar(0.0), "variance": zeros_like(param)}
        param = param.detach()
        return {"step": scalar(0.0), "row_var": zeros_like(param[..., :1]), "col_var": zeros_like(param[..., :1, :])}

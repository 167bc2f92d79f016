"""Adadelta: steps as long as the past steps were, measured in units of the parameter (Zeiler, 2012)."""

import numpy as np

from ..autograd.op import op
from ..creation import zeros_like
from .optimizer import Optimizer, write


@op
def adadelta_update(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, maximize):
    grad = -grad if maximize else grad
    if weight_decay:
        grad = grad + weight_decay * param
    square_avg = rho * square_avg + (1 - rho) * grad * grad
    delta = np.sqrt(acc_delta + eps) / np.sqrt(square_avg + eps) * grad
    acc_delta = rho * acc_delta + (1 - rho) * delta * delta
    return param - lr * delta, square_avg, acc_delta


class Adadelta(Optimizer):
    """E[g²] = rho E[g²] + (1 - rho) g²,  Δ = sqrt(E[Δ²] + eps) / sqrt(E[g²] + eps) g,  E[Δ²] = rho E[Δ²] + (1 - rho) Δ²,  p -= lr Δ."""

    def __init__(self, params, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0, *, maximize: bool = False):
        if not lr >= 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}")
        if not eps >= 0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        if not weight_decay >= 0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def start(self, param, group):
        return {"square_avg": zeros_like(param), "acc_delta": zeros_like(param)}

    def update(self, param, grad, state, group):
        arrays = param._array, state["square_avg"]._array, state["acc_delta"]._array
        options = group["lr"], group["rho"], group["eps"], group["weight_decay"], group["maximize"]
        write(arrays, adadelta_update(arrays[0], grad, *arrays[1:], *options))

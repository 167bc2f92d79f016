"""Losses that a kernel may replace, and their reduction."""

import numpy as np

from ..autograd.fusable import fusable
from .elementwise import clamp, elementwise, log, where
from .reduce import mean, sum
from .scatter import gather
from .shape import unsqueeze


def reduced(loss, reduction: str):
    """`loss` element by element, its mean or its sum."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss


@fusable("input")
def negative_log_likelihood(input, target, weight, ignore_index, reduction):
    """-w[y] x[y] for log-probabilities x (N, C, …) and classes y (N, …); the mean is weighted."""
    dim = 1 if input.ndim > 1 else 0
    ignored = target == ignore_index
    target = where(ignored, 0, target)
    scale = where(ignored, 0.0, weight[target]) if weight is not None else (~ignored).to(input.dtype)
    loss = where(ignored, 0.0, -gather(input, dim, unsqueeze(target, dim)).squeeze(dim) * scale)  # no gradient, were the mean 0 / 0
    if reduction == "mean":
        return sum(loss) / sum(scale)
    return reduced(loss, reduction)


# -(y log p + (1 - y) log(1 - p)), each logarithm cut off at -100, and its slope where p is 0 or 1 at 1e12
# fmt: off
bernoulli_cross_entropy = elementwise(
    lambda input, target: -(target * np.maximum(np.log(input), -100) + (1 - target) * np.maximum(np.log1p(-input), -100)),
    input=lambda grad, input, target: grad * (input - target) / clamp(input * (1 - input), min=1e-12),
    target=lambda grad, input: grad * (log(1 - input) - log(input)))
# fmt: on

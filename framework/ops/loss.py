"""What losses have in common, and those of their formulas that are ops or may be replaced by a kernel."""

import warnings

import numpy as np

from ..autograd.fusable import fusable
from .activation import log_softmax
from .elementwise import clamp, elementwise, log, where
from .promotion import expect
from .reduce import mean, sum
from .scatter import gather
from .shape import unsqueeze


def legacy_reduction(reduction, size_average, reduce):
    """The `reduction` that PyTorch's old arguments stand for."""
    if size_average is None and reduce is None:
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.", stacklevel=4)
    return meant


def reduced(loss, reduction: str, size_average=None, reduce=None):
    """`loss` element by element, its mean or its sum."""
    reduction = legacy_reduction(reduction, size_average, reduce)
    expect(reduction in ("none", "mean", "sum"), f"{reduction} is not a valid value for reduction", ValueError)
    return loss if reduction == "none" or not loss.ndim else mean(loss) if reduction == "mean" else sum(loss)


@fusable("input")
def negative_log_likelihood(input, target, weight, ignore_index, reduction):
    """-w[y] x[y] for log-probabilities x (N, C, …) and classes y (N, …); the mean is weighted."""
    dim = 1 if input.ndim > 1 else 0
    ignored = target == ignore_index
    target = where(ignored, 0, target).long()
    scale = where(ignored, 0.0, weight[target]) if weight is not None else (~ignored).to(input.dtype)
    loss = where(ignored, 0.0, -gather(input, dim, unsqueeze(target, dim)).squeeze(dim) * scale)  # no gradient, were the mean 0 / 0
    return sum(loss) / sum(scale) if reduction == "mean" else reduced(loss, reduction)


@fusable("input")
def softmax_cross_entropy(input, target, weight, ignore_index, reduction):
    """-w[y] log softmax(x)[y] for logits x."""
    return negative_log_likelihood(log_softmax(input, min(1, input.ndim - 1)), target, weight, ignore_index, reduction)


# (x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2; its slope is (x - y) / beta, cut off at -1 and 1
# fmt: off
smooth_absolute = elementwise(
    lambda input, target, beta: np.where((size := np.abs(input - target)) < beta, size * size / (2 * beta), size - beta / 2),
    input=lambda grad, input, target, beta: grad * clamp((input - target) / beta, -1, 1),
    target=lambda grad, input, target, beta: grad * clamp((target - input) / beta, -1, 1))

# -(y log p + (1 - y) log(1 - p)), each logarithm cut off at -100, and its slope where p is 0 or 1 at 1e12
bernoulli_cross_entropy = elementwise(
    lambda input, target: -(target * np.maximum(np.log(input), -100) + (1 - target) * np.maximum(np.log1p(-input), -100)),
    input=lambda grad, input, target: grad * (input - target) / clamp(input * (1 - input), min=1e-12),
    target=lambda grad, input: grad * (log(1 - input) - log(input)))
# fmt: on

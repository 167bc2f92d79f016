"""Losses that a kernel may replace, and their reduction."""

from ..autograd.fusable import fusable
from .elementwise import where
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
    loss = -gather(input, dim, unsqueeze(target, dim)).squeeze(dim) * scale
    if reduction == "mean":
        return sum(loss) / sum(scale)
    return reduced(loss, reduction)

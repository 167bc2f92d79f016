"""Normalisation: subtract a mean, divide by a standard deviation, then scale and shift."""

from ..autograd.fusable import fusable
from .elementwise import rsqrt, square
from .reduce import mean
from .shape import reshape


def _per_channel(vector, ndim):
    return reshape(vector, (1, -1) + (1,) * (ndim - 2))


@fusable("input", "weight", "bias")
def batch_norm_train(input, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b over all but the channels (Ioffe and Szegedy, 2015); returns (y, mean, var), var / n."""
    dims = (0, *range(2, input.ndim))
    center = mean(input, dims, True)
    spread = mean(square(input - center), dims, True)
    out = (input - center) * rsqrt(spread + eps)
    if weight is not None:
        out = out * _per_channel(weight, input.ndim)
    if bias is not None:
        out = out + _per_channel(bias, input.ndim)
    return out, reshape(center, (-1,)), reshape(spread, (-1,))


@fusable("input", "weight", "bias")
def batch_norm_eval(input, mean, var, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b with the mean and variance gathered in training."""
    scale = rsqrt(var + eps)
    if weight is not None:
        scale = scale * weight
    out = (input - _per_channel(mean, input.ndim)) * _per_channel(scale, input.ndim)
    return out if bias is None else out + _per_channel(bias, input.ndim)


@fusable("input", "weight", "bias")
def layer_norm(input, dims, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b over the last `dims` dimensions of each sample (Ba et al., 2016)."""
    dims = tuple(range(-dims, 0))
    centered = input - mean(input, dims, True)
    out = centered * rsqrt(mean(square(centered), dims, True) + eps)
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias

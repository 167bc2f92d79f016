"""Normalisation: subtract a mean, divide by a standard deviation, then scale and shift."""

import math

from ..autograd.fusable import fusable
from .elementwise import rsqrt, square
from .reduce import mean
from .shape import constant_pad, reshape


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


@fusable("input", "weight", "bias")
def group_norm(input, groups, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b, over the pixels and channels of each group of channels of a sample (Wu and He, 2018)."""
    grouped = reshape(input, (*input.shape[:1], groups, math.prod(input.shape[1:]) // groups))
    out = reshape(layer_norm(grouped, 1, None, None, eps), tuple(input.shape))
    if weight is not None:
        out = out * _per_channel(weight, input.ndim)
    return out if bias is None else out + _per_channel(bias, input.ndim)


@fusable("input", "weight")
def rms_norm(input, dims, weight, eps):
    """x / sqrt(mean(x^2) + eps) * w over the last `dims` dimensions of each sample (Zhang and Sennrich, 2019)."""
    out = input * rsqrt(mean(square(input), tuple(range(-dims, 0)), True) + eps)
    return out if weight is None else out * weight


def local_response_norm(input, size, alpha, beta, k):
    """x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels, zeros beyond the edge (Krizhevsky et al., 2012)."""
    channels, spatial = input.shape[1], (0,) * (input.ndim - 2)
    padded = constant_pad(square(input), (0, size // 2, *spatial), (0, (size - 1) // 2, *spatial))
    total = sum(padded[:, i : i + channels] for i in range(size))
    return input / (k + total * (alpha / size)) ** beta

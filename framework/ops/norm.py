"""Normalisation: subtract a mean, divide by a standard deviation, then scale and shift."""

import math

from ..autograd.fusable import fusable
from ..autograd.op import like, op
from .elementwise import rsqrt, square
from .reduce import mean
from .shape import reshape


def _affine(out, weight, bias):
    """Scaled and shifted, as far as wanted, in its own type."""
    scaled = out if weight is None else out * weight
    return like(scaled if bias is None else scaled + bias, out)


def _per_channel(ndim, *vectors) -> list:
    return [None if each is None else reshape(each, (1, -1) + (1,) * (ndim - 2)) for each in vectors]


@fusable("input", "weight", "bias")
def batch_norm_train(input, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b over all but the channels (Ioffe and Szegedy, 2015); returns (y, mean, var), var / n."""
    dims = (0, *range(2, input.ndim))
    center = mean(input, dims, True)
    spread = mean(square(input - center), dims, True)
    out = _affine((input - center) * rsqrt(spread + eps), *_per_channel(input.ndim, weight, bias))
    return out, reshape(center, (-1,)), reshape(spread, (-1,))


@op()
def moving_average(average, value, factor, momentum):
    """(1 - momentum) average + momentum factor value; a kernel may write it over the old average."""
    return average * (1 - momentum) + value * factor * momentum


@fusable("input", "weight", "bias")
def batch_norm_eval(input, mean, var, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b with the mean and variance gathered in training."""
    scale = _affine(rsqrt(var + eps), weight, None)
    mean, scale, bias = _per_channel(input.ndim, mean, scale, bias)
    return like(_affine(input - mean, scale, bias), input)


@fusable("input", "weight", "bias")
def layer_norm(input, dims, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b over the last `dims` dimensions of each sample (Ba et al., 2016)."""
    dims = tuple(range(-dims, 0))
    centered = input - mean(input, dims, True)
    return _affine(centered * rsqrt(mean(square(centered), dims, True) + eps), weight, bias)


@fusable("input", "weight", "bias")
def group_norm(input, groups, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * w + b, over the pixels and channels of each group of channels of a sample (Wu and He, 2018)."""
    grouped = reshape(input, (*input.shape[:1], groups, math.prod(input.shape[1:]) // groups))
    out = reshape(layer_norm(grouped, 1, None, None, eps), tuple(input.shape))
    return _affine(out, *_per_channel(input.ndim, weight, bias))


@fusable("input", "weight")
def rms_norm(input, dims, weight, eps):
    """x / sqrt(mean(x^2) + eps) * w over the last `dims` dimensions of each sample (Zhang and Sennrich, 2019)."""
    return _affine(input * rsqrt(mean(square(input), tuple(range(-dims, 0)), True) + eps), weight, None)

"""Normalisation."""

import math

import numpy as np

from ...dtypes import float32, float64
from ...ops import norm as ops
from ...ops.elementwise import clamp, square
from ...ops.promotion import refuse
from ...ops.reduce import norm
from ...ops.resample import mean_taps, resample


def _check(name, input, shape, **vectors) -> None:
    """NotImplementedError for integers; RuntimeError for vectors of another shape, or of another type (but float32 beside 16 bits)."""
    refuse("biu", name, input)
    for what, each in vectors.items():
        if each is None:
            continue
        if tuple(each.shape) != tuple(shape):
            raise RuntimeError(f"{name}: expected {what} of shape {list(shape)}, but got {list(each.shape)}")
        if each.dtype is not input.dtype and not (input.element_size() == 2 and each.dtype is float32):
            raise RuntimeError(f"{name}: mixed dtype: the input is {input.dtype.name}, but {what} is {each.dtype.name}")


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise every channel over the batch; in training also move the running mean and (unbiased) variance by `momentum`."""
    _check("batch_norm", input, input.shape[1:2], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("running_mean and running_var must be defined in evaluation mode")
        return ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps).to(input.dtype)
    n = math.prod((*input.shape[:1], *input.shape[2:]))
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    out, mean, var = ops.batch_norm_train(input, weight, bias, eps)
    for running, value in ((running_mean, mean.detach()), (running_var, var.detach() * (n / (n - 1)))):
        if running is not None:
            running.copy_(running * (1 - momentum) + value * momentum)
    return out.to(input.dtype)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    """Normalise every channel of every sample (Ulyanov et al., 2016), or with `use_input_stats=False` by the running statistics.

    It is `batch_norm` of a single sample that has all samples' channels; the running statistics move by the samples' average.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    (n, c, *spatial), statistics = input.shape, (running_mean, running_var)
    _check("instance_norm", input, (c,), running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if math.prod(spatial) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    moved = [None if each is None else each.detach().repeat(n) for each in statistics]
    weight, bias = (None if each is None else each.repeat(n) for each in (weight, bias))
    out = batch_norm(input.reshape(1, n * c, *spatial), *moved, weight, bias, True, momentum, eps)
    for running, each in zip(statistics, moved, strict=True):
        if running is not None:
            running.copy_(each.reshape(n, c).mean(0))
    return out.reshape(input.shape)


def group_norm(input, num_groups: int, weight=None, bias=None, eps=1e-5):
    """Normalise each of `num_groups` groups of channels of each sample (Wu and He, 2018)."""
    if input.ndim < 2 or input.shape[1] % num_groups:
        raise RuntimeError(f"group_norm expects an input of at least 2 dimensions with a number of channels divisible by num_groups, "
                           f"but got input of shape {list(input.shape)} and num_groups={num_groups}")  # fmt: skip
    _check("group_norm", input, input.shape[1:2], weight=weight, bias=bias)
    if input.numel() == num_groups:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    return ops.group_norm(input, num_groups, weight, bias, eps).to(input.dtype)


def _trailing(name, input, normalized_shape, **parameters) -> int:
    """How many dimensions `normalized_shape` has, having checked that they are the last ones of `input`."""
    shape = tuple(normalized_shape)
    _check(name, input, shape, **parameters)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, of at least 1 dimension, expected input with shape [*, "
                           f"{', '.join(map(str, shape))}], but got input of size {list(input.shape)}")  # fmt: skip
    return len(shape)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise each sample over its last dimensions, `normalized_shape` (Ba et al., 2016)."""
    dims = _trailing("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return ops.layer_norm(input, dims, weight, bias, eps).to(input.dtype)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) over the last dimensions, `normalized_shape` (Zhang and Sennrich, 2019); eps is the type's own."""
    dims = _trailing("rms_norm", input, normalized_shape, weight=weight)
    if eps is None:
        eps = float(np.finfo(np.float64 if input.dtype is float64 else np.float32).eps)
    return ops.rms_norm(input, dims, weight, eps).to(input.dtype)


def local_response_norm(input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
    """x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels, zeros beyond the edge (Krizhevsky et al., 2012)."""
    refuse("biu", "local_response_norm", input)
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    n = input.shape[1]
    neighbours = mean_taps(np.arange(n)[:, None] + np.arange(size) - size // 2, n, size)
    return input / (k + alpha * resample(square(input), 1, neighbours)) ** beta


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12):
    """x / max(||x||_p, eps) along `dim`."""
    return input / clamp(norm(input, p, dim, True), min=eps)

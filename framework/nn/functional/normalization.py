"""Normalisation."""

import math

import numpy as np

from ...dtypes import float64
from ...ops import norm as ops
from ...ops.elementwise import clamp
from ...ops.reduce import norm
from .arguments import floating, sized


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise every channel over the batch; in training also move the running mean and (unbiased) variance by `momentum`."""
    floating("batch_norm", input, running_mean, running_var, weight, bias)
    channels = input.shape[1] if input.ndim > 1 else 0
    sized("batch_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("running_mean must be defined in evaluation mode")
        return ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps).to(input.dtype)
    n = input.numel() // max(channels, 1)
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    out, mean, var = ops.batch_norm_train(input, weight, bias, eps)
    if running_mean is not None:
        _move(running_mean, mean.detach(), momentum)
    if running_var is not None:
        _move(running_var, var.detach() * (n / (n - 1)), momentum)
    return out.to(input.dtype)


def _move(running, value, momentum) -> None:
    running.copy_(running * (1 - momentum) + value * momentum)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    """Normalise every channel of every sample (Ulyanov et al., 2016), or with `use_input_stats=False` by the running statistics.

    It is `batch_norm` of a single sample that has all samples' channels; the running statistics move by the samples' average.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    floating("instance_norm", input, running_mean, running_var, weight, bias)
    n, c, *spatial = input.shape
    if math.prod(spatial) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    sized("instance_norm", c, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    channels = [None if each is None else each.detach().repeat(n) for each in (running_mean, running_var)]
    weight, bias = (None if each is None else each.repeat(n) for each in (weight, bias))
    out = batch_norm(input.reshape(1, n * c, *spatial), *channels, weight, bias, True, momentum, eps)
    for running, moved in zip((running_mean, running_var), channels, strict=True):
        if running is not None:
            running.copy_(moved.reshape(n, c).mean(0))
    return out.reshape(input.shape)


def group_norm(input, num_groups: int, weight=None, bias=None, eps=1e-5):
    """Normalise each of `num_groups` groups of channels of each sample (Wu and He, 2018)."""
    floating("group_norm", input, weight, bias)
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if input.shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, "
                           f"but got input of shape {list(input.shape)} and num_groups={num_groups}")  # fmt: skip
    sized("group_norm", input.shape[1], weight=weight, bias=bias)
    if input.numel() == num_groups:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    return ops.group_norm(input, num_groups, weight, bias, eps).to(input.dtype)


def _trailing(name, input, normalized_shape, weight, bias=None) -> int:
    """How many dimensions `normalized_shape` has, having checked that they are the last ones of `input`."""
    floating(name, input, weight, bias)
    shape = list(normalized_shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element")
    for what, each in (("weight", weight), ("bias", bias)):
        if each is not None and list(each.shape) != shape:
            raise RuntimeError(f"Expected {what} to be of same shape as normalized_shape, "
                               f"but got {what} of shape {list(each.shape)} and normalized_shape = {shape}")  # fmt: skip
    if list(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(f"Given normalized_shape={shape}, expected input with shape [*, {', '.join(map(str, shape))}], "
                           f"but got input of size{list(input.shape)}")  # fmt: skip
    return len(shape)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise each sample over its last dimensions, `normalized_shape` (Ba et al., 2016)."""
    dims = _trailing("layer_norm", input, normalized_shape, weight, bias)
    return ops.layer_norm(input, dims, weight, bias, eps).to(input.dtype)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) over the last dimensions, `normalized_shape` (Zhang and Sennrich, 2019); eps is the type's own."""
    dims = _trailing("rms_norm", input, normalized_shape, weight)
    if eps is None:
        eps = float(np.finfo(np.float64 if input.dtype is float64 else np.float32).eps)
    return ops.rms_norm(input, dims, weight, eps).to(input.dtype)


def local_response_norm(input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
    """x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels (Krizhevsky et al., 2012)."""
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    return ops.local_response_norm(input, size, alpha, beta, k)


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12):
    """x / max(||x||_p, eps) along `dim`."""
    return input / clamp(norm(input, p, dim, True), min=eps)

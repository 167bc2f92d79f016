"""Normalisation."""

import math

import numpy as np

from ...autograd.mode import no_grad
from ...dtypes import float32, float64
from ...ops import norm as ops
from ...ops.promotion import expect, refuse
from ...ops.reduce import mean, norm, var
from ...ops.resample import mean_taps, resample


def _check(name, input, shape, **vectors) -> None:
    """NotImplementedError for integers; RuntimeError for vectors of another shape, or of another type (but float32 beside 16 bits)."""
    refuse("biu", name, input)
    for what, each in ((what, each) for what, each in vectors.items() if each is not None):
        expect(tuple(each.shape) == tuple(shape), f"{name}: expected {what} of shape {list(shape)}, but got {list(each.shape)}")
        if each.dtype is not input.dtype and not (input.element_size() == 2 and each.dtype is float32):
            raise RuntimeError(f"{name}: mixed dtype: the input is {input.dtype.name}, but {what} is {each.dtype.name}")


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise every channel over the batch; in training also move the running mean and (unbiased) variance by `momentum`."""
    _check("batch_norm", input, input.shape[1:2], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        expect(running_mean is not None and running_var is not None, "running_mean and running_var must be defined in evaluation mode")
        return ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    n = math.prod((*input.shape[:1], *input.shape[2:]))
    expect(n > 1, f"Expected more than 1 value per channel when training, got input size {input.shape}", ValueError)
    out, center, spread = ops.batch_norm_train(input, weight, bias, eps)
    _move(momentum, running_mean, center)
    _move(momentum, running_var, spread, n / (n - 1))
    return out


@no_grad()
def _move(momentum, running, value, factor=1.0) -> None:
    if running is not None:
        running.copy_(ops.moving_average(running, value, factor, momentum))


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    """Normalise every channel of every sample (Ulyanov et al., 2016), or with `use_input_stats=False` by the running statistics."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    (_, c, *spatial), dims = input.shape, tuple(range(2, input.ndim))
    _check("instance_norm", input, (c,), running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    expect(math.prod(spatial) != 1, f"Expected more than 1 spatial element when training, got input size {input.shape}", ValueError)
    for running, statistic in ((running_mean, mean), (running_var, var)):
        _move(momentum, running, None if running is None else statistic(input.detach(), dims).mean(0))
    return ops.group_norm(input, c, weight, bias, eps)


def group_norm(input, num_groups: int, weight=None, bias=None, eps=1e-5):
    """Normalise each of `num_groups` groups of channels of each sample (Wu and He, 2018)."""
    right = input.ndim > 1 and not input.shape[1] % num_groups
    expect(right, f"group_norm expects (N, C, …), C divisible by num_groups={num_groups}, but got {input.shape}")
    _check("group_norm", input, input.shape[1:2], weight=weight, bias=bias)
    expect(input.numel() != num_groups, f"Expected more than 1 value per channel when training, got input size {input.shape}", ValueError)
    return ops.group_norm(input, num_groups, weight, bias, eps)


def _trailing(name, input, normalized_shape, **parameters) -> int:
    """How many dimensions `normalized_shape` has, having checked that they are the last ones of `input`."""
    shape = tuple(normalized_shape)
    _check(name, input, shape, **parameters)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape (*, *{shape}), but got {list(input.shape)}")
    return len(shape)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise each sample over its last dimensions, `normalized_shape` (Ba et al., 2016)."""
    dims = _trailing("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return ops.layer_norm(input, dims, weight, bias, eps)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) over the last dimensions, `normalized_shape` (Zhang and Sennrich, 2019); eps is the type's own."""
    dims = _trailing("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(np.float64 if input.dtype is float64 else np.float32).eps) if eps is None else eps
    return ops.rms_norm(input, dims, weight, eps)


def local_response_norm(input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
    """x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels, zeros beyond the edge (Krizhevsky et al., 2012)."""
    refuse("biu", "local_response_norm", input)
    expect(input.ndim > 2, f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)", ValueError)
    n = input.shape[1]
    neighbours = mean_taps(np.arange(n)[:, None] + np.arange(size) - size // 2, n, size)
    return input / (k + alpha * resample(input.square(), 1, [neighbours])) ** beta


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12):
    """x / max(||x||_p, eps) along `dim`."""
    return input / norm(input, p, dim, True).clamp(min=eps)

"""Normalisation."""

from ...ops import norm as ops
from ...ops.elementwise import clamp
from ...ops.promotion import refuse
from ...ops.reduce import norm


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise every channel over the batch; in training also move the running mean and (unbiased) variance by `momentum`."""
    refuse("biu", "batch_norm", input)
    if not training:
        return ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    n = input.numel() // max(input.shape[1], 1)
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    out, mean, var = ops.batch_norm_train(input, weight, bias, eps)
    if running_mean is not None:
        _move(running_mean, mean.detach(), momentum)
        _move(running_var, var.detach() * (n / (n - 1)), momentum)
    return out


def _move(running, value, momentum) -> None:
    running.copy_(running * (1 - momentum) + value * momentum)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise each sample over its last dimensions, `normalized_shape` (Ba et al., 2016)."""
    refuse("biu", "layer_norm", input)
    normalized_shape = tuple(normalized_shape)
    if tuple(input.shape[-len(normalized_shape) :]) != normalized_shape:
        raise RuntimeError(
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape [*, {', '.join(map(str, normalized_shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    return ops.layer_norm(input, len(normalized_shape), weight, bias, eps)


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12):
    """x / max(||x||_p, eps) along `dim`."""
    return input / clamp(norm(input, p, dim, True), min=eps)

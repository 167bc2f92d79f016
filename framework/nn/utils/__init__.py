"""Helpers for parameters and gradients."""

from ...autograd.mode import no_grad
from ...creation import tensor
from ...ops.reduce import norm
from ...ops.shape import cat, stack
from ...tensor import Tensor
from . import rnn
from .reparametrization import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm


def _gradients(parameters) -> list:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [each.grad for each in parameters if each.grad is not None]


@no_grad()
def get_total_norm(tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None):
    """The norm of all elements of all tensors together."""
    tensors, norm_type = [tensors] if isinstance(tensors, Tensor) else list(tensors), float(norm_type)
    if not tensors:
        return tensor(0.0)
    total = norm(stack([norm(each, norm_type).to(tensors[0].device) for each in tensors]), norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(parameters, max_norm: float, total_norm, foreach=None) -> None:
    """Scale all gradients together, if their norm `total_norm` is above `max_norm`, to that."""
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for grad in _gradients(parameters):
        grad.mul_(scale.to(grad.device))


def clip_grad_norm_(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None):
    """Scale all gradients together so that the norm of all of them is at most `max_norm`; returns the norm before."""
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(parameters, clip_value: float, foreach=None) -> None:
    """Cut every element of the gradients off at +-`clip_value`."""
    for grad in _gradients(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters):
    """All parameters, flattened, in one vector."""
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec, parameters) -> None:
    """The opposite: pieces of `vec` become the data of the parameters."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for each in parameters:
        each.data = vec[start : start + each.numel()].view_as(each).data
        start += each.numel()

"""Helpers for parameters and gradients."""

from ...autograd.mode import no_grad
from ...ops.reduce import norm
from ...ops.shape import cat, stack
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm


def _with_gradients(parameters) -> list:
    parameters = [parameters] if hasattr(parameters, "grad") else parameters
    return [each for each in parameters if each.grad is not None]


@no_grad()
def clip_grad_norm_(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None):
    """Scale all gradients together so that the norm of all of them is at most `max_norm`; returns the norm before."""
    parameters = _with_gradients(parameters)
    if not parameters:
        from ...creation import tensor

        return tensor(0.0)
    total = norm(stack([norm(each.grad, float(norm_type)) for each in parameters]), float(norm_type))
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped.")
    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
    for each in parameters:
        each.grad.mul_(scale)
    return total


@no_grad()
def clip_grad_value_(parameters, clip_value: float, foreach=None) -> None:
    """Cut every element of the gradients off at +-`clip_value`."""
    for each in _with_gradients(parameters):
        each.grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters):
    """All parameters, flattened, in one vector."""
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec, parameters) -> None:
    """The opposite: pieces of `vec` become the data of the parameters."""
    start = 0
    for each in parameters:
        each.data = vec[start : start + each.numel()].view_as(each).data
        start += each.numel()

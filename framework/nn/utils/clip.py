"""Gradients kept within bounds (Pascanu, Mikolov and Bengio, 2013, On the difficulty of training recurrent neural networks)."""

from ...autograd.inplace import assign
from ...autograd.mode import no_grad
from ...autograd.op import op
from ...creation import tensor
from ...ops.elementwise import mul
from ...ops.shape import stack
from ...tensor import Tensor


@op
def scale_each(arrays: list, factors: list):
    """Each array times its factor, a 0-d array; a kernel may take all of them at once, and write over them."""
    return (mul(array, factor) for array, factor in zip(arrays, factors, strict=True))


def _gradients(parameters) -> list:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [each.grad for each in parameters if each.grad is not None]


@no_grad()
def clip_grad_norm_(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False):
    """Scale all gradients together so that the norm of all of them is at most `max_norm`; returns the norm before."""
    grads, norm_type = _gradients(parameters), float(norm_type)
    if not grads:
        return tensor(0.0)
    total = stack([each.norm(norm_type).to(grads[0].device) for each in grads]).norm(norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(f"the total norm of order {norm_type} of the gradients is non-finite, so that they cannot be clipped")
    scale = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
    scaled = scale_each([grad._array for grad in grads], [scale.to(grad.device)._array for grad in grads])
    for grad, array in zip(grads, scaled, strict=True):
        assign(grad, Tensor.wrap(array))
    return total


@no_grad()
def clip_grad_value_(parameters, clip_value: float) -> None:
    """Cut every element of the gradients off at +-`clip_value`."""
    for grad in _gradients(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))

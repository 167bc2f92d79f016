"""Gradients compared with finite differences: (f(x + h) - f(x - h)) / 2h."""

import numpy as np

from .engine import as_tuple, grad
from .functional import jacobian
from .variable import Variable


class GradcheckError(RuntimeError):
    """The gradient that was computed is not the one that finite differences give."""


def _needs_gradient(value) -> bool:
    return isinstance(value, Variable) and value.requires_grad


def _outputs(function, inputs) -> tuple:
    return tuple(each for each in as_tuple(function(*inputs)) if each._array.dtype.kind == "f" and each._array.size)


def gradcheck(func, inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Whether the gradients of `func(*inputs)`, for every input that needs one, agree with central differences of step `eps`.

    Inputs should be float64: in float32 the differences are noise.  Raises GradcheckError with both numbers unless told not to.
    """
    inputs = as_tuple(inputs)
    leaves = {i: each for i, each in enumerate(inputs) if _needs_gradient(each)}
    if not leaves:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")

    def function(*given):
        given = dict(zip(leaves, given, strict=True))
        return _outputs(func, [given.get(i, each) for i, each in enumerate(inputs)])

    analytic = jacobian(function, tuple(leaves.values()))
    for place, (i, leaf) in enumerate(leaves.items()):
        for output, numeric in enumerate(_differences(lambda: _outputs(func, inputs), leaf._array, eps)):
            exact = analytic[output][place].cpu().numpy()
            if not np.allclose(exact, numeric, rtol=rtol, atol=atol):
                if not raise_exception:
                    return False
                raise GradcheckError(f"Jacobian mismatch for output {output} and input {i},\nnumerical:\n{numeric}\nanalytical:\n{exact}")
    return True


def _differences(compute, array, eps) -> list:
    """What `compute()` changes by with each element of `array`: for every output, of shape (*output, *array)."""
    quotients = [np.zeros((*out.shape, *array.shape)) for out in compute()]
    for index in np.ndindex(array.shape):
        value, results = array[index].item(), []
        for moved in (value + eps, value - eps):
            array[index] = moved
            results.append([out.detach().cpu().numpy().copy() for out in compute()])
        array[index] = value
        for quotient, above, below in zip(quotients, *results, strict=True):
            quotient[(..., *index)] = (above - below) / (2 * eps)
    return quotients


def gradgradcheck(func, inputs, grad_outputs=None, **options) -> bool:
    """`gradcheck` of the gradient itself: second derivatives, with respect to the inputs and to the incoming gradient."""
    inputs = as_tuple(inputs)
    if grad_outputs is None:
        random, outs = np.random.default_rng(0), _outputs(func, inputs)
        grad_outputs = tuple(Variable.wrap(np.asarray(random.standard_normal(each.shape))).to(each.device) for each in outs)
    grad_outputs = tuple(each.detach().requires_grad_() for each in as_tuple(grad_outputs))

    def gradient(*args):
        leaves, starts = args[: len(inputs)], args[len(inputs) :]
        return grad(_outputs(func, leaves), [*filter(_needs_gradient, leaves)], starts, create_graph=True, materialize_grads=True)

    return gradcheck(gradient, (*inputs, *grad_outputs), **options)

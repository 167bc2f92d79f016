"""Gradients compared with finite differences: (f(x + h) - f(x - h)) / 2h."""

import numpy as np

from .engine import grad as gradients
from .variable import Variable


class GradcheckError(RuntimeError):
    """The gradient that was computed is not the one that finite differences give."""


def _outputs(function, inputs) -> list:
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    return [each for each in outputs if each._array.dtype.kind == "f"]


def gradcheck(func, inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Whether the gradients of `func(*inputs)`, for every input that needs one, agree with central differences of step `eps`.

    Inputs should be float64: in float32 the differences are noise.  Raises GradcheckError with both numbers unless told not to.
    """
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    try:
        _check(func, inputs, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(func, inputs, eps, atol, rtol) -> None:
    checked = [i for i, each in enumerate(inputs) if isinstance(each, Variable) and each.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")
    for output, out in enumerate(_outputs(func, inputs)):
        for i in checked:
            analytic, numeric = _analytic(out, inputs[i]), _numeric(func, inputs, i, output, eps)
            if not np.allclose(analytic, numeric, rtol=rtol, atol=atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {output} with respect to input {i},\nnumerical:\n{numeric}\nanalytical:\n{analytic}"
                )


def _analytic(out, leaf):
    """J of shape (size of leaf, size of out), one backward pass a column."""
    jacobian = np.zeros((leaf._array.size, out._array.size))
    for column in range(out._array.size):
        unit = np.zeros_like(out._array)
        unit.flat[column] = 1
        if out.requires_grad:
            (grad,) = gradients(out, leaf, Variable.wrap(unit), retain_graph=True, allow_unused=True)
            if grad is not None:
                jacobian[:, column] = grad._array.ravel()
    return jacobian


def _numeric(func, inputs, i, output, eps):
    jacobian = np.zeros((inputs[i]._array.size, _outputs(func, inputs)[output]._array.size))
    array = inputs[i]._array
    for row, index in enumerate(np.ndindex(array.shape)):
        value = array[index]
        array[index] = value + eps
        above = _outputs(func, inputs)[output]._array.copy()
        array[index] = value - eps
        below = _outputs(func, inputs)[output]._array.copy()
        array[index] = value
        jacobian[row] = ((above - below) / (2 * eps)).ravel()
    return jacobian


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True) -> bool:
    """`gradcheck` of the gradient itself: second derivatives, with respect to the inputs and to the incoming gradient."""
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        grad_outputs = [Variable.wrap(np.asarray(random.standard_normal(each._array.shape))) for each in _outputs(func, inputs)]
    grad_outputs = tuple(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    for each in grad_outputs:
        each.requires_grad = True
    needed = [i for i, each in enumerate(inputs) if isinstance(each, Variable) and each.requires_grad]

    def first_gradients(*args):
        leaves, starts = args[: len(inputs)], args[len(inputs) :]
        outs = _outputs(func, leaves)
        wanted = [leaves[i] for i in needed]
        results = gradients(outs, wanted, starts, create_graph=True, allow_unused=True)
        return [each for each in results if each is not None]

    return gradcheck(first_gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)

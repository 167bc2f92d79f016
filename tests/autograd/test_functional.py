"""autograd.functional against PyTorch's: results, structure, whether they need gradients, and errors."""

import numpy as np
import pytest

import framework

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

X, Y = np.array([1.0, 2.0]), np.array([[3.0], [4.0]])
CALLS = {
    "jacobian": lambda F, T, x, y: F.jacobian(lambda a: a**2, x),
    "jacobian of a transposed": lambda F, T, x, y: F.jacobian(lambda a, b: (a * b).t(), (x, y)),
    "jacobian of two": lambda F, T, x, y: F.jacobian(lambda a, b: (a * b, a.sum()), (x, y)),
    "jacobian one of two": lambda F, T, x, y: F.jacobian(lambda a, b: a**3, (x, y)),
    "jacobian tuple of one": lambda F, T, x, y: F.jacobian(lambda a: (a**3,), (x,)),
    "jacobian of a constant": lambda F, T, x, y: F.jacobian(lambda a: T.ones(3), x),
    "jacobian recorded": lambda F, T, x, y: F.jacobian(lambda a: a**3, x.requires_grad_(), create_graph=True),
    "hessian": lambda F, T, x, y: F.hessian(lambda a: (a**3).sum(), x),
    "hessian of two": lambda F, T, x, y: F.hessian(lambda a, b: (a**3 * b).sum(), (x, y)),
    "hessian of one element": lambda F, T, x, y: F.hessian(lambda a: (a**2).sum().reshape(1), x),
    "hessian of a line": lambda F, T, x, y: F.hessian(lambda a: a.sum(), x),
    "hessian recorded": lambda F, T, x, y: F.hessian(lambda a: (a**3).sum(), x, create_graph=True),
    "vjp": lambda F, T, x, y: F.vjp(lambda a: a**2, x, x + 1),
    "vjp of two": lambda F, T, x, y: F.vjp(lambda a, b: (a * b, a.sum()), (x, y), (x * y, x[0])),
    "vjp of a number": lambda F, T, x, y: F.vjp(lambda a: a.sum(), x),
    "vjp of a constant": lambda F, T, x, y: F.vjp(lambda a: T.ones(2, dtype=T.float64), x, x),
    "vjp recorded": lambda F, T, x, y: F.vjp(lambda a: a**2, x, x, create_graph=True),
    "jvp": lambda F, T, x, y: F.jvp(lambda a: a**2, x, x + 1),
    "jvp of two": lambda F, T, x, y: F.jvp(lambda a, b: (a * b, a.sum()), (x, y), (x + 1, y * 2)),
    "jvp by a number": lambda F, T, x, y: F.jvp(lambda a: a * y, x[0]),
    "jvp of a constant": lambda F, T, x, y: F.jvp(lambda a: T.ones(2, dtype=T.float64), x, x),
    "jvp recorded": lambda F, T, x, y: F.jvp(lambda a: a**2, x, x, create_graph=True),
    "hvp": lambda F, T, x, y: F.hvp(lambda a: (a**3).sum(), x, x + 1),
    "hvp of two": lambda F, T, x, y: F.hvp(lambda a, b: (a**3 * b).sum(), (x, y), (x, y)),
    "hvp of a line": lambda F, T, x, y: F.hvp(lambda a: a.sum(), x, x),
    "vhp": lambda F, T, x, y: F.vhp(lambda a: (a**3).sum(), x, x + 1),
    "vhp of two": lambda F, T, x, y: F.vhp(lambda a, b: (a**3 * b).sum(), (x, y), (x, y)),
    "vhp one of two": lambda F, T, x, y: F.vhp(lambda a, b: (a**3).sum(), (x, y), (x, y)),
    "vhp recorded": lambda F, T, x, y: F.vhp(lambda a: (a**3).sum(), x, x, create_graph=True),
    "vhp of one element": lambda F, T, x, y: F.vhp(lambda a: (a**3).sum(), x[:1]),
}


def flattened(result, path=""):
    """[(place in the nested tuples, tensor)]."""
    if isinstance(result, tuple):
        return [each for i, part in enumerate(result) for each in flattened(part, f"{path}.{i}")]
    return [(path, result)]


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("name", CALLS)
def test_as_pytorch(name, recording):
    results = []
    for library in (framework, torch):
        x, y = library.tensor(X), library.tensor(Y)
        with library.set_grad_enabled(recording):
            found = flattened(CALLS[name](library.autograd.functional, library, x, y))
        results.append([(path, str(each.dtype).partition(".")[2], tuple(each.shape), each.requires_grad) for path, each in found])
        results.append([each.detach().numpy() for _, each in found])
    assert results[0] == results[2]
    for a, b in zip(results[1], results[3], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_recorded_results_lead_back_to_the_inputs():
    for library in (framework, torch):
        x = library.tensor(X, requires_grad=True)
        jacobian = library.autograd.functional.jacobian(lambda a: a**3, x, create_graph=True)
        (grad,) = library.autograd.grad(jacobian.sum(), x)
        np.testing.assert_allclose(grad.numpy(), 6 * X)
        hessian = library.autograd.functional.hessian(lambda a: (a**3).sum(), x, create_graph=True)
        (grad,) = library.autograd.grad(hessian.sum(), x)
        np.testing.assert_allclose(grad.numpy(), [6, 6])


REFUSED = {
    "input": (lambda F, T, x: F.jacobian(lambda a: a, 3.0), TypeError, "the inputs must be a Tensor or a tuple of Tensors, but got float"),
    "list": (lambda F, T, x: F.jacobian(lambda a: a, [x]), TypeError, "the inputs must be .* but got list"),
    "output": (lambda F, T, x: F.vjp(lambda a: 3, x), TypeError, "what the function returns must be a Tensor"),
    "integers": (lambda F, T, x: F.jacobian(lambda a: a, T.tensor([1])), RuntimeError, "floating point"),
    "hessian vector": (lambda F, T, x: F.hessian(lambda a: a * 2, x), RuntimeError, "a single Tensor with a single element"),
    "hessian tuple": (lambda F, T, x: F.hessian(lambda a: (a.sum(), a.sum()), x), RuntimeError, "a single Tensor"),
    "vjp v": (lambda F, T, x: F.vjp(lambda a: a * 2, x), RuntimeError, "only for scalar outputs"),
    "jvp v": (lambda F, T, x: F.jvp(lambda a: a * 2, x), RuntimeError, "only for scalar outputs"),
    "size": (lambda F, T, x: F.vjp(lambda a: a * 2, x, T.ones(3)), RuntimeError, r"grad_output \(3,\) and output \(2,\)"),
    "vjp v of a constant": (lambda F, T, x: F.vjp(lambda a: T.ones(2), x), RuntimeError, "only for scalar outputs"),
    "jvp v of a constant": (lambda F, T, x: F.jvp(lambda a: T.ones(2), x), RuntimeError, "only for scalar outputs"),
    **{
        f"{name} size of a constant": (
            lambda F, T, x, name=name: getattr(F, name)(lambda a: T.ones(1), x, T.ones(3)), RuntimeError, r"grad_output \(3,\)"
        )
        for name in ("vjp", "jvp", "vhp", "hvp")
    },
    "length": (lambda F, T, x: F.hvp(lambda a, b: (a * b).sum(), (x, x), x), RuntimeError, "v must be 2 Tensors, but is 1"),
    "vhp vector": (lambda F, T, x: F.vhp(lambda a: a * 2, x, x), RuntimeError, "a single element"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_pytorch_refuses(name):
    call, kind, message = REFUSED[name]
    for library in (framework, torch):
        with pytest.raises(kind, match=message if library is framework else None):
            call(library.autograd.functional, library, library.tensor(X))

"""Declaring ops and kernels, and the checks that a wrong rule does not pass."""

import numpy as np
import pytest

import framework as torch
from framework.autograd import gradcheck, gradgradcheck
from framework.autograd.fusable import fusable
from framework.autograd.gradcheck import GradcheckError
from framework.autograd.op import op


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_an_op_in_two_lines():
    cube = op(lambda input: input**3, name="cube", input=lambda grad, input: 3 * grad * input * input)
    x = leaf(1.0, 2.0)
    assert cube(x).grad_fn.name() == "CubeBackward0"
    assert gradcheck(cube, (x,)) and gradgradcheck(cube, (x,))
    np.testing.assert_array_equal(cube(np.array([2.0])), [8.0])  # bare arrays just compute


def test_rules_are_checked_when_declared():
    with pytest.raises(TypeError, match="speaks of 'outt'"):
        op(lambda input: input, input=lambda grad, outt: grad)
    with pytest.raises(TypeError, match="speaks of 'inputs'"):
        op(lambda input: input, inputs=lambda grad: grad)
    declared = op(lambda a, b: a + b)
    with pytest.raises(TypeError, match="speaks of 'c'"):
        declared.rule("a", "c")(lambda grad: (grad, grad))


def test_one_rule_for_several_inputs():
    @op
    def weighted(a, b, weight=2):
        return a + weight * b

    @weighted.rule("a", "b")
    def _(grad, weight, a_shape):
        assert a_shape == (2,)
        return grad, grad * weight

    assert gradcheck(weighted, (leaf(1.0, 2.0), leaf(3.0, 4.0)))
    assert gradcheck(lambda b: weighted(torch.ones(2, dtype=torch.float64), b, weight=5), (leaf(3.0, 4.0),))


def test_only_what_is_needed_is_kept():
    product = op(lambda a, b: a * b, name="product", a=lambda grad, b: grad * b, b=lambda grad, a: grad * a)
    assert list(product(leaf(1.0), torch.ones(1)).grad_fn.saved) == ["b"]
    assert list(product(torch.ones(1), leaf(1.0)).grad_fn.saved) == ["a"]


def test_wrong_calls():
    for call, message in [
        (lambda: torch.exp(), "missing required argument"),
        (lambda: torch.exp(torch.ones(1), 2, 3), "takes 1 positional"),
        (lambda: torch.exp(torch.ones(1), inputs=1), "unexpected keyword argument 'inputs'"),
        (lambda: torch.exp(torch.ones(1), input=torch.ones(1)), "multiple values for argument 'input'"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()
    with pytest.raises(NotImplementedError, match="'out'"):
        torch.exp(torch.ones(1), out=torch.ones(1))
    assert torch.amax(torch.ones(2, 2), axis=1, keepdims=True).shape == (2, 1)


@pytest.mark.parametrize("factor", [0, -2, 1, 2.01])
def test_gradcheck_catches_a_wrong_rule(factor):
    wrong = op(lambda input: input * input, name="wrong", input=lambda grad, input: factor * grad * input)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(wrong, (leaf(1.0, 3.0),), rtol=1e-4)
    assert not gradcheck(wrong, (leaf(1.0, 3.0),), rtol=1e-4, raise_exception=False)


def test_gradcheck_sees_that_a_gradient_is_missing():
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: x.detach() * x, (leaf(2.0),))
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(torch.exp, (torch.ones(1),))


def test_gradgradcheck_catches_a_rule_that_is_not_recorded():
    hidden = op(lambda input: input**3, name="hidden", input=lambda grad, input: grad * 3 * np.square(getattr(input, "_array", input)))
    assert gradcheck(hidden, (leaf(1.0, 2.0),))
    with pytest.raises(GradcheckError):
        gradgradcheck(hidden, (leaf(1.0, 2.0),))


# A formula with a toy kernel


@pytest.fixture
def scaled():
    """x tanh(w), and a kernel for up to two elements that counts its backward passes."""

    @fusable("x", "w")
    def scaled(x, w, factor=1):
        return x * torch.tanh(w) * factor

    def kernel(x, w, factor):
        if x.size > 2:
            return NotImplemented
        squashed = np.tanh(w)

        def backward(grad, needs_x, needs_w):
            kernel.needs.append((needs_x, needs_w))
            return grad * squashed * factor if needs_x else None, grad * x * (1 - squashed**2) * factor if needs_w else None

        return x * squashed * factor, backward

    kernel.needs = []
    scaled.kernels[np.ndarray] = [kernel]
    scaled.kernel = kernel
    return scaled


def test_the_kernel_is_used(scaled):
    x, w = leaf(1.0, 2.0), leaf(0.3, 0.4)
    out = scaled(x, w)
    assert out.grad_fn.name() == "ScaledBackward0"
    np.testing.assert_allclose(out.detach().numpy(), [np.tanh(0.3), 2 * np.tanh(0.4)])
    out.sum().backward()
    assert scaled.kernel.needs == [(True, True)]
    scaled(x.detach(), w, factor=3).sum().backward()
    assert scaled.kernel.needs[1:] == [(False, True)]
    assert gradcheck(scaled, (x, w))


def test_the_kernel_declines(scaled):
    out = scaled(leaf(1.0, 2.0, 3.0), leaf(0.1, 0.2, 0.3))
    assert out.grad_fn.name() == "MulBackward0"
    out.sum().backward()
    assert scaled.kernel.needs == []


def test_higher_derivatives_go_through_the_formula(scaled):
    x, w = leaf(1.0, 2.0), leaf(0.3, 0.4)
    assert gradgradcheck(scaled, (x, w))
    scaled.kernel.needs.clear()
    torch.autograd.grad(scaled(x, w).sum(), x, create_graph=True)
    assert scaled.kernel.needs == []


def test_a_kernel_is_not_run_again_for_a_second_backward(scaled):
    out = scaled(leaf(1.0), leaf(2.0)).sum()
    out.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        out.backward()


def test_a_kept_array_may_not_change(scaled):
    x, w = leaf(1.0) * 1, leaf(2.0)
    out = scaled(x, w)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_kernels_can_be_turned_off_and_are_counted(scaled):
    torch.kernels.reset()
    with torch.kernels.use("reference"):
        assert scaled(leaf(1.0), leaf(1.0)).grad_fn.name() == "MulBackward0"
    scaled(leaf(1.0), leaf(1.0))
    scaled(leaf(1.0, 2.0, 3.0), leaf(1.0, 2.0, 3.0))
    report = str(torch.kernels.report())
    assert "scaled" in report and "kernel" in report and "reference" in report

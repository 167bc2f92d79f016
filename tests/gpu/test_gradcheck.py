"""Gradients on a GPU beside finite differences there, of first and second order; and a wrong one is found."""

import pytest

import framework
import framework.nn.functional as F
from framework.autograd import gradcheck, gradgradcheck
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")


def numbers(*shape):
    return framework.randn(*shape, dtype=framework.float64, device="cuda", requires_grad=True)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (lambda x, y: x * y.exp(), [(2, 3), (3,)]),
        (lambda x, w, b: F.gelu(F.linear(x, w, b)), [(3, 2), (4, 2), (4,)]),
        (lambda x, w: F.conv2d(x, w, padding=1), [(1, 2, 3, 3), (2, 2, 2, 2)]),
        (lambda x: (x.softmax(1), x.sum()), [(2, 3)]),
    ],
    ids=["product", "linear", "convolution", "two results"],
)
def test_agrees_with_differences(function, shapes):
    framework.manual_seed(0)
    inputs = [numbers(*shape) for shape in shapes]
    before = [each.detach().clone() for each in inputs]
    assert gradcheck(function, inputs) and gradgradcheck(function, inputs)
    assert all(framework.equal(each, old) for each, old in zip(inputs, before, strict=True))


def test_a_wrong_gradient_is_found():
    x = numbers(3)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 and input 0"):
        gradcheck(lambda x: x * x.detach(), x)
    assert not gradcheck(lambda x: x * x.detach(), x, raise_exception=False)

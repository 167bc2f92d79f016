"""autograd.Function: an operation of the user's own."""

import numpy as np
import pytest

import framework as torch
from framework.autograd import Function, gradcheck, gradgradcheck


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad):
        (out,) = ctx.saved_tensors
        return grad * out


class Scale(Function):
    """Two tensors between arguments that are none; an attribute kept beside the tensors."""

    @staticmethod
    def forward(ctx, x, factor, y):
        ctx.factor = factor
        ctx.save_for_backward(x, y)
        return factor * x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        Scale.needs = ctx.needs_input_grad
        return grad * ctx.factor * y, None, grad * ctx.factor * x if ctx.needs_input_grad[2] else None


class SinCos(Function):
    @staticmethod
    def forward(ctx, x, materialize=True):
        ctx.set_materialize_grads(materialize)
        ctx.save_for_backward(x)
        return x.sin(), x.cos(), "not a tensor"

    @staticmethod
    def backward(ctx, *grads):
        (x,) = ctx.saved_tensors
        SinCos.seen = grads
        sin, cos = (torch.zeros_like(x) if each is None else each for each in grads[:2])
        return sin * x.cos() - cos * x.sin(), None


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_function():
    x = leaf(0.5, 1.0)
    out = Exp.apply(x)
    assert out.grad_fn.name() == "ExpBackward"
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, 1]))
    assert gradcheck(Exp.apply, (x,)) and gradgradcheck(Exp.apply, (x,))


def test_arguments_that_are_no_tensors():
    x, y = leaf(2.0), leaf(3.0)
    Scale.apply(x, 10.0, y.detach()).backward()
    assert x.grad.item() == 30 and Scale.needs == (True, False, False)
    assert gradcheck(lambda x, y: Scale.apply(x, 2.0, y), (x, y)) and gradgradcheck(lambda x, y: Scale.apply(x, 2.0, y), (x, y))


def test_several_outputs():
    x = leaf(0.3)
    sin, cos, text = SinCos.apply(x)
    assert text == "not a tensor"
    cos.backward()
    np.testing.assert_allclose(x.grad.numpy(), -np.sin([0.3]))
    assert SinCos.seen[0].tolist() == [0]
    SinCos.apply(x, False)[1].backward()
    assert SinCos.seen[0] is None
    assert gradgradcheck(lambda x: SinCos.apply(x)[:2], (x,))


def test_forward_and_context_apart():
    class Times(Function):
        @staticmethod
        def forward(x, factor):
            return x * factor, x.argmax()

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.factor = inputs
            assert x is inputs[0] and not torch.is_grad_enabled()
            ctx.save_for_backward(x, output[0])
            ctx.mark_non_differentiable(output[1])

        @staticmethod
        def backward(ctx, grad, _):
            x, out = ctx.saved_tensors
            assert out.tolist() == [each * ctx.factor for each in x.tolist()]
            return grad * ctx.factor, None

    x = leaf(1.0, 2.0)
    out, largest = Times.apply(x, 3.0)
    assert largest.item() == 1 and not largest.requires_grad
    out.sum().backward()
    assert x.grad.tolist() == [3, 3]
    assert gradgradcheck(lambda x: Times.apply(x, 2.0)[0], (x,))
    assert Times.apply(x.detach(), 3.0)[0].tolist() == [3, 6]


def test_nothing_is_recorded_where_nothing_needs_it():
    assert Exp.apply(torch.ones(1)).grad_fn is None
    with torch.no_grad():
        assert Exp.apply(leaf(1.0)).grad_fn is None


def test_wrong_number_of_gradients():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return grad

    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        Wrong.apply(leaf(1.0), leaf(1.0)).backward()


@pytest.mark.parametrize("returned", [[1.0], 1.0, np.ones(1)])
def test_gradients_that_are_no_tensors(returned):
    class Wrong(Exp):
        @staticmethod
        def backward(ctx, grad):
            return returned

    with pytest.raises(RuntimeError, match="expected Variable or None"):
        Wrong.apply(leaf(1.0)).backward()


def test_a_kept_tensor_may_not_change():
    x = leaf(1.0) * 1
    out = Scale.apply(x, 1.0, leaf(2.0))
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_a_second_backward():
    out = Exp.apply(leaf(1.0))
    out.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        out.backward()


def test_an_input_returned_as_it_is():
    class Reverse(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return -grad

    x = leaf(1.0)
    out = Reverse.apply(x)
    assert out is not x and x.is_leaf
    with pytest.raises(RuntimeError, match="modified inplace"):
        Reverse.apply(x * 1).mul_(2)  # it would change what the caller gave
    out.backward()
    out.backward()  # nothing was kept
    assert x.grad.item() == -2


def test_outputs_without_a_gradient_and_inputs_changed_in_place():
    class DoubleInPlace(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            largest = x.argmax()
            ctx.mark_non_differentiable(largest)
            return x, largest

        @staticmethod
        def backward(ctx, grad, _):
            return grad * 2

    x = leaf(1.0, 5.0)
    y = x * 3
    out, largest = DoubleInPlace.apply(y)
    assert out is y and not largest.requires_grad and largest.item() == 1
    out.sum().backward()
    assert x.grad.tolist() == [6, 6]

    y = x * 3
    part = y[:1]
    assert DoubleInPlace.apply(part)[0] is part
    (y.sum() + part.sum() * 10).backward()  # the change is one of y, too
    assert x.grad.tolist() == [6 + 66, 6 + 3] and y.tolist() == [6, 15]

    for wrong in (x, x[:1]):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            DoubleInPlace.apply(wrong)
    assert DoubleInPlace.apply(x.detach().clone())[0].grad_fn is None


def test_integers_have_no_gradient():
    class Both(Exp):
        @staticmethod
        def forward(ctx, x):
            return Exp.forward(ctx, x), x.argmax(), x > 0

        @staticmethod
        def backward(ctx, grad, *others):
            assert all(other is None or not other.any() for other in others)
            return Exp.backward(ctx, grad)

    x = leaf(0.5, 1.0)
    out, largest, positive = Both.apply(x)
    assert (largest.requires_grad, positive.requires_grad) == (False, False)
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, 1]))


def test_gradients_that_are_broadcast_and_promoted():
    class Sum(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    x, y = torch.ones(1, 3, requires_grad=True), torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    Sum.apply(x, y).sum().backward()
    assert x.grad.tolist() == [[2, 2, 2]] and x.grad.dtype is torch.float32


def test_unwritten_methods():
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(torch.ones(1))

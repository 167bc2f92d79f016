"""A graph is freed when its last tensor goes: at once, without the garbage collector and without recursion."""

import gc
import weakref

import pytest

import framework as torch


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def parts(tensor):
    """Weak references to everything behind `tensor`: tensors cannot be told from their arrays, so the arrays and the nodes."""
    found, todo = [], [tensor.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and hasattr(node, "next_functions"):
            found.append(weakref.ref(node))
            saved = getattr(node, "saved", None) or {}
            arrays = saved.values() if isinstance(saved, dict) else saved
            found.extend(weakref.ref(each) for each in arrays if hasattr(each, "ndim") and each.ndim)
            todo.extend(each for each, _ in node.next_functions)
    return found


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        out = x * x
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, _ = ctx.saved_tensors
        return grad * 2 * x


def change_in_place(x):
    y = x * 1
    view = y[0]
    view.mul_(2)
    y.exp_()
    return y + view


COMPUTATIONS = {
    "ops": lambda x: (x * x).exp().tanh() @ x,
    "joins": lambda x: torch.cat([x, x * 2]).max(0)[0],
    "softmax": lambda x: torch.softmax(x, 0).sigmoid(),
    "in place": change_in_place,
    "function": lambda x: Square.apply(x * 1) + 1,
    "convolution": lambda x: torch.nn.functional.conv2d(x[None, None], x[None, None], padding=1).relu(),
    "hooks": lambda x: with_hook(x * x),
}


def with_hook(y):
    y.register_hook(lambda grad: grad * 2)
    y.retain_grad()
    return y * y


def alive(references, but) -> list:
    return [each() for each in references if each() is not None and each() is not but._array]


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_the_graph_goes_with_its_tensor(name):
    x = torch.ones(3, 3, requires_grad=True)
    y = COMPUTATIONS[name](x)
    references = [*parts(y), weakref.ref(y), weakref.ref(y._array)]
    assert len(references) > 3
    del y
    assert not alive(references, but=x)


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_backward_frees_what_was_kept(name):
    x = torch.ones(3, 3, requires_grad=True)
    y = COMPUTATIONS[name](x)
    references = parts(y)
    loss = y.sum()
    del y
    loss.backward()
    assert not [each for each in alive(references, but=x) if hasattr(each, "ndim")]
    del loss
    assert not alive(references, but=x)


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_with_create_graph(name):
    x = torch.ones(3, 3, requires_grad=True)
    y = COMPUTATIONS[name](x)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    references = [*parts(y), *parts(g), weakref.ref(y), weakref.ref(g)]
    del y, g
    assert not alive(references, but=x)


def test_a_training_loop_leaves_nothing_behind():
    w = torch.ones(3, 3, requires_grad=True)
    references = []
    for _ in range(3):
        loss = ((w @ w).relu() ** 2).sum()
        references += parts(loss)
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    del loss
    assert not alive(references, but=w)


def test_a_deep_graph_is_freed_without_recursion():
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    reference = weakref.ref(y.grad_fn)
    del y
    assert reference() is None

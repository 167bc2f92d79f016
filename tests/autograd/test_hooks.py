"""Hooks on tensors, and retain_grad."""

import pytest

import framework as torch


def leaf(value=2.0):
    return torch.tensor(value, requires_grad=True)


def test_a_hook_sees_the_whole_gradient_once():
    x, seen = leaf(), []
    x.register_hook(lambda grad: seen.append(grad.item()))
    (x * 3 + x * 4).backward()
    assert seen == [7]


def test_a_hook_replaces_the_gradient():
    x = leaf()
    y = x * 3
    y.register_hook(lambda grad: grad * 10)
    x.register_hook(lambda grad: grad + 1)
    (y * 2).backward()
    assert x.grad.item() == 61


def test_hooks_run_in_order():
    x = leaf()
    x.register_hook(lambda grad: grad + 1)
    x.register_hook(lambda grad: grad * 2)
    x.backward()
    assert x.grad.item() == 4


def test_a_hook_removed():
    x = leaf()
    handle = x.register_hook(lambda grad: grad * 100)
    handle.remove()
    handle.remove()
    x.backward()
    assert x.grad.item() == 1


def test_a_hook_on_one_of_several_outputs():
    x = torch.tensor([1.0, 5.0], requires_grad=True)
    a, b = x.unbind()
    a.register_hook(lambda grad: grad * 10)
    (a + b).backward()
    assert x.grad.tolist() == [10, 1]


def test_a_hook_is_recorded_with_create_graph():
    x = leaf()
    y = x * x
    y.register_hook(lambda grad: grad * x)
    (g,) = torch.autograd.grad(y, x, create_graph=True)  # 2x * x
    (second,) = torch.autograd.grad(g, x)
    assert (g.item(), second.item()) == (8, 8)


def test_a_hook_in_grad():
    x = leaf()
    y = x * x
    y.register_hook(lambda grad: grad * 3)
    assert torch.autograd.grad(y * 2, y)[0].item() == 6


@pytest.mark.parametrize("recorded", [False, True])
def test_a_hook_returns_a_gradient_of_the_same_kind(recorded):
    wrong = {"ones(1)": RuntimeError, "ones(3)": RuntimeError, "ones(2, dtype=torch.float64)": RuntimeError, "is_grad_enabled()": TypeError}
    for returned, error in wrong.items():
        x = torch.ones(2, requires_grad=True)
        x.register_hook(lambda _, returned=returned: eval(f"torch.{returned}"))
        with pytest.raises(error, match="hook"):
            (x * x).sum().backward(create_graph=recorded)


def test_hooks_need_a_gradient():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.ones(1).register_hook(print)
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        torch.ones(1).retain_grad()


def test_retain_grad():
    x = leaf()
    y = x * 3
    y.retain_grad()
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    assert y.grad.item() == 12
    z.backward()
    assert y.grad.item() == 24


def test_retain_grad_keeps_what_hooks_made_of_it():
    y = leaf() * 3
    y.retain_grad()
    y.register_hook(lambda grad: grad * 5)
    y.backward()
    assert y.grad.item() == 5


def test_the_retained_gradient_is_that_of_the_present_values():
    def retained(change):
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        y.retain_grad()
        z = change(y)
        (z * z).sum().backward()
        return y.grad.tolist(), x.grad.tolist()

    assert retained(lambda y: y.mul_(3)) == ([12, 12], [72, 72])
    assert retained(lambda y: y.mul_(3).mul_(1)) == ([12, 12], [72, 72])
    assert retained(lambda y: y[:1].mul_(3) is None or y) == ([12, 4], [72, 8])

    y = (torch.ones(2, requires_grad=True) * 2).view(2)
    y.retain_grad()
    y.mul_(3)
    (y * y).sum().backward()
    assert y.grad.tolist() == [12, 12]


def test_the_retained_gradient_is_nobody_elses():
    x = torch.ones(2, requires_grad=True)
    y, z = x * 1, x * 1
    y.retain_grad()
    z.retain_grad()
    (y + z).sum().backward()
    y.grad.zero_()
    assert z.grad.tolist() == [1, 1]

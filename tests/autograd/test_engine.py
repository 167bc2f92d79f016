"""backward and grad: what they return, where gradients go, and what PyTorch forbids."""

import numpy as np
import pytest

import framework as torch
from framework.autograd import backward, grad
from framework.autograd.op import op


def leaf(*values):
    return torch.tensor(values[0] if len(values) == 1 else list(values), dtype=torch.float64, requires_grad=True)


def test_backward_adds_up():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5, 7]


def test_an_input_used_many_times():
    x = leaf(2.0)
    y = x * x + x * 3
    y.backward()
    assert x.grad.item() == 7


def test_gradient_given():
    x = leaf(1.0, 2.0)
    (x * 2).backward(torch.tensor([1.0, 10.0], dtype=torch.float64))
    assert x.grad.tolist() == [2, 20]
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(torch.ones(3))


def test_backward_of_several():
    x = leaf(1.0)
    backward([x * 2, x * 3], [None, torch.tensor(10.0, dtype=torch.float64)])
    assert x.grad.item() == 32


def test_nothing_needs_a_gradient():
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        torch.ones(1).backward()


def test_backward_of_a_leaf():
    x = leaf(1.0)
    x.backward()
    assert x.grad.item() == 1


def test_second_backward():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_second_backward_where_nothing_was_kept():
    x = leaf(2.0, 3.0)
    moved = torch.cat([1 - x, -x]).reshape(2, 2).t()  # [[-1, -2], [-2, -3]]
    moved.sum().backward()
    moved.sum().backward()
    assert x.grad.tolist() == [-4, -4]
    (moved * moved).sum().backward()
    (moved**3).sum().backward()
    assert x.grad.tolist() == [-4 + 6 - 15, -4 + 10 - 39]


def test_inputs_alone_get_gradients():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    (z * z).backward(inputs=[y, z])
    assert x.grad is None
    assert (y.grad.item(), z.grad.item()) == (24, 12)
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * 1).backward(inputs=[])
    with pytest.raises(RuntimeError, match="does not require grad"):
        (x * 1).backward(inputs=[x, leaf(1.0).detach()])


def test_grad_leaves_grad_alone():
    x, y = leaf(2.0), leaf(3.0)
    assert [each.item() for each in grad(x * y * y, (x, y))] == [9, 12]
    assert x.grad is None and y.grad is None


def test_grad_of_what_is_in_between():
    x = leaf(2.0)
    y = x * x
    z = y * y * x
    dz_dy, dz_dx = grad(z, (y, x))
    assert (dz_dy.item(), dz_dx.item()) == (2 * 4 * 2, 5 * 16)


def test_grad_of_the_output_itself():
    x = leaf(2.0)
    y = x * x
    (one,) = grad(y, y)
    assert one.item() == 1


def test_unused_inputs():
    x, unused = leaf(2.0), leaf(1.0, 1.0)
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        grad(x * x, (x, unused))
    assert grad(x * x, (x, unused), allow_unused=True)[1] is None
    assert grad(x * x, (x, unused), materialize_grads=True)[1].tolist() == [0, 0]
    with pytest.raises(RuntimeError):
        grad(x * x, torch.ones(1))


def test_derivatives_of_every_order():
    x = leaf(0.7)
    y, expected = x.sin(), [np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v), np.sin, np.cos]
    for derivative in expected:
        (y,) = grad(y, x, create_graph=True)
        np.testing.assert_allclose(y.item(), derivative(0.7), rtol=1e-14)


def test_gradient_of_a_gradient_norm():
    x = leaf(1.0, 2.0)
    (g,) = grad((x**3).sum(), x, create_graph=True)
    (g * g).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * 3 * np.array([1, 4]) * 6 * np.array([1, 2]))


def test_backward_with_create_graph_records_grad():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = grad(x.grad, x)
    assert second.item() == 12


def test_gradients_are_not_shared():
    """y = x + z: the same array flows to both, and each must have its own."""
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + z).sum().backward()
    x.grad += 1
    assert z.grad.tolist() == [1, 1]

    x, given = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    (x + 0).backward(given)
    x.grad.zero_()
    assert given.tolist() == [1, 1]

    both = op(lambda a, b: a + b, name="both")
    both.rule("a", "b")(lambda grad: (double := grad * 2, double))  # one new array for two inputs
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for total in (2, 4, 8):
        sum(both(x, z) for _ in range(max(1, total // 4))).sum().backward()  # once, once again, twice within one
        assert x.grad.tolist() == z.grad.tolist() == [total, total]

    y, given = leaf(1.0, 2.0) * 1, torch.ones(2, dtype=torch.float64)
    y.retain_grad()  # of a tensor that is no leaf
    (y + 0).backward(given)
    y.grad.zero_()
    (y * 1 + 0).backward(given, inputs=[y])
    y.grad.zero_()
    assert given.tolist() == [1, 1]

    x = leaf([[1.0, 2.0]])
    x.sum().backward()
    x.grad[0, 0] = 5  # not one number seen twice
    assert x.grad.tolist() == [[5, 1]]


def test_what_grad_returns_may_share_memory():
    """As in PyTorch: no copy is made of what is passed on or spread, until two gradients meet, which changes neither."""
    x, z, given = leaf(1.0, 2.0), leaf(3.0, 4.0), torch.ones(2, dtype=torch.float64)
    assert [each.data_ptr() for each in grad(x + z, (x, z), given)] == [given.data_ptr()] * 2

    (g,) = grad(x.sum(), x)
    assert g.stride() == (0,)
    with pytest.raises(RuntimeError, match="clone"):
        g += given
    assert g.zero_().tolist() == [0, 0]

    assert grad(x + x + x, x, given)[0].tolist() == [3, 3]
    assert grad((x + z) * 1 + x, (x, z), given)[0].tolist() == [2, 2]
    assert given.tolist() == [1, 1]


def test_gradients_have_the_type_and_shape_of_their_input():
    x = torch.ones(1, 3, requires_grad=True)
    (x + torch.ones(2, 3, dtype=torch.float64)).sum().backward()
    assert x.grad.dtype is torch.float32 and x.grad.tolist() == [[2, 2, 2]]


def test_indices_and_masks_have_no_gradient():
    x = leaf(1.0, 3.0)
    values, indices = x.max(0)
    assert values.requires_grad and not indices.requires_grad and not (x > 1).requires_grad


def test_a_deep_graph():
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    (g,) = grad(sum_of_chain(x), x, create_graph=True)
    assert g.item() == 1
    del y


def sum_of_chain(x):
    for _ in range(10_000):
        x = x * 1.0
    return x


def test_a_wide_graph_runs_each_node_once():
    calls = []
    x = leaf(1.0)
    y = x
    for _ in range(30):
        y = y + y  # 2^30 paths
        y.register_hook(calls.append)
    y.backward()
    assert x.grad.item() == 2**30 and len(calls) == 30


def test_names_of_nodes():
    x = leaf(1.0)
    y = (x + 1).exp()
    assert repr(y.grad_fn) == "<ExpBackward0>" and y.grad_fn.name() == "ExpBackward0"
    assert y.grad_fn.next_functions[0][0].name() == "AddBackward0"
    assert x.grad_fn is None and x.is_leaf and not y.is_leaf


@pytest.mark.parametrize("create_graph", [False, True])
def test_only_what_leads_to_a_target_is_computed(create_graph):
    asked = []
    times = op(lambda input, other: input * other, name="times",
               input=lambda grad, other: asked.append("input") or grad * other,
               other=lambda grad, input: asked.append("other") or grad * input)  # fmt: skip
    x, y = leaf(2.0), leaf(5.0)
    out = times(x, y)
    for targets, rules, grads in (([x], ["input"], [5]), ([y], ["other"], [2]), ([y, x], ["input", "other"], [2, 5])):
        asked.clear()
        assert [each.item() for each in grad(out, targets, retain_graph=True, create_graph=create_graph)] == grads
        assert asked == rules
    asked.clear()
    out.backward(inputs=[y], create_graph=create_graph)
    assert asked == ["other"]
    assert y.grad.item() == 2
    assert x.grad is None


def test_of_what_a_list_holds_one_is_a_target():
    x, y = leaf(1.0, 2.0), leaf(3.0)
    joined = torch.cat([x * 2, y.reshape(1), x])
    assert grad(joined.sum(), [y], retain_graph=True)[0].item() == 1
    assert grad(joined.sum(), [x])[0].tolist() == [3, 3]


def test_a_kernel_is_told_what_is_a_target():
    def kernel(input, other):
        return input + other, lambda grad, *needs: asked.append(needs) or [grad if needed else None for needed in needs]

    asked, plus = [], op(lambda input, other: input + other, name="plus", input=lambda grad: grad, other=lambda grad: grad)
    plus.kernels[np.ndarray] = [kernel]
    x, y = leaf(2.0), leaf(5.0)
    assert grad(plus(x, y), [y])[0].item() == 1
    assert asked == [(False, True)]

"""In-place changes under autograd: the tape after them is that of the same computation written out of place."""

import numpy as np
import pytest

import framework as torch


def leaf(*shape):
    return torch.tensor(np.random.default_rng(len(shape)).uniform(0.5, 2, shape), requires_grad=True)


def check(in_place, out_of_place, *leaves):
    """Both compute the same value and the same gradients."""
    a, b = in_place(*leaves), out_of_place(*leaves)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy())
    weight = torch.arange(a.numel(), dtype=torch.float64).reshape(a.shape) + 1
    for x, y in zip(*(torch.autograd.grad((out * weight).sum(), leaves) for out in (a, b)), strict=True):
        np.testing.assert_allclose(x.numpy(), y.numpy())


def test_whole_tensor():
    def in_place(x, w):
        y = x * 1
        y.mul_(w)
        y += x
        y.exp_().sub_(w).div_(2)
        return y

    check(in_place, lambda x, w: ((x * w + x).exp() - w) / 2, leaf(3), leaf(3))


def test_part_of_a_tensor():
    def in_place(a, w):
        a = a.clone()
        a[0].mul_(w)
        return a

    check(in_place, lambda a, w: torch.stack([a[0] * w, a[1]]), leaf(2, 3), leaf(3))


def test_slice_plus_equals():
    def in_place(x, y):
        x = x * 2
        x[1:] += y
        return x

    check(in_place, lambda x, y: torch.cat([x[:1] * 2, x[1:] * 2 + y]), leaf(3), leaf(2))


def test_assignment():
    def in_place(x, y):
        x = x.clone()
        x[0, 1:] = y
        x[..., 0] = 5.0
        return x

    def out_of_place(x, y):
        five = torch.full((1,), 5.0, dtype=torch.float64)
        return torch.stack([torch.cat([five, y]), torch.cat([five, x[1, 1:]])])

    check(in_place, out_of_place, leaf(2, 3), leaf(2))


def test_assignment_through_indices_and_masks():
    def in_place(x, y):
        x = x.clone()
        x[torch.tensor([2, 0])] = y
        x[x > 1e9] = 0.0
        x[torch.tensor([False, True, False])] = y[:1] * 3
        return x

    check(in_place, lambda x, y: torch.stack([y[1], y[0] * 3 + 0 * x[1], y[0]]), leaf(3), leaf(2))


def test_views_made_before_the_change_see_it():
    def in_place(x, w):
        x = x * 1
        row, corner = x[1], x.t()[0, 1]
        x.mul_(w)
        return row.sum() + corner

    check(in_place, lambda x, w: (x * w)[1].sum() + (x * w)[1, 0], leaf(2, 3), leaf(3))


def test_a_change_of_one_view_is_seen_by_another():
    def in_place(x, w):
        x = x * 1
        flat, row = x.view(-1), x[0]
        row.mul_(w)
        return flat * 2

    check(in_place, lambda x, w: torch.cat([x[0] * w, x[1]]) * 2, leaf(2, 3), leaf(3))


def test_views_of_views():
    def in_place(x, w):
        x = x * 1
        x.t()[1:][0].unsqueeze(0).squeeze(0)[1:].mul_(w)  # x[1:, 1]
        return x

    def out_of_place(x, w):
        changed = torch.stack([x[1, 0], x[1, 1] * w[0]])
        return torch.stack([x[0], changed])

    check(in_place, out_of_place, leaf(2, 2), leaf(1))


def test_broadcast_into_place():
    def in_place(x, y):
        x = x * 1
        x[:] = y
        x.transpose(0, 1).add_(y[:2])
        return x + x

    check(in_place, lambda x, y: 2 * (y + x * 0 + y[:2].unsqueeze(1)), leaf(2, 3), leaf(3))


def test_change_of_a_tensor_that_needs_no_gradient():
    def in_place(w):
        buffer = torch.zeros(2, 2, dtype=torch.float64)
        buffer[0] = w
        buffer[1].add_(w * w)
        return buffer

    check(in_place, lambda w: torch.stack([w, w * w]), leaf(2))


def test_a_loop_that_fills_a_buffer():
    def in_place(w):
        steps = torch.zeros(4, dtype=torch.float64)
        steps[0] = 1.0
        for i in range(1, 4):
            steps[i] = steps[i - 1].clone() * w
        return steps

    check(in_place, lambda w: torch.stack([w * 0 + 1, w, w * w, w * w * w]), leaf())


def test_second_derivative_through_a_change():
    x = leaf(2)
    y = x * 1
    y[0].mul_(x[1])
    (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(g[0], x)
    a, b = x.tolist()
    np.testing.assert_allclose(g.tolist(), [2 * a * b * b, 2 * a * a * b + 2 * b])
    np.testing.assert_allclose(second.tolist(), [2 * b * b, 4 * a * b])


def test_a_kept_tensor_may_not_change():
    for keep in (lambda x, y: x * y, lambda x, y: y.exp(), lambda x, y: x @ y, lambda x, y: torch.where(x > 0, y, y * x)):
        x, y = leaf(3), leaf(3) * 1
        out = keep(x, y)
        (out if out.grad_fn.name() == "ExpBackward0" else y).add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.sum().backward()


def test_a_change_through_a_view_is_noticed():
    x, y = leaf(3), leaf(3) * 1
    out = x * y
    y[0].zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_a_change_of_the_detached_is_noticed():
    x, y = leaf(3), leaf(3) * 1
    out = x * y
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_a_change_of_what_is_not_kept_is_fine():
    x, y = leaf(3), leaf(3) * 1
    out = x + y
    y.add_(1)
    out.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


RESULTS = {
    "div": lambda x: x / (x + 1),
    "number / x": lambda x: 2 / x,
    "max": lambda x: x.max(0)[0],
    "sort": lambda x: x.sort()[0],
    "topk": lambda x: x.topk(2)[0],
    "cummax": lambda x: x.cummax(0)[0],
    "cummin": lambda x: x.cummin(0).values,
    "maximum": lambda x: torch.maximum(x, x.flip(0)),
    "fmin": lambda x: torch.fmin(x, x.flip(0)),
    "normalize": lambda x: torch.nn.functional.normalize(x, dim=0),
    "erfinv": lambda x: (x / 3).erfinv(),
    "sinc": torch.sinc,
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_no_rule_needs_may_change(name):
    check(lambda x: RESULTS[name](x).add_(1), lambda x: RESULTS[name](x) + 1, leaf(3))


def test_indices_that_the_rule_needs_may_not_change():
    values, indices = leaf(3).sort()
    indices.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()


def test_results_have_memory_of_their_own():
    x = torch.ones(1, 3)
    for out in (x.cummax(0).values, x.cummin(0).values, x[0, 0].cummax(0).values, x.diff(n=0)):
        out.add_(1)
    assert x.tolist() == [[1, 1, 1]]


def test_errors():
    x = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        torch.ones(3).add_(x)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        torch.ones(2, dtype=torch.int64).add_(0.5)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        torch.ones(2, dtype=torch.bool).add_(1)
    assert torch.ones(2).add_(torch.ones(2, dtype=torch.float64)).dtype is torch.float32
    y = leaf(3) * 1
    with torch.no_grad():
        view = y[:2]
    with pytest.raises(RuntimeError, match="no_grad mode"):
        view.add_(1)


def test_in_place_methods_return_the_tensor():
    x = torch.ones(2)
    before = x.data_ptr()
    assert x.add_(1) is x and x.zero_() is x and x.copy_(torch.ones(2)) is x and x.fill_(3) is x and x.clamp_(max=2) is x
    x += 1
    x *= 2
    x -= 1
    x /= 5
    x **= 2
    assert x.tolist() == [1, 1] and x.data_ptr() == before


def test_a_view_comes_onto_the_tape_with_its_base():
    base, weight = torch.zeros(2, 3), torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    row = base[0]
    assert torch.stack([row, row]).grad_fn is None
    assert (row * 2).grad_fn is None
    base.add_(weight)
    for out in (torch.stack([row, row]), row * 2, torch.cat([row, row[:0], row])):
        assert torch.autograd.grad(out.sum(), weight, retain_graph=True)[0].tolist() == [2, 2, 2]

"""A weight that is used again and again on a GPU: its gradient is one product over all uses, and to everybody a gradient."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim
from framework.device import gpus
from framework.kernels.cuda_weights import OverUses, weight_gradient
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture


@pytest.fixture(params=["one GPU", "several"], autouse=True)
def several(request, cupy, monkeypatch):  # noqa: F811
    """Gradients that meet are added over the old ones, or where there are several GPUs by an op, which looks where they lie."""
    framework.zeros(1, device="cuda")  # now it is known whether there are
    monkeypatch.setattr(gpus, "several", request.param == "several")


class Reader(nn.Module):
    """A cell and a linear layer, over so many steps."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.out = cell(3, 4), nn.Linear(4, 2)

    def forward(self, x, steps):
        state, total = None, 0
        for t in range(steps):
            state = self.cell(x * (t + 1) / steps, state)
            total = total + self.out(state[0] if isinstance(state, tuple) else state).square().mean()
        return total


def gradients(cell, steps, device, dtype):
    framework.manual_seed(0)
    model = Reader(cell).to(device, dtype)
    x = framework.tensor(np.random.default_rng(0).standard_normal((5, 3)), dtype=dtype, device=device)
    model(x, steps).backward()
    return [each.grad.cpu().double().numpy() for each in model.parameters()]


@pytest.mark.parametrize("steps", [1, 64, 65, 150])  # rows are added up after every 64 uses
@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.GRUCell])
def test_equals_the_cpu(cell, steps):
    ours, expected = gradients(cell, steps, "cuda", framework.float64), gradients(cell, steps, "cpu", framework.float64)
    for mine, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [framework.float32, framework.bfloat16, framework.float16], ids=lambda each: each.name)
def test_in_other_types(dtype):
    """16 bits, which sums one by one would round again and again, are products one by one."""
    ours, expected = (gradients(nn.LSTMCell, 3, device, of) for device, of in (("cuda", dtype), ("cpu", framework.float32)))
    for mine, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=(3e-2 if dtype.itemsize == 2 else 1e-5) * abs(wanted).max())


def weight(device):
    return framework.tensor(np.random.default_rng(1).standard_normal((4, 4)), device=device, requires_grad=True)


def inputs(device):
    return [framework.tensor(np.random.default_rng(2).standard_normal((3, 4)) + k, device=device) for k in range(3)]


def summed(results):
    return sum([each.square().sum() for each in results])


# What becomes of a gradient that a use has left to be added to others
USES = {
    "a weight that was computed": lambda w, xs: summed(F.linear(x, w * 2) for x in xs),
    "one that was computed, twice": lambda w, xs: summed(F.linear(x, each) for each in [w.tanh()] for x in xs),
    "a view": lambda w, xs: summed(F.linear(x, w.mT) for x in xs),
    "also used by itself": lambda w, xs: summed(F.linear(x, w) for x in xs) + w.pow(3).sum(),
    "by itself, and then so": lambda w, xs: w.pow(3).sum() + summed(F.linear(x, w) for x in xs),
    "its own input": lambda w, xs: summed([F.linear(F.linear(w, w), w)]),
    "also of a table": lambda w, xs: summed([*(F.linear(x, w) for x in xs), F.embedding((xs[0] > 0).long(), w)]),
}


@pytest.mark.parametrize("use", USES)
def test_is_a_gradient_to_everybody(use):
    outcomes = []
    for device in ("cuda", "cpu"):
        w, xs = weight(device), inputs(device)
        USES[use](w, xs).backward(retain_graph=True)
        USES[use](w, xs).backward()  # added to what is there
        hooked = []
        again = weight(device)
        again.register_hook(lambda grad, hooked=hooked: hooked.append(grad) or grad * 2)
        USES[use](again, xs).backward()
        (asked,) = framework.autograd.grad(USES[use](w, xs), w)
        (first,) = framework.autograd.grad(USES[use](w, xs), w, create_graph=True)
        (second,) = framework.autograd.grad(first.square().sum(), w)
        outcomes.append([each.detach().cpu().numpy() for each in (w.grad, again.grad, *hooked, asked, first, second)])
    for ours, expected in zip(*outcomes, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=1e-3)


def test_is_not_left_for_later_than_backward():
    """What it is made of may be changed after that."""
    w, (x, *_) = weight("cuda"), inputs("cuda")
    F.linear(x, w).sum().backward()
    before = x.clone()
    x.zero_()
    np.testing.assert_allclose(w.grad.cpu().numpy(), np.tile(before.sum(0).cpu().numpy(), (4, 1)), rtol=1e-5)


def test_many_rows_are_multiplied_at_once(cupy):  # noqa: F811
    few, many = (cupy.asarray(np.ones((rows, 7), "f4")) for rows in (4000, 5000))
    assert type(weight_gradient(few, few)) is OverUses and type(weight_gradient(many, many)) is cupy.ndarray


def test_a_step_with_many_uses_is_recorded():
    """Replayed it gives what it gives step by step."""
    losses = []
    for record in (framework.compile, lambda step: step):
        framework.manual_seed(0)
        model = Reader(nn.LSTMCell).to("cuda")
        optimizer = optim.SGD(model.parameters(), lr=1e-3)

        @record
        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = model(x, 66)
            loss.backward()
            optimizer.step()
            return loss

        x = framework.tensor(np.random.default_rng(0).standard_normal((5, 3)), dtype=framework.float32, device="cuda")
        losses.append([step(x * (1 + k / 10)).item() for k in range(4)])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][-1] < losses[0][0]

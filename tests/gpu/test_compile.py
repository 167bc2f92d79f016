"""framework.compile: a step recorded as a graph does what the step does, hundreds of times over; on a CPU it is the step."""

import warnings

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture


@pytest.fixture(params=["cpu", "cuda"])
def device(request, cupy):  # noqa: F811
    return request.param


def network():
    # no bias before the normalisation: its gradient is rounding alone, which Adam makes whole steps of
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(36, 3),
    )


def trained(device, make_optimizer, compiled, steps=40, schedule=True):
    framework.manual_seed(0)
    model = network().to(device)
    optimizer = make_optimizer(model.parameters())
    scheduler = optim.lr_scheduler.StepLR(optimizer, 7, 0.8)

    def step(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    run, losses = framework.compile(step) if compiled else step, []
    images, labels = framework.randn(steps, 8, 1, 6, 6).to(device), framework.randint(0, 3, (steps, 8)).to(device)
    for number in range(steps):
        losses.append(run(images[number], labels[number]).item())
        _ = [framework.rand(50, device=device) for _ in range(3)]  # other memory, and other random numbers, in between
        if schedule:
            scheduler.step()
    return losses, [each.cpu().numpy() for each in model.state_dict().values()], run


MAKERS = {
    "sgd": lambda p: optim.SGD(p, 0.05),
    "momentum": lambda p: optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: optim.Adam(p, 0.01),
    "adamw": lambda p: optim.AdamW(p, 0.01, amsgrad=True),
    "adadelta": lambda p: optim.Adadelta(p, 1.0),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, 0.05),
    "adamax": lambda p: optim.Adamax(p, 0.01),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_training(device, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, weights, run = trained(device, MAKERS[name], compiled=True)
    expected, theirs, _ = trained(device, MAKERS[name], compiled=False)
    np.testing.assert_allclose(losses, expected, rtol=2e-4)
    for ours, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=2e-3, atol=1e-4)
    assert len(run.graphs) == (device == "cuda") and None not in run.graphs.values()


def test_a_rate_that_begins_as_an_integer(device):
    weight = framework.zeros(2, device=device, requires_grad=True)
    optimizer = optim.SGD([weight], lr=1)

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    run = framework.compile(step)
    for lr in (1, 1, 1, 1, 0.25, 0.25):
        optimizer.param_groups[0]["lr"] = lr
        run(framework.ones(2, device=device))
    assert weight.tolist() == [-4.5, -4.5]


def test_hundreds_of_steps(device):
    losses, _, _ = trained(device, MAKERS["momentum"], compiled=True, steps=300)
    expected, _, _ = trained(device, MAKERS["momentum"], compiled=False, steps=300)
    np.testing.assert_allclose(losses, expected, rtol=1e-2)


def test_a_graph_for_each_shape(device):
    weight = framework.ones(3, device=device, requires_grad=True)
    calls = []

    def step(x, scale):
        calls.append(x.shape)
        return {"loss": ((x * weight).sum().detach() * scale,), "rows": len(x)}

    run = framework.compile(step)
    for _ in range(5):
        for rows in (2, 4):
            for scale in (1.0, 3.0):
                x = framework.rand(rows, 3, device=device)
                out = run(x, scale)
                assert out["rows"] == rows
                assert out["loss"][0].item() == pytest.approx(x.sum().item() * scale, rel=1e-6)
    assert len(calls) == (12 if device == "cuda" else 20)


def test_outputs_are_not_written_over(device):
    run = framework.compile(lambda x: x * 2)
    outs = [run(framework.full((2,), float(number), device=device)) for number in range(6)]
    assert [each.tolist() for each in outs] == [[2.0 * number] * 2 for number in range(6)]


UNRECORDED = {
    "a number for the host": lambda x: x * x.sum().item(),
    "a decision": lambda x: x * 2 if x.sum() > 0 else x,
    "a shape by values": lambda x: x[x > 0].sum(),
    "a copy": lambda x: x + framework.ones(3).to(x.device),
}


@pytest.mark.parametrize("name", UNRECORDED)
def test_what_cannot_be_recorded_is_said_and_runs(cupy, name):  # noqa: F811
    run, x = framework.compile(UNRECORDED[name]), framework.tensor([1.0, -2.0, 4.0], device="cuda")
    for _ in range(2):
        run(x)
    with pytest.warns(UserWarning, match="cannot be recorded and runs as it is: .*captur"):
        out = run(x)
    assert np.array_equal(out.cpu().numpy(), UNRECORDED[name](x).cpu().numpy())
    assert np.array_equal(run(x).cpu().numpy(), out.cpu().numpy())


def test_a_step_that_fails_to_be_recorded_has_not_counted(cupy):  # noqa: F811
    weight = framework.ones(3, device="cuda", requires_grad=True)
    optimizer = optim.Adam([weight], 0.1)

    def step(x):
        optimizer.zero_grad()
        loss = ((F.dropout(weight, 0.5) - x) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    framework.manual_seed(0)
    run = framework.compile(step)
    with pytest.warns(UserWarning, match="cannot be recorded"):
        losses = [run(framework.zeros(3, device="cuda")) for _ in range(6)]
    assert optimizer.state[weight]["step"].item() == 6
    weight.data.fill_(1.0)
    optimizer = optim.Adam([weight], 0.1)
    framework.manual_seed(0)
    assert losses == [step(framework.zeros(3, device="cuda")) for _ in range(6)]

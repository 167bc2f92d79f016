"""Optimizers: five steps against the papers' formulas in float64, every option against PyTorch, states that survive a file."""

import framework
import numpy as np
import pytest
from framework import optim

TARGET = np.array([1.0, -2.0, 0.5])
OPTIONS = {
    "SGD": [{}, {"lr": 0.1}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "dampening": 0.3},
            {"weight_decay": 0.1}, {"maximize": True}],
    "Adam": [{}, {"lr": 0.1}, {"betas": (0.5, 0.9)}, {"eps": 0.1}, {"weight_decay": 0.1}, {"amsgrad": True}, {"maximize": True},
             {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.3}, {"amsgrad": True}, {"maximize": True}],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5}, {"eps": 0.1}, {"weight_decay": 0.1}, {"maximize": True}],
    "RMSprop": [{}, {"alpha": 0.5}, {"eps": 0.1}, {"momentum": 0.9}, {"centered": True}, {"momentum": 0.5, "centered": True},
                {"weight_decay": 0.1}, {"maximize": True}],
}  # fmt: skip
CASES = [(name, options) for name, several in OPTIONS.items() for options in several]


def trajectory(library, name, options, steps=5):
    """The parameter after each step of minimizing sum (p - target)^4."""
    parameter = library.tensor([3.0, 1.0, -1.0], dtype=library.float64, requires_grad=True)
    optimizer = getattr(library.optim, name)([parameter], **options)
    points = []
    for _ in range(steps):
        optimizer.zero_grad()
        ((parameter - library.tensor(TARGET)) ** 4).sum().backward()
        optimizer.step()
        points.append(parameter.detach().numpy().copy())
    return np.array(points)


def by_formula(update, steps=5):
    p, state, points = np.array([3.0, 1.0, -1.0]), {}, []
    for t in range(1, steps + 1):
        p = update(p, 4 * (p - TARGET) ** 3, state, t)
        points.append(p)
    return np.array(points)


def sgd(p, g, state, t):
    state["b"] = 0.9 * state["b"] + g if "b" in state else g
    return p - 0.01 * state["b"]


def adam(p, g, state, t, decay=0.0):
    p = p * (1 - 0.01 * decay)
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0) + 0.001 * g**2
    return p - 0.01 * (state["m"] / (1 - 0.9**t)) / (np.sqrt(state["v"] / (1 - 0.999**t)) + 1e-8)


def adadelta(p, g, state, t):
    state["g"] = 0.9 * state.get("g", 0) + 0.1 * g**2
    delta = np.sqrt(state.get("d", 0) + 1e-6) / np.sqrt(state["g"] + 1e-6) * g
    state["d"] = 0.9 * state.get("d", 0) + 0.1 * delta**2
    return p - delta


def rmsprop(p, g, state, t):
    state["v"] = 0.99 * state.get("v", 0) + 0.01 * g**2
    return p - 0.01 * g / (np.sqrt(state["v"]) + 1e-8)


@pytest.mark.parametrize(
    "name, options, update",
    [
        ("SGD", {"lr": 0.01, "momentum": 0.9}, sgd),
        ("Adam", {"lr": 0.01}, adam),
        ("AdamW", {"lr": 0.01, "weight_decay": 0.1}, lambda *args: adam(*args, decay=0.1)),
        ("Adadelta", {}, adadelta),
        ("RMSprop", {}, rmsprop),
    ],
)
def test_follows_its_formula(name, options, update):
    np.testing.assert_allclose(trajectory(framework, name, options), by_formula(update), rtol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("name, options", CASES)
def test_parity(name, options):
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(trajectory(framework, name, options), trajectory(torch, name, options), rtol=1e-10)


@pytest.mark.parametrize("name, options", CASES)
def test_kernel_equals_reference(name, options):
    """On a parameter large enough for the kernels, in float32."""
    start = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    results = []
    for which in ("reference", "fast"):
        with framework.kernels.use(which):
            parameter = framework.tensor(start, requires_grad=True)
            optimizer = getattr(optim, name)([parameter], **options)
            for _ in range(3):
                optimizer.zero_grad()
                (parameter**2).sum().backward()
                optimizer.step()
            results.append(parameter.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name, options", CASES)
def test_resumes_from_a_file_bit_for_bit(name, options, tmp_path):
    def run(parameter, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            (parameter**2).sum().backward()
            optimizer.step()

    whole = framework.tensor([3.0, 1.0], requires_grad=True)
    optimizer = getattr(optim, name)([whole], **options)
    run(whole, optimizer, 3)
    framework.save(optimizer.state_dict(), tmp_path / "state")
    again = whole.detach().clone().requires_grad_()
    run(whole, optimizer, 3)
    resumed = getattr(optim, name)([again], **options)
    resumed.load_state_dict(framework.load(tmp_path / "state"))
    run(again, resumed, 3)
    assert whole.tolist() == again.tolist()


def test_groups_have_their_own_options():
    a, b = (framework.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1)
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (pytest.approx(0.9), 0.0)


def test_parameters_without_gradient_are_left_alone():
    a, b = (framework.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([a, b], lr=0.1)
    a.sum().backward()
    optimizer.step()
    assert a.item() != 1.0 and b.item() == 1.0 and list(optimizer.state_dict()["state"]) == [0]


def test_closure_computes_the_loss():
    p = framework.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0 and p.item() == pytest.approx(1.6)


def test_an_update_is_seen_by_the_version_counter():
    p = framework.tensor([2.0], requires_grad=True)
    loss = (p**2).sum()
    p.grad = framework.tensor([1.0])
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda p: optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
        (lambda p: optim.SGD(p, lr=0.1), TypeError, "should be an iterable"),
        (lambda p: optim.SGD([p], lr=-1.0), ValueError, "Invalid learning rate: -1"),
        (lambda p: optim.SGD([p], lr=0.1, nesterov=True), ValueError, "Nesterov momentum requires"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.SGD([p * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "more than one parameter group"),
        (lambda p: optim.SGD([1.0]), TypeError, "can only optimize Tensors"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make(framework.tensor([1.0], requires_grad=True))

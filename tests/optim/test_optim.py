"""Optimizers: five steps of each against its formula written plainly in float64, and against PyTorch; groups, state, saving."""

import copy
import re

import numpy as np
import pytest

import framework
from framework import optim
from framework.optim.adadelta import adadelta_update

START = np.array([[0.5, -1.2, 2.0], [0.17, 3.0, -0.7]])


def gradient(x, t):
    """Any function of the place and the time will do."""
    return np.sin(3 * x) + x * t / 5


def steps(x, options, rule, **averages):
    """The places of five steps of `rule(x, g, t, averages, options)`."""
    for t in range(1, 6):
        g = gradient(x, t) * (-1 if options.get("maximize") else 1)
        if not options.get("decoupled_weight_decay"):
            g = g + options.get("weight_decay", 0) * x
        else:
            x = x - options["lr"] * options.get("weight_decay", 0) * x
        x = x - options["lr"] * rule(x, g, t, averages, **options)
        yield x


def sgd(x, g, t, a, momentum=0, dampening=0, nesterov=False, **_):
    a["b"] = g if t == 1 else momentum * a["b"] + (1 - dampening) * g
    return g + momentum * a["b"] if nesterov else a["b"]


def adam(x, g, t, a, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, **_):
    a["m"] = betas[0] * a["m"] + (1 - betas[0]) * g
    a["v"] = betas[1] * a["v"] + (1 - betas[1]) * g**2
    a["largest"] = np.maximum(a["largest"], a["v"])
    v = a["largest"] if amsgrad else a["v"]
    return a["m"] / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)


def adadelta(x, g, t, a, rho=0.9, eps=1e-6, **_):
    a["g2"] = rho * a["g2"] + (1 - rho) * g**2
    d = np.sqrt(a["d2"] + eps) / np.sqrt(a["g2"] + eps) * g
    a["d2"] = rho * a["d2"] + (1 - rho) * d**2
    return d


def rmsprop(x, g, t, a, alpha=0.99, eps=1e-8, momentum=0, centered=False, **_):
    a["v"] = alpha * a["v"] + (1 - alpha) * g**2
    a["m"] = alpha * a["m"] + (1 - alpha) * g
    a["b"] = momentum * a["b"] + g / (np.sqrt(a["v"] - a["m"] ** 2 if centered else a["v"]) + eps)
    return a["b"]


def adagrad(x, g, t, a, lr_decay=0, eps=1e-10, initial_accumulator_value=0, **_):
    a["s"] = (initial_accumulator_value if t == 1 else a["s"]) + g**2
    return g / (np.sqrt(a["s"]) + eps) / (1 + (t - 1) * lr_decay)


def adamax(x, g, t, a, betas=(0.9, 0.999), eps=1e-8, **_):
    a["m"] = betas[0] * a["m"] + (1 - betas[0]) * g
    a["u"] = np.maximum(betas[1] * a["u"], abs(g) + eps)
    return a["m"] / (1 - betas[0] ** t) / a["u"]


def nadam(x, g, t, a, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3, **_):
    mu, after = (betas[0] * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
    a["product"] = np.float64(np.float32((1 if t == 1 else a["product"]) * mu))  # which PyTorch keeps in single precision
    a["m"] = betas[0] * a["m"] + (1 - betas[0]) * g
    a["v"] = betas[1] * a["v"] + (1 - betas[1]) * g**2
    m = after * a["m"] / (1 - a["product"] * after) + (1 - mu) * g / (1 - a["product"])
    return m / (np.sqrt(a["v"] / (1 - betas[1] ** t)) + eps)


def radam(x, g, t, a, betas=(0.9, 0.999), eps=1e-8, **_):
    a["m"] = betas[0] * a["m"] + (1 - betas[0]) * g
    a["v"] = betas[1] * a["v"] + (1 - betas[1]) * g**2
    m = a["m"] / (1 - betas[0] ** t)
    most = 2 / (1 - betas[1]) - 1
    length = most - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
    if length <= 5:
        return m
    r = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
    return r * m * np.sqrt(1 - betas[1] ** t) / (np.sqrt(a["v"]) + eps)


def asgd(x, g, t, a, lr=1e-2, lambd=1e-4, alpha=0.75, **_):
    eta = np.float64(np.float32(lr / (1 + lambd * lr * (t - 1)) ** alpha))  # which PyTorch keeps in single precision
    return eta * (g + lambd * x) / lr


def rprop(x, g, t, a, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), **_):
    before, size = (0 * g, 0 * g + lr) if t == 1 else (a["b"], a["s"])
    turned, same = np.sign(g * before) < 0, np.sign(g * before) > 0
    a["s"] = np.clip(size * (turned * etas[0] + same * etas[1] + ~(turned | same)), *step_sizes)
    a["b"] = g * ~turned
    return np.sign(a["b"]) * a["s"] / lr


def adafactor(x, g, t, a, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, **_):
    def rms(y):
        return np.sqrt(np.mean(y**2))

    beta2 = 1 - t**beta2_decay
    a["v"] = beta2 * a["v"] + (1 - beta2) * np.mean(g**2, 1)
    a["u"] = beta2 * a["u"] + (1 - beta2) * np.mean(g**2, 0)
    smallest = np.finfo(x.dtype).eps if eps[0] is None else eps[0]
    update = g / np.sqrt(np.maximum(np.outer(a["v"], a["u"]) / max(np.mean(a["v"]), smallest), smallest**2))
    scale = max(eps[1], rms(x) / (1 - lr * weight_decay)) * min(lr, 1 / np.sqrt(t)) / lr  # of the place before its decay
    return scale * update / max(1, rms(update) / d)


RULES = {"ASGD": asgd, "Rprop": rprop, "Adafactor": adafactor}
RULES |= {"SGD": sgd, "Adam": adam, "AdamW": adam, "Adadelta": adadelta, "RMSprop": rmsprop, "Adagrad": adagrad, "Adamax": adamax,
         "NAdam": nadam, "RAdam": radam}  # fmt: skip
CASES = [
    ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 2, "weight_decay": 0.3, "maximize": True}),
    ("Rprop", {"lr": 0.1}),
    ("Rprop", {"lr": 0.2, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.3), "maximize": True}),
    ("Adafactor", {"lr": 0.1}),
    ("Adafactor", {"lr": 0.5, "beta2_decay": -0.4, "eps": (1e-2, 0.1), "d": 1.5, "weight_decay": 0.3, "maximize": True}),
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.6), "amsgrad": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.01}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True, "maximize": True}),
    ("Adadelta", {"lr": 1.0}),
    ("Adadelta", {"lr": 0.7, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    ("RMSprop", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "alpha": 0.6, "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
    ("Adamax", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1, "betas": (0.5, 0.6), "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    ("NAdam", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1, "betas": (0.5, 0.6), "eps": 1e-3, "weight_decay": 0.3, "momentum_decay": 0.2, "maximize": True}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.5, 0.99), "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    ("RAdam", {"lr": 0.1, "betas": (0.5, 0.95), "weight_decay": 0.3, "decoupled_weight_decay": True}),
]
INVALID = [
    ("ASGD", {"lr": -1}), ("ASGD", {"weight_decay": -1}), ("Rprop", {"lr": -1}), ("Rprop", {"etas": (0.5, 0.9)}), ("Adafactor", {"lr": -1}),
    ("Adafactor", {"d": 0.5}), ("Adafactor", {"eps": (-1, 1)}), ("Adafactor", {"eps": (None, -1)}), ("Adafactor", {"beta2_decay": 1}),
    ("Adafactor", {"weight_decay": -1}), ("Muon", {"lr": -1}), ("Muon", {"momentum": -1}), ("Muon", {"weight_decay": -1}),
    ("Muon", {"adjust_lr_fn": "none"}), ("LBFGS", {"lr": -1}), ("SparseAdam", {"lr": 0}), ("SparseAdam", {"eps": 0}),
    ("SparseAdam", {"betas": (1.0, 0.9)}), ("SparseAdam", {"betas": (0.9, 1.0)}),
    ("SGD", {"lr": -1}), ("SGD", {"momentum": -0.1}), ("SGD", {"weight_decay": -1.0}), ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}), ("Adam", {"lr": -0.5}), ("Adam", {"eps": -1.0}),
    ("Adam", {"betas": (1.0, 0.9)}), ("Adam", {"betas": (0.9, -0.1)}), ("AdamW", {"weight_decay": -1}), ("Adadelta", {"rho": 1.1}),
    ("Adadelta", {"lr": -1}), ("Adadelta", {"eps": -1}), ("RMSprop", {"alpha": -1}), ("RMSprop", {"momentum": -1}),
    ("Adagrad", {"lr_decay": -1}), ("Adagrad", {"initial_accumulator_value": -1}), ("Adamax", {"betas": (0.9, 1.0)}),
    ("NAdam", {"momentum_decay": -0.2}), ("RAdam", {"betas": (-0.1, 0.9)}),
]  # fmt: skip


def parameter(values=START, dtype=framework.float64):
    return framework.tensor(values, dtype=dtype).requires_grad_()


def follow(namespace, param, optimizer, count=5, start=0):
    """Take `count` steps; the places after each."""
    places = []
    for t in range(start + 1, start + count + 1):
        param.grad = namespace.tensor(gradient(param.detach().numpy(), t))
        optimizer.step()
        places.append(param.detach().numpy().copy())
    return places


@pytest.mark.parametrize(("name", "options"), CASES)
def test_five_steps_follow_the_formula(name, options):
    param = parameter()
    places = follow(framework, param, getattr(optim, name)([param], **options))
    if name in ("AdamW", "Adafactor"):
        options = {**options, "decoupled_weight_decay": True}
    expected = list(steps(START, options, RULES[name], **dict.fromkeys(("m", "v", "largest", "g2", "d2", "b", "s", "u"), 0.0)))
    np.testing.assert_allclose(places, expected, rtol=1e-6 if name == "NAdam" else 1e-12)


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), CASES)
def test_parity(name, options):
    torch = pytest.importorskip("torch")
    results = []
    for namespace in (framework, torch):
        param = namespace.tensor(START).requires_grad_()
        optimizer = getattr(namespace.optim, name)([param], **options)
        results.append((follow(namespace, param, optimizer), optimizer.state_dict()))
    (places, state), (their_places, their_state) = results
    np.testing.assert_allclose(places, their_places, rtol=1e-10)
    assert {number: set(each) for number, each in state["state"].items()} == {
        number: {key for key, value in each.items() if value is not None} for number, each in their_state["state"].items()
    }
    for key, value in state["state"].get(0, {}).items():
        theirs = their_state["state"][0][key]
        assert tuple(value.shape) == tuple(theirs.shape)
        assert str(value.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        np.testing.assert_allclose(value.numpy(), theirs.numpy(), rtol=1e-6)
    switches = {"foreach", "fused", "capturable", "differentiable"}
    (group,), (their_group,) = state["param_groups"], their_state["param_groups"]
    assert group == {key: value for key, value in their_group.items() if key not in switches}


@pytest.mark.parity
@pytest.mark.parametrize("name", [*RULES, "Muon", "LBFGS", "SparseAdam"])
def test_parity_of_signature_and_repr(name):
    torch = pytest.importorskip("torch")
    import inspect

    switches = ("foreach", "fused", "capturable", "differentiable")
    ours, theirs = (inspect.signature(getattr(each.optim, name)).parameters.values() for each in (framework, torch))
    assert {each.name: each.default for each in ours} == {each.name: each.default for each in theirs if each.name not in switches}
    positional = [each.name for each in ours if each.kind is not each.KEYWORD_ONLY]
    assert positional == [each.name for each in theirs][: len(positional)]
    lines = repr(getattr(torch.optim, name)([torch.ones(2, 2, requires_grad=True)])).split("\n")
    expected = "\n".join(line for line in lines if not line.strip().startswith(switches))
    assert repr(getattr(optim, name)([parameter()])) == expected


@pytest.mark.parametrize(("name", "options"), INVALID)
def test_invalid_options(name, options):
    option, value = list(options.items())[0]
    with pytest.raises(ValueError, match=re.escape("Nesterov momentum" if option == "nesterov" else f"Invalid {option} value: {value}")):
        getattr(optim, name)([parameter()], **options)


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), INVALID)
def test_parity_of_invalid_options(name, options):
    torch = pytest.importorskip("torch")
    for namespace in (framework, torch):
        with pytest.raises(ValueError):
            getattr(namespace.optim, name)([namespace.ones(2, requires_grad=True)], **options)


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("through_file", [False, True])
def test_saved_and_loaded_it_goes_on_bit_for_bit(name, options, through_file, tmp_path):
    param = parameter(dtype=framework.float32)
    optimizer = getattr(optim, name)([param], **options)
    follow(framework, param, optimizer, 3)
    state, place = optimizer.state_dict(), param.detach().clone()
    if through_file:
        framework.save(state, tmp_path / "state")
        state = framework.load(tmp_path / "state")
    again = place.clone().requires_grad_()
    restored = getattr(optim, name)([again], lr=7.0)
    restored.load_state_dict(state)
    assert repr(restored) == repr(optimizer)
    ended = follow(framework, param, optimizer, 3, start=3)  # first, to see that nothing is shared
    np.testing.assert_array_equal(follow(framework, again, restored, 3, start=3), ended)


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("dtype", [framework.float32, framework.float16])
def test_types_are_kept(name, options, dtype):
    ended = []
    for number in (float, np.float64):  # a NumPy scalar must not make the arithmetic float64
        param, scalar = parameter(dtype=dtype), parameter(0.3, dtype)
        optimizer = getattr(optim, name)([param, scalar], **{**options, "lr": number(options["lr"])})
        for t in range(3):
            param.grad = framework.tensor(np.cos(START + t), dtype=dtype)
            scalar.grad = framework.tensor(0.25, dtype=dtype)
            optimizer.step()
        ended.append(param.detach().numpy())
        assert param.dtype is scalar.dtype is dtype
        numbers = ("step", "mu_product", "eta", "mu")
        state = [value for each in optimizer.state.values() for key, value in each.items() if key not in numbers]
        assert all(each.dtype is dtype for each in state)
    np.testing.assert_array_equal(*ended)


def test_it_minimizes_through_autograd():
    x = parameter([3.0, -2.0])
    optimizer = optim.SGD([x], lr=0.1, momentum=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        ((x - framework.tensor([1.0, 2.0], dtype=framework.float64)) ** 2).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(x.detach().numpy(), [1, 2], atol=1e-4)
    assert x.is_leaf and x.requires_grad


def test_options_of_groups():
    a, b, idle = parameter([1.0]), parameter([1.0]), parameter([1.0])
    optimizer = optim.SGD([{"params": [a, idle]}, {"params": b, "lr": 0.5}], lr=0.1)
    a.grad = b.grad = framework.tensor([1.0], dtype=framework.float64)
    optimizer.step()
    assert (a.item(), b.item(), idle.item()) == (0.9, 0.5, 1.0)
    late = parameter([1.0])
    optimizer.add_param_group({"params": late, "momentum": 0.9})
    late.grad = framework.tensor([2.0], dtype=framework.float64)
    optimizer.step()
    assert late.item() == pytest.approx(0.8)
    assert [group["params"] for group in optimizer.state_dict()["param_groups"]] == [[0, 1], [2], [3]]
    assert list(optimizer.state_dict()["state"]) == [3]  # only it has a momentum


def test_group_errors():
    a = parameter()
    with pytest.raises(TypeError, match="iterable of Tensors or dicts, but got Tensor"):
        optim.SGD(a)
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="ordered collection"):
        optim.SGD([{"params": {a}}])
    with pytest.raises(TypeError, match="can only optimize Tensors, but one of the params is str"):
        optim.SGD(["a"])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([a * 2])
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([a, a])
    optimizer = optim.SGD([a])
    with pytest.raises(TypeError):
        optimizer.add_param_group([a])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": [a]})


def test_parameters_with_names():
    a, b, c = parameter([1.0]), parameter([2.0]), parameter([3.0])
    model = framework.nn.Linear(1, 1)
    assert optim.SGD(model.named_parameters()).param_groups[0]["param_names"] == ["weight", "bias"]
    optimizer = optim.SGD([{"params": [("a", a), ("b", b)]}, {"params": {"c": c}.items(), "lr": 0.5}], lr=0.1)
    assert [group["param_names"] for group in optimizer.param_groups] == [["a", "b"], ["c"]]
    assert optimizer.param_groups[0]["params"] == [a, b] and optimizer.state_dict()["param_groups"][1]["params"] == [2]
    a.grad = c.grad = framework.tensor([1.0], dtype=framework.float64)
    optimizer.step()
    assert (a.item(), b.item(), c.item()) == (0.9, 2.0, 2.5)

    plain = optim.SGD([{"params": [a, b]}, {"params": [c]}])
    nameless = plain.state_dict()
    plain.load_state_dict(optimizer.state_dict())
    optimizer.load_state_dict(nameless)
    for each in (plain, optimizer):
        assert [list(group["param_names"]) for group in each.param_groups] == [["a", "b"], ["c"]]
    for mixed in ([("a", a), b], [a, ("b", b)]):
        with pytest.raises(ValueError, match="with/without names"):
            optim.SGD(mixed)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_loading_a_state_that_lacks_newer_options(name, options):
    param = parameter()
    optimizer = getattr(optim, name)([param], **options)
    state = optimizer.state_dict()
    for missing in set(optimizer.defaults) - {"lr"}:
        state["param_groups"][0].pop(missing)
    state = copy.deepcopy(state)
    again = getattr(optim, name)([param], **options)
    again.load_state_dict(state)
    assert again.param_groups[0] == {**again.defaults, "params": [param]}
    follow(framework, param, again, 1)


def test_loading_into_another_arrangement():
    state = optim.SGD([parameter(), parameter()]).state_dict()
    with pytest.raises(ValueError, match=r"groups of \[2\] parameters, but the optimizer's are of \[1, 1\]"):
        optim.SGD([{"params": [parameter()]}, {"params": [parameter()]}]).load_state_dict(state)
    with pytest.raises(ValueError, match=r"but the optimizer's are of \[1\]"):
        optim.SGD([parameter()]).load_state_dict(state)


def test_closure_runs_with_gradients_and_its_loss_is_returned():
    x = parameter([2.0])
    optimizer = optim.SGD([x], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with framework.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert x.item() == 1.0
    assert optimizer.step() is None


def test_zero_grad():
    x = parameter([2.0])
    optimizer = optim.SGD([x])
    (x * 3).sum().backward()
    before = x.grad
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0] and x.grad is before
    optimizer.zero_grad()
    assert x.grad is None
    (x**3).sum().backward(create_graph=True)
    before = x.grad
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0] and x.grad is before and not before.requires_grad
    x.grad = framework.ones(2, dtype=framework.float64)[:1]  # a view
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0]


def test_a_step_is_seen_as_a_change_in_place():
    x = parameter([2.0])
    optimizer = optim.SGD([x])
    loss = (x * x).sum()
    x.grad = framework.ones(1, dtype=framework.float64)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_kernel_of_the_update_may_write_over_the_old_values(monkeypatch):
    calls = []

    def in_place(param, grad, square_avg, acc_delta, *options):
        calls.append(options)
        param -= grad
        square_avg += 1
        return param, square_avg, acc_delta

    param = parameter()
    optimizer = optim.Adadelta([param], weight_decay=0.5)
    param.grad = framework.ones_like(param)
    for name, value in {"kernels": {np.ndarray: [in_place]}, "load_kernels": None, "worth_it": None}.items():
        monkeypatch.setattr(adadelta_update, name, value)
    optimizer.step()
    assert calls == [(1.0, 0.9, 1e-6, 0.5, False)]
    np.testing.assert_array_equal(param.detach().numpy(), START - 1)
    assert (optimizer.state[param]["square_avg"] == 1).all()


def test_an_optimizer_of_the_users_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @framework.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for param in group["params"]:
                    self.state[param]["count"] = self.state[param].get("count", 0) + 1
                    param.sub_(param.grad.sign() * group["lr"])

    x = parameter([2.0, -3.0])
    optimizer = Signs([x], lr=0.5)
    (x * x).sum().backward()
    optimizer.step()
    assert x.tolist() == [1.5, -2.5]
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}

"""The optimizers that see more than one element at a time: Adafactor, LBFGS, Muon."""

import numpy as np
import pytest

import framework
from framework import optim

MUON = [
    {},
    {"nesterov": False, "weight_decay": 0.0},
    {"adjust_lr_fn": "match_rms_adamw", "momentum": 0.5},
    {"adjust_lr_fn": "original", "ns_steps": 2, "ns_coefficients": (2.0, -1.5, 0.5), "eps": 1e-3},
]


def muon_steps(namespace, shape, options, dtype="float32", count=5):
    rng = np.random.default_rng(1)
    param = namespace.tensor(rng.normal(size=shape), dtype=getattr(namespace, dtype)).requires_grad_()
    optimizer = namespace.optim.Muon([param], lr=0.1, **options)
    places = []
    for _ in range(count):
        param.grad = namespace.tensor(rng.normal(size=shape), dtype=getattr(namespace, dtype))
        optimizer.step()
        places.append(param.detach().double().numpy().copy())
    return np.array(places), optimizer.state_dict()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 6)])
@pytest.mark.parametrize("options", MUON)
def test_muons_step_is_a_polynomial_of_the_singular_values(shape, options):
    rng = np.random.default_rng(1)
    x, buffer = rng.normal(size=shape), 0
    o = {"weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "ns_coefficients": (3.4445, -4.775, 2.0315), "eps": 1e-7, "ns_steps": 5}
    o |= {"adjust_lr_fn": None, **options}
    a, b, c = o["ns_coefficients"]
    ratio = 0.2 * np.sqrt(max(shape)) if o["adjust_lr_fn"] == "match_rms_adamw" else np.sqrt(max(1, shape[0] / shape[1]))
    places = muon_steps(framework, shape, options)[0]
    for place in places:
        grad = rng.normal(size=shape)
        buffer = o["momentum"] * buffer + (1 - o["momentum"]) * grad
        u, s, v = np.linalg.svd(o["momentum"] * buffer + (1 - o["momentum"]) * grad if o["nesterov"] else buffer, full_matrices=False)
        s = s / max(np.linalg.norm(s), o["eps"])
        for _ in range(o["ns_steps"]):
            s = a * s + b * s**3 + c * s**5
        x = x * (1 - 0.1 * o["weight_decay"]) - 0.1 * ratio * (u * s) @ v
        np.testing.assert_allclose(place, x, atol=0.03)  # bfloat16 has three digits
        x = place


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (1, 6)])
@pytest.mark.parametrize("options", MUON)
def test_parity_of_muon(shape, options, dtype):
    torch = pytest.importorskip("torch")
    (places, state), (theirs, their_state) = (muon_steps(each, shape, options, dtype) for each in (framework, torch))
    np.testing.assert_allclose(places, theirs, atol=2e-2)
    ours, theirs = (each["state"][0]["momentum_buffer"].double().numpy() for each in (state, their_state))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert state["param_groups"] == their_state["param_groups"]


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"adjust_lr_fn": "match_rms_adamw"}])
def test_parity_of_muon_in_bfloat16(options):
    """One step; and not nesterov=False, for there PyTorch normalizes the momentum buffer itself, in place."""
    torch = pytest.importorskip("torch")
    places, theirs = (muon_steps(each, (3, 5), options, "bfloat16", 1)[0] for each in (framework, torch))
    np.testing.assert_allclose(places, theirs, atol=1e-2)


def test_muon_wants_matrices():
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        optim.Muon([framework.ones(2, 2, 2)])
    x = framework.ones(2, 2)
    x.grad = x
    with pytest.raises(ValueError, match="Invalid ns_steps value: 100"):
        optim.Muon([x], ns_steps=100)
    with pytest.raises(ValueError, match="Invalid ns_coefficients value"):
        optim.Muon([x], ns_coefficients=(1, 2))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (4,), (1, 1), (2, 3, 4), (3, 1, 2, 2)])
@pytest.mark.parametrize("options", [{}, {"eps": (0.1, 1e-2), "weight_decay": 0.1}])
def test_parity_of_adafactor(shape, dtype, options):
    torch = pytest.importorskip("torch")
    results = []
    for namespace in (framework, torch):
        rng = np.random.default_rng(1)
        param = namespace.tensor(rng.normal(size=shape), dtype=getattr(namespace, dtype)).requires_grad_()
        optimizer = namespace.optim.Adafactor([param], lr=0.1, **options)
        for _ in range(3):
            param.grad = namespace.tensor(rng.normal(size=shape), dtype=getattr(namespace, dtype))
            optimizer.step()
        state = optimizer.state_dict()["state"][0]
        results.append({"param": param.detach().double().numpy(), **{key: value.double().numpy() for key, value in state.items()}})
    assert set(results[0]) == set(results[1])
    tolerance = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}[dtype]
    for name, value in results[0].items():
        np.testing.assert_allclose(value, results[1][name], rtol=tolerance, atol=tolerance, err_msg=name)


LBFGS = [
    {"lr": 0.01},
    {"lr": 0.001, "history_size": 2, "max_iter": 7},
    {"lr": 0.01, "max_iter": 6, "max_eval": 3},
    {"lr": 0.01, "tolerance_grad": 30.0},
    {"lr": 0.01, "tolerance_change": 0.1},
    {"line_search_fn": "strong_wolfe", "max_iter": 3},
    {"line_search_fn": "strong_wolfe", "max_eval": 6},
    {"line_search_fn": "strong_wolfe", "max_eval": 1},
    {"line_search_fn": "strong_wolfe", "max_iter": 9, "history_size": 3, "lr": 0.1},
    {"line_search_fn": "strong_wolfe", "tolerance_grad": 10.0},
    {"line_search_fn": "strong_wolfe", "tolerance_change": 0.1},
]


def lbfgs(namespace, options, dtype="float64", x=(-1.2, 1.0), y=((0.3,), (2.0,))):
    """An optimizer of Rosenbrock's valley and a quartic beside it, a parameter without a gradient among them; and its closure."""
    x, y, idle = (namespace.tensor(each, dtype=getattr(namespace, dtype)).requires_grad_() for each in (x, y, [5.0]))
    optimizer = namespace.optim.LBFGS([x, idle, y], **options)

    def closure():
        optimizer.zero_grad()
        loss = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + (y**4).sum() + y[0, 0] * x[1]
        loss.backward()
        return loss.detach()

    return optimizer, closure


def lbfgs_steps(optimizer, closure, count=4):
    return [[float(optimizer.step(closure)), *(v for p in optimizer.param_groups[0]["params"] for v in p.detach().numpy().ravel())]
            for _ in range(count)]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("options", LBFGS)
def test_parity_of_lbfgs(options):
    torch = pytest.importorskip("torch")
    pairs = [lbfgs(each, options) for each in (framework, torch)]
    np.testing.assert_allclose(*(lbfgs_steps(*pair) for pair in pairs), rtol=1e-8)
    state, theirs = (pair[0].state_dict()["state"][0] for pair in pairs)
    assert set(state) == set(theirs) - {"al", "func_evals"}  # scratch paper and a count for the curious
    for name, ours in state.items():
        value = theirs[name]
        assert isinstance(ours, list) == isinstance(value, list), name
        for one, other in zip(ours, value, strict=True) if isinstance(value, list) else [(ours, value)]:
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-9, err_msg=name)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{"line_search_fn": "strong_wolfe"}, {"lr": 0.01}])
def test_parity_of_lbfgs_in_single_precision(options):
    torch = pytest.importorskip("torch")
    ours, theirs = (lbfgs_steps(*lbfgs(each, {**options, "max_iter": 5}, "float32"), 2) for each in (framework, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)


@pytest.mark.parametrize("options", LBFGS)
def test_lbfgs_saved_and_loaded_goes_on(options, tmp_path):
    optimizer, closure = lbfgs(framework, options)
    lbfgs_steps(optimizer, closure, 2)
    framework.save(optimizer.state_dict(), tmp_path / "state")
    x, _, y = (each.detach().numpy().copy() for each in optimizer.param_groups[0]["params"])
    again, its_closure = lbfgs(framework, {"lr": 0.5}, x=x, y=y)
    again.load_state_dict(framework.load(tmp_path / "state"))
    np.testing.assert_array_equal(lbfgs_steps(optimizer, closure, 2), lbfgs_steps(again, its_closure, 2))


def test_lbfgs_finds_the_minimum():
    x = framework.tensor([-1.2, 1.0], dtype=framework.float64).requires_grad_()
    optimizer = optim.LBFGS([x], max_iter=60, tolerance_change=1e-14, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        loss.backward()
        return loss

    with framework.no_grad():
        optimizer.step(closure)
    np.testing.assert_allclose(x.detach().numpy(), [1, 1], atol=1e-6)


def test_lbfgs_errors():
    x = framework.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": [x]}, {"params": [framework.ones(1)]}])
    with pytest.raises(ValueError, match="Invalid line_search_fn value: golden"):
        optim.LBFGS([x], line_search_fn="golden")
    with pytest.raises(TypeError):
        optim.LBFGS([x]).step()

"""Schedules of the learning rate: against their formulas, and against PyTorch."""

import functools
import math
import warnings

import numpy as np
import pytest

import framework
from framework.optim import lr_scheduler

EPOCHS = 23
cosine = [(1 + math.cos(math.pi * t / 8)) / 2 for t in range(EPOCHS)]
SCHEDULES = {  # how it is made, and the factors of the initial rate in each epoch
    "StepLR": (lambda m, o, **k: m.StepLR(o, 4, 0.5, **k), [0.5 ** (t // 4) for t in range(EPOCHS)]),
    "StepLR to 0": (lambda m, o, **k: m.StepLR(o, 4, 0.0, **k), [0.0 ** (t // 4) for t in range(EPOCHS)]),
    "MultiStepLR": (lambda m, o, **k: m.MultiStepLR(o, [3, 7, 7], 0.5, **k), [1] * 3 + [0.5] * 4 + [0.125] * (EPOCHS - 7)),
    "ConstantLR": (lambda m, o, **k: m.ConstantLR(o, 0.25, 6, **k), [0.25] * 6 + [1] * (EPOCHS - 6)),
    "LinearLR": (lambda m, o, **k: m.LinearLR(o, 0.25, 0.75, 4, **k), [0.25, 0.375, 0.5, 0.625] + [0.75] * (EPOCHS - 4)),
    "LinearLR to 0": (lambda m, o, **k: m.LinearLR(o, 1.0, 0.0, 2, **k), [1, 0.5] + [0] * (EPOCHS - 2)),
    "ExponentialLR": (lambda m, o, **k: m.ExponentialLR(o, 0.9, **k), [0.9**t for t in range(EPOCHS)]),
    "PolynomialLR": (lambda m, o, **k: m.PolynomialLR(o, 10, 2.0, **k), [max(0, 1 - t / 10) ** 2 for t in range(EPOCHS)]),
    "CosineAnnealingLR": (lambda m, o, **k: m.CosineAnnealingLR(o, 8, **k), cosine),
    "LambdaLR": (lambda m, o, **k: m.LambdaLR(o, lambda t: 1 / (1 + t), **k), [1 / (1 + t) for t in range(EPOCHS)]),
    "MultiplicativeLR": (lambda m, o, **k: m.MultiplicativeLR(o, lambda t: t / (t + 1), **k), [1 / (1 + t) for t in range(EPOCHS)]),
    "CosineAnnealingWarmRestarts": (
        lambda m, o, **k: m.CosineAnnealingWarmRestarts(o, 3, 2, **k),
        [(1 + math.cos(math.pi * t / n)) / 2 for n in (3, 6, 12, 24) for t in range(n)][:EPOCHS],
    ),
}
LINE = {  # of OneCycleLR: 20 steps, 0.3 up
    "lr": np.interp(range(EPOCHS - 3), [0, 5, 19], [0.04, 1, 4e-6]),
    "momentum": np.interp(range(EPOCHS - 3), [0, 5, 19], [0.95, 0.85, 0.95]),
}
OTHERS = {  # those without a factor, and compositions
    "CyclicLR": lambda m, o, **k: m.CyclicLR(o, [0.1, 0.2], [0.5, 0.3], 4, 2, base_momentum=[0.7, 0.6], max_momentum=[0.9, 0.8], **k),
    "CyclicLR triangular2": lambda m, o, **k: m.CyclicLR(o, 0.1, 0.5, 3, mode="triangular2", **k),
    "CyclicLR exp_range": lambda m, o, **k: m.CyclicLR(o, 0.1, 0.5, 3, 4, mode="exp_range", gamma=0.9, cycle_momentum=False, **k),
    "CyclicLR cycles": lambda m, o, **k: m.CyclicLR(o, 0.1, 0.5, 3, scale_fn=lambda x: 1 / x, mode="own", **k),
    "CyclicLR batches": lambda m, o, **k: m.CyclicLR(o, 0.1, 0.5, 3, scale_fn=lambda x: 0.9**x, scale_mode="iterations", **k),
    "CosineAnnealingLR eta_min": lambda m, o, **k: m.CosineAnnealingLR(o, 8, 0.05, **k),
    "CosineAnnealingWarmRestarts eta_min": lambda m, o, **k: m.CosineAnnealingWarmRestarts(o, 4, 1, 0.05, **k),
    "MultiStepLR at 0": lambda m, o, **k: m.MultiStepLR(o, [0, 2], 0.5, **k),
    "OneCycleLR": lambda m, o, **k: m.OneCycleLR(o, [0.5, 0.2], total_steps=EPOCHS, **k),
    "OneCycleLR linear": lambda m, o, **k: m.OneCycleLR(o, 0.5, epochs=5, steps_per_epoch=6, anneal_strategy="linear", pct_start=0.4, **k),
    "OneCycleLR three": lambda m, o, **k: m.OneCycleLR(o, 0.5, total_steps=EPOCHS, three_phase=True, div_factor=5, **k),
    "OneCycleLR no momentum": lambda m, o, **k: m.OneCycleLR(o, 0.5, total_steps=EPOCHS, cycle_momentum=False, **k),
}
COMPOSED = {
    "chained": lambda m, o: m.ChainedScheduler([m.ConstantLR(o, 0.1, 3), m.ExponentialLR(o, 0.9), m.StepLR(o, 5)]),
    "warm-up": lambda m, o: m.SequentialLR(o, [m.LinearLR(o, 0.1, 1.0, 4), m.CosineAnnealingLR(o, 10)], [4]),
    "sequence": lambda m, o: m.SequentialLR(
        o, [m.ConstantLR(o, 0.1, 20), m.StepLR(o, 2), m.CosineAnnealingWarmRestarts(o, 3), m.LambdaLR(o, lambda t: 1 / (t + 1))], [2, 7, 14]
    ),
}


def nested(m, o):
    return m.SequentialLR(o, [m.ChainedScheduler([m.LinearLR(o, 0.5, 1.0, 5), m.ExponentialLR(o, 0.9)]), m.PolynomialLR(o, 6)], [15])


def optimizer_of(namespace, name="SGD", **options):
    a, b = (namespace.ones(2, requires_grad=True) for _ in range(2))
    return getattr(namespace.optim, name)([{"params": [a]}, {"params": [b], "lr": 0.3}], lr=0.8, **options)


def run(scheduler, optimizer, epochs=EPOCHS):
    """The rates of both groups, and the momentum, in each epoch."""
    rates = []
    for _ in range(epochs):
        rates.append([*(group["lr"] for group in optimizer.param_groups), optimizer.param_groups[0].get("momentum", 0)])
        assert scheduler.get_last_lr() == rates[-1][:2]
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_follow_the_formula(name):
    make, factors = SCHEDULES[name]
    optimizer = optimizer_of(framework)
    rates = np.array(run(make(lr_scheduler, optimizer), optimizer))
    np.testing.assert_allclose(rates[:, 0], 0.8 * np.array(factors), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(rates[:, 1], 0.3 * np.array(factors), rtol=1e-12, atol=1e-15)


def test_one_cycle_follows_its_lines():
    optimizer = optimizer_of(framework, momentum=0.5)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=20, anneal_strategy="linear")
    rates = np.array(run(scheduler, optimizer, 20))
    np.testing.assert_allclose(rates[:, 0], LINE["lr"], rtol=1e-10)
    np.testing.assert_allclose(rates[:, 2], LINE["momentum"], rtol=1e-10)
    with pytest.raises(ValueError, match="Tried to step 21 times"):
        scheduler.step()


def test_one_cycle_turns_the_first_beta_of_adam():
    optimizer = optimizer_of(framework, "Adam")
    lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=20)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)


@pytest.mark.parity
@pytest.mark.parametrize("total_iters", [0, 1, 2])
def test_parity_of_a_factor_for_no_epochs(total_iters):
    torch, rates = pytest.importorskip("torch"), []
    for library in (framework, torch):
        optimizer = library.optim.SGD([library.ones(1, requires_grad=True)], lr=1.0)
        scheduler = library.optim.lr_scheduler.ConstantLR(optimizer, 0.25, total_iters)
        for _ in range(4):
            rates.append(scheduler.get_last_lr())
            optimizer.step()
            scheduler.step()
    assert rates[:4] == rates[4:]


def test_a_chain_in_a_sequence():
    optimizer = optimizer_of(framework)
    rates = run(nested(lr_scheduler, optimizer), optimizer)
    expected = [0.8 * (0.5 + min(t, 5) / 10) * 0.9**t if t < 15 else 0.8 * max(0, 1 - (t - 15) / 6) for t in range(EPOCHS)]
    np.testing.assert_allclose([rate[0] for rate in rates], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("name", [*SCHEDULES, *OTHERS, *COMPOSED])
def test_parity(name):
    torch = pytest.importorskip("torch")
    make = SCHEDULES[name][0] if name in SCHEDULES else {**OTHERS, **COMPOSED}[name]
    results = []
    for namespace in (framework, torch):
        optimizer = optimizer_of(namespace, momentum=0.5)
        results.append(run(make(namespace.optim.lr_scheduler, optimizer), optimizer))
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("last_epoch", [0, 3, 5, 7])
@pytest.mark.parametrize("name", [*SCHEDULES, *OTHERS])
def test_parity_of_going_on_after_an_epoch(name, last_epoch):
    torch = pytest.importorskip("torch")
    make = SCHEDULES[name][0] if name in SCHEDULES else OTHERS[name]
    results = []
    for namespace in (framework, torch):
        optimizer = optimizer_of(namespace, momentum=0.5)
        run(make(namespace.optim.lr_scheduler, optimizer), optimizer, last_epoch)
        scheduler = make(namespace.optim.lr_scheduler, optimizer, last_epoch=last_epoch)
        assert scheduler.last_epoch == last_epoch + 1
        results.append(run(scheduler, optimizer, 12))
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("epochs", [(0, 0.25, 1.5, 2.75, 3.5, 8, 20.5)])
@pytest.mark.parametrize("factor", [1, 2])
def test_parity_of_fractional_epochs(epochs, factor):
    torch = pytest.importorskip("torch")
    results = []
    for namespace in (framework, torch):
        optimizer = optimizer_of(namespace)
        scheduler = namespace.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, factor)
        rates = []
        for epoch in epochs:
            scheduler.step(epoch)
            rates.append(scheduler.get_last_lr())
        results.append(rates)
    np.testing.assert_allclose(*results, rtol=1e-10)


@pytest.mark.parametrize("name", [*SCHEDULES, *OTHERS, *COMPOSED, "nested"])
def test_saved_and_loaded_it_goes_on(name, tmp_path):
    make = SCHEDULES[name][0] if name in SCHEDULES else {**OTHERS, **COMPOSED, "nested": nested}[name]
    optimizer = optimizer_of(framework, momentum=0.5)
    scheduler = make(lr_scheduler, optimizer)
    run(scheduler, optimizer, 6)
    framework.save({"scheduler": scheduler.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state")
    ended = run(scheduler, optimizer, 10)
    again = optimizer_of(framework, momentum=0.1)
    resumed = make(lr_scheduler, again)
    state = framework.load(tmp_path / "state")
    resumed.load_state_dict(state["scheduler"])
    again.load_state_dict(state["optimizer"])
    assert run(resumed, again, 10) == ended


def test_functions_are_not_saved():
    optimizer = optimizer_of(framework)
    scheduler = lr_scheduler.LambdaLR(optimizer, [math.exp, functools.partial(pow, 2)])
    assert "lr_lambdas" not in scheduler.state_dict()
    scheduler.load_state_dict(scheduler.state_dict())
    assert scheduler.lr_lambdas[0] is math.exp
    with pytest.raises(ValueError, match="lr_lambda .* 2, but got 1"):
        lr_scheduler.LambdaLR(optimizer, [math.exp])


METRICS = [5, 4, 4, 4.0001, 4, 3.9999, 3, 3, 3, 3, 3, 3, 3.2, 1, 1.0, 1, 1, 1, 1, 1, 1, 1]
PLATEAUS = [
    {"patience": 2, "factor": 0.5},
    {"patience": 1, "factor": 0.1, "cooldown": 2, "min_lr": 0.01},
    {"patience": 1, "factor": 0.5, "mode": "max"},
    {"patience": 0, "factor": 0.5, "threshold": 0.5, "threshold_mode": "abs", "min_lr": [0.1, 0.2]},
    {"patience": 0, "factor": 0.5, "mode": "max", "threshold_mode": "abs", "eps": 0.05},
]


def follow_metrics(namespace, options):
    optimizer = optimizer_of(namespace)
    scheduler = namespace.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in METRICS:
        scheduler.step(namespace.tensor(float(metric)))
        rates.append(scheduler.get_last_lr())
    return rates


def test_plateau_reduces_after_the_third_epoch_without_improvement():
    rates = [rate[0] for rate in follow_metrics(framework, {"patience": 2, "factor": 0.5})]
    assert rates[:7] == [0.8] * 4 + [0.4] * 3  # 4.0001 and 3.9999 are within 1e-4 of the best, 4
    assert rates[9:] == [0.2] * 3 + [0.1] * 4 + [0.05] * 3 + [0.025] * 3


def test_plateau_rests_in_cooldown_and_stops_at_the_lowest_rate():
    optimizer = optimizer_of(framework)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=0, cooldown=2, min_lr=0.05)
    rates = []
    for _ in range(8):
        scheduler.step(1.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.8] + [0.08] * 3 + [0.05] * 4)


@pytest.mark.parity
@pytest.mark.parametrize("options", PLATEAUS)
def test_parity_of_plateau(options):
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(follow_metrics(framework, options), follow_metrics(torch, options), rtol=1e-12)


def test_plateau_saved_before_its_first_step(tmp_path):
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer_of(framework), patience=3)
    framework.save(scheduler.state_dict(), tmp_path / "state")
    again = lr_scheduler.ReduceLROnPlateau(optimizer_of(framework))
    again.load_state_dict(framework.load(tmp_path / "state"))
    assert (again.best, again.patience) == (math.inf, 3)


def test_errors():
    optimizer = optimizer_of(framework)
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        lr_scheduler.StepLR(3, 1)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optimizer, 1, last_epoch=2)
    for make in (
        lambda: lr_scheduler.ConstantLR(optimizer, 1.5), lambda: lr_scheduler.LinearLR(optimizer, 0.0),
        lambda: lr_scheduler.LinearLR(optimizer, 1.0, 2.0), lambda: lr_scheduler.ReduceLROnPlateau(optimizer, factor=1.0),
        lambda: lr_scheduler.ReduceLROnPlateau(optimizer, "least"), lambda: lr_scheduler.OneCycleLR(optimizer, 1.0),
        lambda: lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=0), lambda: lr_scheduler.OneCycleLR(optimizer, [1.0], total_steps=5),
        lambda: lr_scheduler.OneCycleLR(optimizer_of(framework, "Adadelta"), 1.0, total_steps=5),
        lambda: lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, mode="own"), lambda: lr_scheduler.CyclicLR(optimizer, [0.1], 0.2),
        lambda: lr_scheduler.CyclicLR(optimizer_of(framework, "Adadelta"), 0.1, 0.2),
        lambda: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 0), lambda: lr_scheduler.ChainedScheduler([]),
        lambda: lr_scheduler.SequentialLR(optimizer, [lr_scheduler.StepLR(optimizer, 1)], [3]),
        lambda: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(optimizer)]),
        lambda: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optimizer, 1)], optimizer_of(framework)),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            make()


def test_stepping_the_schedule_first_is_warned_of():
    scheduler = lr_scheduler.StepLR(optimizer_of(framework), 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_a_schedule_of_the_users_own():
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = optimizer_of(framework)
    assert [rate[0] for rate in run(Halving(optimizer), optimizer, 3)] == [0.8, 0.4, 0.2]


def test_a_cycle_follows_its_lines():
    optimizer = optimizer_of(framework, "Adam")
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, 4, 2, mode="triangular2")
    rates, momenta = [], []
    for _ in range(13):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["betas"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, np.interp(range(13), [0, 4, 6, 10, 12], [0.1, 0.5, 0.1, 0.3, 0.1]))
    np.testing.assert_allclose(momenta, [(each, 0.999) for each in np.interp(range(13), [0, 4, 6, 10, 12], [0.9, 0.8, 0.9, 0.85, 0.9])])


@pytest.mark.parity
@pytest.mark.parametrize("name", [*SCHEDULES, *OTHERS, *COMPOSED])
def test_parity_of_rates_that_are_tensors(name):
    torch = pytest.importorskip("torch")
    make = SCHEDULES[name][0] if name in SCHEDULES else {**OTHERS, **COMPOSED}[name]
    results = []
    for namespace in (framework, torch):
        lr = namespace.tensor(0.8, dtype=namespace.float64)
        optimizer = namespace.optim.SGD([namespace.ones(2, requires_grad=True)], lr=lr, momentum=0.5)
        optimizer.add_param_group({"params": [namespace.ones(2)], "lr": namespace.tensor(0.3, dtype=namespace.float64)})
        scheduler = make(namespace.optim.lr_scheduler, optimizer)
        rates = []
        for _ in range(EPOCHS - 1):
            rates.append([float(each) for each in scheduler.get_last_lr()])
            optimizer.step()
            scheduler.step()
        results.append(rates)
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("name", [*SCHEDULES, *OTHERS])
def test_parity_of_a_given_epoch(name):
    torch = pytest.importorskip("torch")
    make = SCHEDULES[name][0] if name in SCHEDULES else OTHERS[name]
    results = []
    for namespace in (framework, torch):
        optimizer = optimizer_of(namespace, momentum=0.5)
        scheduler = make(namespace.optim.lr_scheduler, optimizer)
        rates = []
        for epoch in (3, 7, 2, None, 12):
            optimizer.step()
            with warnings.catch_warnings(action="ignore"):  # PyTorch's, that the epoch is deprecated
                scheduler.step(epoch)
            rates.append(scheduler.get_last_lr())
        results.append(rates)
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("name", [each for each in (*SCHEDULES, *OTHERS) if "OneCycle" not in each])
def test_parity_of_going_on_from_pytorchs_state(name):
    torch = pytest.importorskip("torch")
    make = SCHEDULES[name][0] if name in SCHEDULES else OTHERS[name]
    theirs = optimizer_of(torch, momentum=0.5)
    their_scheduler = make(torch.optim.lr_scheduler, theirs)
    run(their_scheduler, theirs, 5)
    ours = optimizer_of(framework, momentum=0.5)
    scheduler = make(lr_scheduler, ours)
    scheduler.load_state_dict(their_scheduler.state_dict())
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(run(scheduler, ours, 10), run(their_scheduler, theirs, 10), rtol=1e-10, atol=1e-15)


NOT_KEPT = {"default_min_lr", "mode_worse", "_last_lr"}


@pytest.mark.parity
def test_parity_of_plateau_with_a_tensor_and_a_given_epoch():
    torch = pytest.importorskip("torch")
    results = []
    for namespace in (framework, torch):
        lr = namespace.tensor(0.8)
        optimizer = namespace.optim.SGD([namespace.ones(2)], lr=lr)
        scheduler = namespace.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        scheduler.step(1.0)
        with warnings.catch_warnings(action="ignore"):
            scheduler.step(1.0, 7)
        results.append((optimizer.param_groups[0]["lr"].item(), scheduler.last_epoch, set(scheduler.state_dict()) - NOT_KEPT))
    assert results[0] == results[1]


@pytest.mark.parity
@pytest.mark.parametrize("name", [each for each in vars(lr_scheduler) if each[0].isupper()])
def test_parity_of_signatures(name):
    torch = pytest.importorskip("torch")
    import inspect

    for method in ("__init__", "step"):
        ours, theirs = (inspect.signature(getattr(getattr(each.optim.lr_scheduler, name), method)) for each in (framework, torch))
        named = [[(each.name, each.default) for each in signature.parameters.values()] for signature in (ours, theirs)]
        assert named[0] == named[1]

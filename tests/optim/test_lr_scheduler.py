"""Schedules: the rates of twelve epochs, against closed formulas and against PyTorch."""

import math

import framework
import pytest

CASES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    ("LinearLR", {"start_factor": 0.25, "total_iters": 4}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (t + 1)}),
]
FORMULAS = {
    "StepLR": lambda t: 0.5 ** (t // 3),
    "MultiStepLR": lambda t: 0.5 ** ((t >= 2) + 2 * (t >= 5)),
    "ExponentialLR": lambda t: 0.9**t,
    "ConstantLR": lambda t: 0.25 if t < 4 else 1,
    "LinearLR": lambda t: 0.25 + 0.75 * min(t, 4) / 4,
    "CosineAnnealingLR": lambda t: 0.02 + 0.98 * (1 + math.cos(math.pi * t / 4)) / 2,
    "LambdaLR": lambda t: 1 / (t + 1),
}


def make(library, lr=0.5):
    parameter = library.nn.Parameter(library.zeros(1))
    return library.optim.SGD([parameter], lr=lr)


def rates(library, build, metrics=None):
    optimizer = make(library)
    scheduler = build(library.optim.lr_scheduler, optimizer)
    seen = [optimizer.param_groups[0]["lr"]]
    for value in metrics or [None] * 12:
        optimizer.step()
        scheduler.step(*([] if value is None else [value]))
        seen.append(optimizer.param_groups[0]["lr"])
        assert scheduler.get_last_lr() == [seen[-1]]
    return seen


@pytest.mark.parametrize("name, options", CASES)
def test_follows_its_formula(name, options):
    expected = [0.5 * FORMULAS[name](t) for t in range(13)]
    assert rates(framework, lambda module, optimizer: getattr(module, name)(optimizer, **options)) == pytest.approx(expected)


@pytest.mark.parity
@pytest.mark.parametrize("name, options", CASES)
def test_parity(name, options):
    torch = pytest.importorskip("torch")

    def build(module, optimizer):
        return getattr(module, name)(optimizer, **options)

    assert rates(framework, build) == pytest.approx(rates(torch, build), rel=1e-12)


PLATEAU = [1.0, 0.9, 0.95, 0.95, 0.95, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
PLATEAU_OPTIONS = [{}, {"cooldown": 2}, {"min_lr": 0.2}, {"mode": "max"}, {"threshold_mode": "abs", "threshold": 0.2}]


def plateau(options):
    return lambda module, optimizer: module.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, **options)


def test_plateau_lowers_the_rate_after_patience():
    assert rates(framework, plateau({}), PLATEAU) == pytest.approx([0.5] * 4 + [0.25] * 4 + [0.125] * 2 + [0.0625] * 2 + [0.03125])


@pytest.mark.parity
@pytest.mark.parametrize("options", PLATEAU_OPTIONS)
def test_plateau_parity(options):
    torch = pytest.importorskip("torch")
    assert rates(framework, plateau(options), PLATEAU) == pytest.approx(rates(torch, plateau(options), PLATEAU))


def test_resumes_from_its_state():
    optimizer = make(framework)
    scheduler = framework.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    for _ in range(3):
        scheduler.step()
    again = make(framework)
    resumed = framework.optim.lr_scheduler.CosineAnnealingLR(again, 6)
    again.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    scheduler.step()
    resumed.step()
    assert resumed.get_last_lr() == scheduler.get_last_lr()


def test_bad_input():
    with pytest.raises(ValueError, match="Factor should be < 1.0"):
        framework.optim.lr_scheduler.ReduceLROnPlateau(make(framework), factor=1.0)
    with pytest.raises(KeyError, match="initial_lr"):
        framework.optim.lr_scheduler.StepLR(make(framework), 1, last_epoch=3)

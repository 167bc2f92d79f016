"""Evaluation: how far the foretold waves are from the true ones, 1,000 values and less after the last that was shown."""

from functools import partial
from pathlib import Path

from rich.console import Console

import framework
import framework.nn.functional as F
from zoo.common.files import write_json
from zoo.common.flags import Device, RunDirectory, find_device
from zoo.common.run import load_weights, read_config, reopen
from zoo.datasets import sine
from zoo.time_sequence.model import Sequence

FUTURE = 1000  # values foretold
NEAR = (100, 500)  # and how many of them are scored besides


def scores(model: Sequence, waves: sine.Waves) -> dict[str, float]:
    """The mean squared error of foretelling one value ahead, and the root of it of the values after the last one shown.

    rmse_k = √(mean over waves and i < k of (output L − 1 + i − sin((start + L + i) / T))²): nothing but the first L values is shown.
    """
    device = model.linear.weight.device
    shown = framework.from_numpy(waves.test).to(device)  # (3, L)
    length = shown.shape[1]
    true = framework.from_numpy(waves.test_from(length, FUTURE)).to(device)  # (3, 1000)
    with framework.no_grad():
        outputs = model(shown, FUTURE - 1)  # (3, L + 999): the last 1,000 foretell what was not shown
    foretold = outputs[:, length - 1 :]  # (3, 1000)
    near = {f"test_rmse_{k}": F.mse_loss(foretold[:, :k], true[:, :k]).sqrt().item() for k in NEAR}
    one_ahead = F.mse_loss(outputs[:, : length - 1], shown[:, 1:]).item()
    return {"test_loss": one_ahead, "test_rmse": F.mse_loss(foretold, true).sqrt().item(), **near}


def reload(run: Path, device: str) -> tuple[Sequence, sine.Waves]:
    """The network of a run, on a device, and the waves it was trained on."""
    flags = read_config(run, "time_sequence")["flags"]
    _, waves = reopen(run, "time_sequence", lambda *_: sine.load(waves=flags["waves"], length=flags["length"]), None)
    model = Sequence().double().to(find_device(device))
    load_weights(run, model)
    return model, waves


def evaluate(run: RunDirectory, *, device: Device = "cpu") -> None:
    """Continue the test waves by 1,000 values and compare with the true sines."""
    model, waves = reload(run, device)
    figures = scores(model, waves)
    write_json(run / "evaluation.json", {"data": waves.name, **figures})
    say = partial(Console(highlight=False).print, soft_wrap=True)
    say(f"{len(waves.test)} test waves of {waves.test.shape[1]:,} values: mean squared error one value ahead {figures['test_loss']:.2e}")
    say("root mean squared error of what follows them (always foretelling 0 would have 0.707):")
    for k, name in ((100, "test_rmse_100"), (500, "test_rmse_500"), (FUTURE, "test_rmse")):
        say(f"  the next {k:>5,}: {figures[name]:.4f}")

"""Examples on a GPU train as on the CPU, also with their step recorded, and are evaluated on either."""

import json
import warnings

import pytest

from tests.gpu import stand_in
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture
from tests.zoo.contract import call, rows

EXAMPLES = {
    "vae": ["--max-steps", 12, "--batch-size", 8],
    "actor_critic": ["--max-steps", 3],
    "mnist_cnn": ["--max-steps", 12, "--batch-size", 8],
    "lstm_lm": ["--max-steps", 12, "--hidden", 20, "--batch-size", 5],
    "time_sequence": ["--waves", 13, "--length", 20, "--epochs", 2],
    "resnet": ["--max-steps", 12, "--batch-size", 8],
    "super_resolution": ["--max-steps", 12],
    "snli": ["--max-steps", 5, "--batch-size", 4],
    "dcgan": ["--max-steps", 4, "--size", 32, "--width", 16, "--batch-size", 8],
}
QUICK = "vae", "actor_critic", "snli"  # the stand-in takes a minute or two for each of the others


@pytest.mark.parametrize("example", EXAMPLES)
def test_trains_as_on_the_cpu(example, cupy, tmp_path):  # noqa: F811
    if cupy.ndarray is stand_in.ndarray and example not in QUICK:
        pytest.skip("needs a CUDA device")
    for place, device in (("cpu", ["cpu"]), ("gpu", ["cuda"]), ("recorded", ["cuda", "--compile"])):
        data = [] if example in ("actor_critic", "time_sequence") else ["--data", "builtin"]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a step that cannot be recorded says so in one
            flags = *data, *EXAMPLES[example], "--save-every", 1e9, "--device", *device
            assert call(f"zoo.{example}", "train", *flags, "--out", tmp_path / place) == 0
    for on_cpu, *others in zip(*(measured(tmp_path / place) for place in ("cpu", "gpu", "recorded")), strict=True):
        for other in others:
            assert other == pytest.approx(on_cpu, rel=2e-2, abs=1e-3)
    assert call(f"zoo.{example}", "evaluate", tmp_path / "gpu", "--device", "cpu") == 0
    assert call(f"zoo.{example}", "evaluate", tmp_path / "cpu", "--device", "cuda") == 0


def measured(run) -> list:
    """What a run has recorded, but for the time it took."""
    lines = map(json.loads, rows(run))
    return [{name: value for name, value in line.items() if "seconds" not in name} for line in lines]

"""The example as its users run it: train, evaluate, predict, kill and resume, and everything they can get wrong."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import framework
import zoo.datasets
from tests.zoo.contract import ENVIRONMENT, call, evaluate_agrees, killed_it_resumes, outcome, smoke
from zoo.common.errors import UserError
from zoo.common.run import read_config
from zoo.mnist_cnn.evaluate import scores
from zoo.mnist_cnn.model import Net, normalize
from zoo.mnist_cnn.predict import as_mnist, read_grey

BUILTIN = Path(zoo.datasets.__file__).parent / "builtin" / "mnist"
SHORT = ("train", "--data", "builtin", "--batch-size", "32", "--max-steps")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("mnist_cnn") / "run"
    assert smoke("mnist_cnn", path)["metrics"]["test_accuracy"] > 0.85
    return path


def test_the_network_is_pytorchs():
    model = Net()
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_199_882
    layers = ("conv1", "conv2", "fc1", "fc2")
    assert list(model.state_dict()) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    answers = model(normalize(framework.zeros(2, 28, 28, dtype=framework.uint8)))
    assert answers.shape == (2, 10)
    assert answers.exp().sum(1).tolist() == pytest.approx([1, 1])


def test_scores_of_a_known_case():
    answers = framework.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]).log()
    expected = {"test_loss": (np.log(2) + np.log(4)) / 2, "test_accuracy": 0.5}
    assert scores(answers, framework.tensor([0, 1])) == pytest.approx(expected)


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("mnist_cnn", run)
    assert "1,000 test digits of mnist-5k: accuracy" in capsys.readouterr().out
    assert np.trace(evaluation["confusion"]) == round(1000 * evaluation["test_accuracy"])


def test_same_seed_twice_is_bit_identical(tmp_path):
    for name in ("a", "b"):
        assert call("zoo.mnist_cnn", *SHORT, 8, "--seed", 5, "--out", tmp_path / name) == 0
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    killed_it_resumes("mnist_cnn", tmp_path, *SHORT[1:], 30)


def seven(size=(200, 260), ground=255, ink=0, at=(60, 50), width=18) -> Image.Image:
    """A drawn 7."""
    picture = Image.new("L", size, ground)
    x, y = at
    ImageDraw.Draw(picture).line([(x, y), (x + 80, y), (x + 30, y + 140)], fill=ink, width=width, joint="curve")
    return picture


def test_a_picture_becomes_what_mnist_has():
    image = as_mnist(np.asarray(seven(), np.float32))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() == 255
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) + 1 == 20 and np.ptp(columns) + 1 <= 20  # its longer side fills the box of 20 pixels
    centre = [np.average(axis, weights=image) for axis in np.indices(image.shape)]
    assert centre == pytest.approx([13.5, 13.5], abs=0.51)


@pytest.mark.parametrize(
    "other",
    [
        seven(ground=0, ink=255),
        seven(size=(600, 300), at=(400, 100)),
        seven(ground=230, ink=40),
        seven().convert("RGB"),
        seven().convert("P"),
        seven().convert("1"),
        Image.merge("LA", (seven(ground=0), seven(ground=0, ink=255))),  # dark strokes, nothing around them
        Image.merge("LA", (seven(ground=255, ink=255), seven(ground=0, ink=255))),  # white strokes
    ],
    ids=["light on dark", "elsewhere", "grey", "colour", "palette", "two levels", "transparent", "white transparent"],
)
def test_only_the_drawing_counts(other, tmp_path):
    seven().save(tmp_path / "seven.png")
    other.save(tmp_path / "other.png")
    images = [as_mnist(read_grey(tmp_path / name)) for name in ("seven.png", "other.png")]
    assert np.abs(np.subtract(*images, dtype=int)).max() <= 1


def test_predict_names_the_digit_and_skips_what_it_cannot_read(run, tmp_path, capsys):
    seven().save(tmp_path / "seven.png")
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("not a picture")
    assert call("zoo.mnist_cnn", "predict", run, tmp_path / "seven.png") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "seven.png" in line)
    assert row.split()[1] == "7"
    names = ("blank.png", "text.png", "seven.png", "none.png")
    assert call("zoo.mnist_cnn", "predict", run, *(tmp_path / name for name in names)) == 1
    out, err = capsys.readouterr()
    assert "seven.png" in out and "blank.png" not in out
    assert err.count("\n") == 1 and err.startswith("zoo.mnist_cnn: error: ")
    for name, reason in zip(names, ("the picture is blank", "not a picture", None, "No such file"), strict=True):
        assert reason is None or f"{tmp_path / name}: {reason}" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "builtin", "--out", "{file}/run"), "{file}/run: Not a directory"),
        (("train", "--data", "{empty}"), "missing: train-images-idx3-ubyte"),
        (("train", "--data", "{cut}"), "the gzip data is cut short"),
        (("train", "--data", "mnist", "--data-dir", "{empty}"), "MNIST not found"),
        (("train", "--data", "builtin", "--out", "{run}"), "already holds a run"),
        (("train", "--device", "cuda"), "--device cuda: no GPU can be used here"),
        (("train", "--epoch", "3"), "perhaps you meant --epochs"),
        (("evaluate", "{empty}"), "{empty} is not a run directory"),
        (("evaluate", "{bare}"), "model.safetensors is not there"),
        (("evaluate", "{damaged}"), "model.safetensors is damaged"),
        (("evaluate", "{run}", "--device", "tpu"), "--device tpu: expected cpu"),
        (("predict", "{run}"), "which picture?"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, capsys, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(framework.cuda, "is_available", lambda: False)
    places = {name: tmp_path / name for name in ("file", "empty", "cut", "bare", "damaged")} | {"run": run}
    places["file"].touch()
    for name in ("empty", "cut", "bare", "damaged"):
        places[name].mkdir()
    for name in ("bare", "damaged"):
        (places[name] / "config.json").write_bytes((run / "config.json").read_bytes())
    (places["damaged"] / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes()[:-1])
    for archive in BUILTIN.glob("*.gz"):
        (places["cut"] / archive.name).write_bytes(archive.read_bytes()[:-9])
    before = {path: path.stat() for path in run.iterdir()}
    assert call("zoo.mnist_cnn", *(argument.format(**places) for argument in arguments)) in (1, 2)
    out, err = capsys.readouterr()
    assert err.startswith("zoo.mnist_cnn: error: ") and err.count("\n") == 1
    assert complaint.format(**places) in err
    assert not (tmp_path / "runs").exists() and {path: path.stat() for path in run.iterdir()} == before


def test_disk_full_at_a_checkpoint(tmp_path):
    """A file size limit, below that of the checkpoint, stands for the full disk."""
    limited = subprocess.run(
        [sys.executable, "-m", "zoo.mnist_cnn", *SHORT, "1", "--out", tmp_path / "run"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert limited.returncode == 1
    assert limited.stderr == (
        f"zoo.mnist_cnn: error: {tmp_path / 'run'}: checkpoint not written (File too large); the one before is intact\n"
    )
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert left == ["config.json", "metrics.jsonl", "timings.jsonl"]


def test_a_run_on_data_that_changed_is_not_evaluated(run, tmp_path, capsys):
    config = read_config(run, "mnist_cnn")
    config["data"]["sha256"] = "0" * 64
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert call("zoo.mnist_cnn", "evaluate", tmp_path) == 1
    assert "has changed" in capsys.readouterr().err


def test_a_folder_in_the_form_of_mnist_is_data(tmp_path):
    assert call("zoo.mnist_cnn", "train", "--data", BUILTIN, "--max-steps", 1, "--out", tmp_path) == 0
    assert call("zoo.mnist_cnn", "evaluate", tmp_path) == 0
    assert json.loads((tmp_path / "results.json").read_text())["data"]["origin"] == "user folder"


def test_the_zoo_lists_the_example(capsys):
    assert call("zoo") == 0
    assert "mnist_cnn" in capsys.readouterr().out


def test_blank_is_refused():
    with pytest.raises(UserError, match="blank"):
        as_mnist(np.full((40, 40), 17, np.float32))

"""Runs that are had again: bit-identical, or with what differs and what has changed since, named."""

import json
import math
import shutil
from pathlib import Path

import pytest

import framework
from tests.zoo.contract import ENVIRONMENT, call, outcome
from zoo.common import reproduce as module
from zoo.common.errors import UserError
from zoo.common.reproduce import different_figures, different_weights, options, reproduce


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A short run on the built-in digits, resumed once, of code that was committed."""
    run = tmp_path_factory.mktemp("runs") / "run"
    train = ("train", "--data", "builtin", "--batch-size", "500", "--lr", "0.01", "--seed", "5", "--out", run)
    assert call("zoo.vae", *train, "--epochs", "1") == 0
    assert call("zoo.vae", *train, "--epochs", "2", "--resume") == 0
    change(run, "commit", {"sha": "c" * 40, "dirty": False})
    return run


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of it, to be tampered with."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def as_trained(trained, monkeypatch):
    """Training once more gives what it gave, without the time it takes."""
    monkeypatch.setattr(module, "retrain", lambda before, out, data_dir: shutil.copytree(trained, out, dirs_exist_ok=True))


def change(run: Path, name: str, value) -> None:
    """Another value of results.json, such as "machine.threads"."""
    results = json.loads((run / "results.json").read_text())
    *parents, last = name.split(".")
    place = results
    for parent in parents:
        place = place[parent]
    place[last] = value
    (run / "results.json").write_text(json.dumps(results))


def test_a_resumed_run_is_had_again_in_one_go(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    reproduce(run, out=tmp_path / "again")
    assert outcome(tmp_path / "again") == outcome(run)
    before, after = (json.loads((each / "results.json").read_text()) for each in (run, tmp_path / "again"))
    assert after["seed"] == 5 and after["flags"]["epochs"] == 2 and after["flags"]["lr"] == 0.01
    assert len(after["commands"]) == 1 and after["metrics"] == before["metrics"]
    assert capsys.readouterr().out.splitlines()[-1] == "bit-identical: metrics.jsonl, the final metrics and the weights"


def test_other_data_ends_it_before_it_trains(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    change(run, "data.sha256", "0" * 64)
    with pytest.raises(UserError, match=r"mnist-5k has changed since .*: its sha256 was 00000000…, and is f386f0e5… now"):
        reproduce(run, out=tmp_path / "again")
    assert not (tmp_path / "again" / "results.json").exists()


def test_missing_data_is_one_line(run, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    change(run, "data.origin", "official")
    change(run, "data.name", "mnist")
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        reproduce(run, out=tmp_path / "again", data_dir=tmp_path)
    err = capfd.readouterr().err
    assert end.value.code == 1 and err.startswith("zoo.vae: error: ") and err.count("\n") == 1 and "download" in err


def differences(run: Path, capsys) -> tuple[list[str], str]:
    """What is printed of a run that is not reproduced, and the complaint."""
    with pytest.raises(UserError) as complaint:
        reproduce(run, out=run.parent / "again")
    return capsys.readouterr().out.split("\n\n")[-1].splitlines(), str(complaint.value)


def test_the_first_row_that_differs_is_named(run, as_trained, capsys):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    elbo = rows[1]["train_negative_elbo"]
    rows[1]["train_negative_elbo"], rows[2]["test_negative_elbo"] = elbo + 0.25, 0.0
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines, complaint = differences(run, capsys)
    assert lines == [
        f"metrics.jsonl, row 2 (step 10): train_negative_elbo {elbo + 0.25} → {elbo}, by -0.25",
        "metrics.jsonl: 2 of 3 rows differ",
    ]
    assert complaint == f"{run} is not reproduced, though nothing on record has changed since"


def test_a_row_too_few_is_named(run, as_trained, capsys):
    rows = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(rows[:-1]))
    lines, _ = differences(run, capsys)
    assert "metrics.jsonl, row 3 (step 16): epoch – → 1" in lines and lines[-1] == "metrics.jsonl: 1 of 3 rows differ"


def test_other_final_metrics_and_weights_are_named(run, as_trained, capsys):
    kl = json.loads((run / "results.json").read_text())["metrics"]["test_kl"]
    change(run, "metrics.test_kl", kl + 0.5)
    weights = framework.load(run / "model.safetensors")
    weights["fc1.bias"][3] += 0.5
    framework.save(weights, run / "model.safetensors")
    lines, _ = differences(run, capsys)
    assert lines == [
        f"results.json: test_kl {kl + 0.5} → {kl}, by -0.5",
        "model.safetensors: 1 of 10 tensors differ, the first is fc1.bias, by up to 0.5",
    ]


def test_weights_of_other_shapes_are_named(tmp_path):
    for name, shape in (("a", 3), ("b", 4)):
        (tmp_path / name).mkdir()
        framework.save({"same": framework.ones(2), "bias": framework.ones(shape)}, tmp_path / name / "model.safetensors")
    (line,) = different_weights(tmp_path / "a", tmp_path / "b")
    assert line == "model.safetensors: 1 of 2 tensors differ, the first is bias, not there in both in one shape"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("machine.threads", 64, "threads 64 → "),
        ("machine.cpu", "Z80", "CPU Z80 → "),
        ("machine.cores", 64, "cores 64 → "),
        ("machine.gpu", "NVIDIA H200", "GPU NVIDIA H200 → None"),
        ("versions.python", "3.0.0", "python 3.0.0 → "),
        ("versions.numpy", "1.0.0", "numpy 1.0.0 → "),
        ("versions.numba", "0.1.0", "numba 0.1.0 → "),
        ("versions.framework", "0.0.1", "framework 0.0.1 → "),
        ("commit.sha", "a" * 40, "commit aaaaaaaaaa → cccccccccc"),
        ("commit.dirty", True, "commit cccccccccc with changes → cccccccccc"),
        ("commit", None, "commit unknown → cccccccccc"),
        ("flags", {"seed": 5}, "--lr – → 0.01"),
        ("kernels.relu", {"reference": 1}, "kernels of relu reference → "),
        ("features", {"name": "own"}, "network of features {'name': 'own'} → None"),
    ],
)
def test_what_has_changed_since_is_named(run, as_trained, capsys, name, value, line):
    change(run, name, value)
    change(run, "metrics.test_negative_elbo", 0.0)
    lines, complaint = differences(run, capsys)
    assert any(each.startswith(f"changed since: {line}") for each in lines)
    assert complaint == f"{run} is not reproduced, see above what has changed since"


def test_uncommitted_changes_may_be_others(run, capsys, monkeypatch):
    change(run, "commit.dirty", True)
    monkeypatch.setattr(module, "retrain", lambda before, out, data_dir: shutil.copytree(run, out))
    reproduce(run, out=run.parent / "again")
    assert "changed since: perhaps the code, of which not all was committed" in capsys.readouterr().out


def test_it_goes_into_a_directory_beside_the_run(run, as_trained):
    reproduce(run)
    reproduce(run)
    assert sorted(each.name for each in run.parent.iterdir()) == ["run", "run-again-1", "run-again-2"]


@pytest.mark.parametrize(
    ("gone", "complaint"),
    [
        ("results.json", "is not finished, it has no results.json"),
        ("metrics.jsonl", "has no metrics.jsonl to compare with"),
        ("model.safetensors", "has no model.safetensors to compare with"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(run, gone, complaint):
    (run / gone).unlink()
    with pytest.raises(UserError, match=complaint):
        reproduce(run)


def test_what_is_no_run_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="already holds a run"):
        reproduce(run, out=run)
    with pytest.raises(UserError, match="there is no .*results.json"):
        reproduce(tmp_path)
    (run / "results.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        reproduce(run)
    (run / "results.json").write_text("[]")
    with pytest.raises(UserError, match="expected an object"):
        reproduce(run)


def test_flags_are_those_of_the_run(tmp_path):
    flags = {"out": "a", "data": "auto", "data_dir": None, "seed": 0, "dropout": 0.0, "lr": 1e-05, "plain": True, "untied": False}
    before = {"flags": {**flags, "max_steps": None, "resume": True}, "data": {"name": "mnist", "origin": "official"}}
    expected = ["--out=b", "--data=mnist", f"--data-dir={tmp_path}", "--seed=0", "--dropout=0.0", "--lr=1e-05", "--plain"]
    assert options(before, Path("b"), tmp_path) == expected
    for origin, found in (("built-in", "builtin"), ("user folder", "auto"), ("generated", "auto")):
        assert f"--data={found}" in options({**before, "data": {"name": "x", "origin": origin}}, Path("b"), None)


def test_not_a_number_equals_itself():
    assert not list(different_figures({"loss": math.nan}, {"loss": math.nan}))
    assert list(different_figures({"loss": 1.0}, {"loss": math.nan})) == ["loss 1.0 → NaN, by +nan"]

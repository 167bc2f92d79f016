"""The benchmark of all examples: it survives failures, goes on where it stopped, and tells what learns worse or has become slower."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import zoo.mnist_cnn.train
from framework import optim
from tests.zoo.contract import call
from zoo.common import curves, environment
from zoo.common.errors import UserError
from zoo.common.results import examples
from zoo.reports import benchmark as module
from zoo.reports.benchmark import benchmark, seconds_per_round, window, write_report

COMMIT = {"sha": "c" * 40, "dirty": False}
TOY = '''
import json, os, pathlib, sys

given = dict(zip(sys.argv, sys.argv[1:]))
seed, out = int(given["--seed"]), pathlib.Path(given["--out"])
print("training", flush=True)
config = {"example": "toy", "seed": seed, "flags": {"seed": seed, "lr": float(given["--lr"])}, "commands": sys.argv, "kernels": {}}
config["data"] = {"name": "toy", "sha256": "0" * 64, "origin": "built-in"}
config["commit"] = {"sha": "c" * 40, "dirty": False}
(out / "config.json").write_text(json.dumps(config))
if os.environ.get("FAILS") == str(seed):
    sys.exit("toy: error: out of luck")
rows = [{"step": step, "train_loss": 1 / step} for step in (10, 20, 20, 30)]
(out / "metrics.jsonl").write_text("".join(json.dumps(row) + "\\n" for row in rows))
seconds = (5.0, 6.0, 9.0, 10.0)
(out / "timings.jsonl").write_text("".join(json.dumps({"step": r["step"], "seconds": s}) + "\\n" for r, s in zip(rows, seconds)))
metrics = {"test_accuracy": float(os.environ.get("ACCURACY", 0.9)) + 0.01 * seed, "constant": 2.0}
(out / "results.json").write_text(json.dumps({**config, "metrics": metrics, "seconds": 10.0}))
'''


@pytest.fixture
def apart(tmp_path, monkeypatch) -> None:
    """No baseline is there, code is committed and stays as it is, and what takes time without being asked about is left out."""
    monkeypatch.setattr(module, "BASELINE", tmp_path / "results")
    monkeypatch.setattr(environment, "commit", lambda: COMMIT)
    monkeypatch.setattr(module, "code_sha256", lambda: "code")
    monkeypatch.setattr(module, "REPEATS", 1)
    monkeypatch.setattr(module, "write_report", lambda out: None)


@pytest.fixture
def toy(tmp_path, monkeypatch, apart) -> Path:
    """An example that takes no time, ``zoo.toy`` to processes that start in this folder."""
    package = tmp_path / "zoo" / "toy"
    package.mkdir(parents=True)
    for file, text in ((package.parent / "__init__.py", ""), (package / "__init__.py", ""), (package / "__main__.py", TOY)):
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "examples", lambda: [("toy", None), ("other", None)])
    monkeypatch.setitem(module.SHORT, "toy", "--lr 1")
    return tmp_path


@pytest.fixture
def baseline(toy) -> Path:
    """The toy with a baseline, test_accuracy 0.9, 0.91 and 0.92, and its three runs in runs/benchmark."""
    benchmark(("toy",), keep=True)
    return toy


def runs(folder: Path = Path("runs/benchmark")) -> list[Path]:
    return sorted(file.parent for file in folder.glob("*/config.json"))


def scale(file: Path, factor: float) -> None:
    """Let all that took time have taken ``factor`` times as long."""
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.suffix == ".jsonl" else [json.loads(file.read_text())]
    file.write_text("\n".join(json.dumps({**row, "seconds": row["seconds"] * factor}) for row in rows))


def complaints(capsys, **arguments) -> list[str]:
    """What a check of the toy prints after an empty line."""
    capsys.readouterr()
    with pytest.raises(UserError, match="not as it should be, see above: toy"):
        benchmark(("toy",), check=True, **arguments)
    return capsys.readouterr().out.split("\n\n")[-1].splitlines()


def test_a_failing_run_is_survived_and_named(toy, monkeypatch, capsys):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(UserError, match="not as it should be, see above: toy"):
        benchmark(("toy",))
    assert [(run / "results.json").exists() for run in runs()] == [True, False, True]
    assert capsys.readouterr().out.splitlines()[-1] == "toy: runs/benchmark/toy-short-seed1 failed: toy: error: out of luck"


def test_it_goes_on_where_it_stopped(toy, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(UserError):
        benchmark(("toy",), seeds=2)
    monkeypatch.delenv("FAILS")
    benchmark(("toy",), seeds=3)
    assert [(run / "output.txt").read_text().count("training") for run in runs()] == [1, 2, 1]
    assert ["--resume" in json.loads((run / "config.json").read_text())["commands"] for run in runs()] == [False, True, False]
    assert len(json.loads((runs()[1] / "calibration.json").read_text())["samples"]) == 4  # around both of its parts


def test_a_run_that_fails_after_its_results_is_not_kept(toy, capsys):
    with (toy / "zoo" / "toy" / "__main__.py").open("a") as program:
        program.write("\nsys.exit('toy: error: the loss did not fall')\n")
    for _ in range(2):
        with pytest.raises(UserError):
            benchmark(("toy",), seeds=1)
        assert capsys.readouterr().out.endswith("failed: toy: error: the loss did not fall\n")


def test_the_report_is_on_all_runs_of_the_folder(toy, monkeypatch):
    monkeypatch.setattr(module, "write_report", write_report)
    for seeds in (1, 2):
        benchmark(("toy",), seeds=seeds)
    report = (toy / "runs" / "benchmark" / "report.json").read_text()
    assert "toy-short-seed0" in report and "toy-short-seed1" in report


def test_a_baseline_agrees_with_itself_and_with_other_seeds(baseline, capsys):
    benchmark(("toy",), check=True)
    lines = capsys.readouterr().out.splitlines()
    assert "toy: test_accuracy 0.9, 0.91, 0.92; expected 0.88 … 0.94" in lines
    assert "toy: a step takes 1.00 times as long as in the baseline; at most 1.5" in lines
    benchmark(("toy",), check=True, seeds=4, out=Path("others"), slower=math.inf)
    assert len(runs(Path("others"))) == 4


@pytest.mark.parametrize("accuracy", ["0.8", "nan"])
def test_a_metric_outside_its_window_is_named(baseline, monkeypatch, capsys, accuracy):
    monkeypatch.setenv("ACCURACY", accuracy)
    lines = complaints(capsys, seeds=1, out=Path("worse"), slower=math.inf)
    assert lines == [f"toy: test_accuracy {accuracy} of seed 0 is not in 0.88 … 0.94"]


def test_a_slower_program_is_named_a_slower_machine_is_not(baseline, capsys):
    for run in runs():
        scale(run / "calibration.json", 2)
        scale(run / "timings.jsonl", 2)
    benchmark(("toy",), check=True)
    for run in runs():
        scale(run / "calibration.json", 0.5)
    assert complaints(capsys) == ["toy: a step takes 2.00 times as long as in the baseline, more than 1.5"]
    benchmark(("toy",), check=True, slower=2.5)


def test_other_flags_and_other_code_are_not_compared(baseline, monkeypatch, capsys):
    monkeypatch.setitem(module.SHORT, "toy", "--lr 2")
    assert complaints(capsys, out=Path("else")) == ["toy: the baseline is of other flags or other data"]
    monkeypatch.setattr(module, "code_sha256", lambda: "other code")
    with pytest.raises(UserError, match="toy-short-seed0 is of other code than this: choose another --out"):
        benchmark(("toy",), check=True)


def test_without_a_baseline_nothing_is_trained(toy):
    with pytest.raises(UserError, match=r"no baseline.*: make it with python -m zoo benchmark toy --budget short --baseline"):
        benchmark(("toy",), check=True)
    assert not runs()


def test_a_new_baseline_replaces_all_of_the_old(baseline):
    stale = baseline / "results" / "short" / "toy-seed7.json"
    stale.write_text("{}")
    benchmark(("toy",), keep=True)
    told, *files = sorted((baseline / "results" / "short").iterdir())
    assert [file.name for file in (told, *files)] == ["report.md", "toy-seed0.json", "toy-seed1.json", "toy-seed2.json"]
    text = told.read_text()
    assert "| test accuracy | 0.91 | ± 0.01 | 3 |" in text
    assert "| results/short/toy-seed1.json | 1 | finished | 30 | 10.0 s | 100.00 ms |" in text
    kept = json.loads(files[1].read_text())
    assert (kept["seed"], kept["steps"], kept["seconds_per_step"], kept["seconds_per_round"]) == (1, 30, 0.1, 0.1)
    assert kept["seconds_of_calibration"] > 0


@pytest.mark.parametrize("now", [None, {**COMMIT, "dirty": True}])
def test_no_baseline_of_uncommitted_code(toy, monkeypatch, now):
    monkeypatch.setattr(environment, "commit", lambda: now)
    with pytest.raises(UserError, match="--baseline: commit the code first"):
        benchmark(("toy",), keep=True)
    assert not runs()


def test_no_baseline_of_an_earlier_commit_or_a_diverged_run(toy, monkeypatch):
    benchmark(("toy",))
    monkeypatch.setattr(environment, "commit", lambda: {**COMMIT, "sha": "d" * 40})
    with pytest.raises(UserError, match="toy, seed 0, is not of the code that is committed now"):
        benchmark(("toy",), keep=True)
    monkeypatch.setattr(environment, "commit", lambda: COMMIT)
    monkeypatch.setenv("ACCURACY", "inf")
    with pytest.raises(UserError, match="toy, seed 0, has metrics that are not finite"):
        benchmark(("toy",), keep=True, out=Path("diverged"))
    assert not (toy / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"names": ("tay",)}, "there is no example tay: expected some of toy, other"),
        ({"seeds": 0}, "--seeds 0: expected one or more"),
        ({"check": True, "keep": True}, "--check and --baseline: expected one of them"),
        ({"keep": True, "seeds": 2}, "--seeds 2: a baseline has 3 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(toy, arguments, complaint):
    with pytest.raises(UserError, match=complaint):
        benchmark(**arguments)


def test_windows():
    assert window([1.0, 2.0, 3.0]) == (-1.0, 5.0)  # 2 ± 3 · 1
    assert window([-50.0, -50.0, -50.0]) == pytest.approx((-50.1, -49.9))  # 2 ‰
    assert window([7, 7, 7]) == (6, 8)


def test_a_step_that_is_an_episode_counts_by_its_rounds(tmp_path):
    rows = [{"step": step, "train_return": rounds} for step, rounds in ((1, 10), (2, 20), (3, 400), (4, 30))]
    rows.insert(3, {"step": 3, "valid_return": 9.0})
    seconds = (1.0, 3.0, 43.0, 50.0, 53.0)
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    timings = [{"step": row["step"], "seconds": second} for row, second in zip(rows, seconds, strict=True)]
    (tmp_path / "timings.jsonl").write_text("\n".join(map(json.dumps, timings)))
    assert seconds_per_round(tmp_path) == pytest.approx(0.1)


def test_the_committed_baseline_is_whole_and_its_report_is_of_it(monkeypatch):
    monkeypatch.chdir(module.BASELINE.parent)
    for name, _ in examples():
        runs = module.read_baseline(name, "short")
        assert {run["commit"]["dirty"] for run in runs} == {False} and len({run["commit"]["sha"] for run in runs}) == 1
        assert len({run["seed"] for run in runs}) == len(runs) and {run["data"]["origin"] for run in runs} <= {"built-in", "generated"}
    assert (module.BASELINE / "short" / "report.md").read_text() == module.baseline_report("short")


def test_every_example_has_a_short_training():
    assert list(module.SHORT) == [name for name, _ in examples()]


class Worsened(optim.Adadelta):
    """It climbs along the weights of the last layer, and goes down along all others."""

    def step(self) -> None:
        weights = self.param_groups[0]["params"][-2]
        weights.grad = -weights.grad
        super().step()


def test_one_gradient_of_the_wrong_sign_is_caught(tmp_path, monkeypatch, apart, capsys):
    def run(command: list[str], **streams) -> SimpleNamespace:
        assert command[:2] == [sys.executable, "-m"]
        return SimpleNamespace(returncode=call(*command[2:]))

    monkeypatch.setattr(module, "subprocess", SimpleNamespace(run=run, STDOUT=None))  # trained here, where it can be worsened
    monkeypatch.setattr(curves, "draw", lambda run: None)
    monkeypatch.setitem(module.SHORT, "mnist_cnn", "--data builtin --epochs 1 --max-steps 20")
    benchmark(("mnist_cnn",), keep=True, out=tmp_path / "good")
    benchmark(("mnist_cnn",), check=True, out=tmp_path / "good")
    monkeypatch.setattr(zoo.mnist_cnn.train.optim, "Adadelta", Worsened)
    with pytest.raises(UserError, match="see above: mnist_cnn"):
        benchmark(("mnist_cnn",), check=True, seeds=1, out=tmp_path / "worsened", slower=math.inf)
    assert "mnist_cnn: test_accuracy 0." in capsys.readouterr().out.split("\n\n")[-1]

"""Run directories and checkpoints, on a training of three steps: whatever happens to it, it ends as if nothing had."""

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import framework
from framework import nn, optim
from framework.serialization import CorruptFileError
from zoo.common import curves, results
from zoo.common.batches import shuffled
from zoo.common.checkpoint import Checkpoint
from zoo.common.errors import UserError
from zoo.common.files import make_next_free
from zoo.common.flags import TrainFlags
from zoo.common.run import Run, load_weights, read_config, reopen

DATA = SimpleNamespace(name="toy", sha256="0" * 64, origin="built-in")
OTHER_DATA = SimpleNamespace(name="toy", sha256="f" * 64, origin="built-in")


def train(out: Path, data=DATA, **flags) -> nn.Module:
    """The loop of an example in small, with everything that a checkpoint must carry: momentum, a schedule, dropout."""
    flags = TrainFlags(out=out, save_every=0.0, **{"epochs": 1, **flags})
    run = Run("toy", flags, data)
    framework.manual_seed(flags.seed)
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer, scheduler=scheduler)
    at = checkpoint.restore(step=0, tested={})
    samples = framework.arange(12.0).reshape(6, 2) / 12
    while at.step < 3 * flags.epochs:
        epoch, seen = divmod(at.step, 3)
        for batch in shuffled(6, 2, seed=flags.seed, epoch=epoch)[seen:]:
            checkpoint.save_if_due(at)
            optimizer.zero_grad()
            loss = (model(samples[batch]) - 1).square().mean()
            loss.backward()
            optimizer.step()
            at.step += 1
            run.log(epoch=epoch, step=at.step, train_loss=loss.item())
        scheduler.step()
        at.tested = {"test_loss": loss.item()}
        run.log(epoch=epoch, step=at.step, **at.tested)
        checkpoint.save(at)
    run.finish(model, at.tested, falling="train_loss")
    return model


def outcome(run: Path) -> tuple[bytes, bytes]:
    return (run / "model.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()


def in_a_child(action) -> int:
    """Call it in a forked process and return how that ended: its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        os._exit(1 if action() is None else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train_until_killed(out: Path, before: int) -> nn.Module:
    """Train, and die by SIGKILL before the file operation of this number in the run directory."""
    numbers = itertools.count(1)

    def audit(event: str, arguments: tuple) -> None:
        touches = event in ("open", "os.mkdir", "os.rename", "os.remove", "os.truncate", "os.chmod")
        if touches and str(arguments[0]).startswith(str(out)) and next(numbers) == before:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    return train(out)


def sweep(folder: Path) -> None:
    """Kill a run before every one of its file operations in turn; each, resumed, must end like the one never killed."""
    framework.kernels.use("reference")  # no threads in the process that forks
    curves.draw = lambda run: None  # the slowest part of so short a run
    train(folder / "whole")
    for number in itertools.count(1):
        killed = folder / str(number)
        ended = in_a_child(lambda: train_until_killed(killed, number))  # noqa: B023
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        assert in_a_child(lambda: train(killed, resume=True)) == 0  # noqa: B023
        assert outcome(killed) == outcome(folder / "whole"), f"killed before file operation {number}"
        assert not list(killed.glob(".*")), f"killed before file operation {number}"
    print(f"{number - 1} kills survived")


def test_killed_before_any_file_operation_a_run_resumes_bit_identical(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    swept = subprocess.run([sys.executable, __file__, tmp_path], capture_output=True, text=True, env=environment)
    assert swept.returncode == 0, swept.stderr
    assert int(swept.stdout.split()[-3]) > 30  # the sweep has met the files of every checkpoint


def test_same_seed_same_run_other_seed_other_run(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(tmp_path / name, seed=seed)
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b") != outcome(tmp_path / "c")


def test_a_run_may_be_made_longer(tmp_path):
    train(tmp_path / "long", epochs=3)
    train(tmp_path / "short")
    train(tmp_path / "short", epochs=3, resume=True)
    assert outcome(tmp_path / "short") == outcome(tmp_path / "long")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({}, "already holds a run"),
        ({"resume": True, "seed": 7}, "started with --seed 0, not 7"),
        ({"resume": True, "epochs": 1}, "--epochs may only grow from 2, not become 1"),
        ({"resume": True, "epochs": 2, "max_steps": 3}, "--max-steps may only grow from None, not become 3"),
        ({"resume": True, "epochs": 2, "data": OTHER_DATA}, "learned from toy"),
    ],
)
def test_another_run_is_refused(tmp_path, flags, complaint):
    train(tmp_path, epochs=2)
    before = outcome(tmp_path)
    with pytest.raises(UserError, match=complaint):
        train(tmp_path, **flags)
    assert outcome(tmp_path) == before


def test_the_next_free_directory_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(None)
    train(None)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["toy-1", "toy-2"]


def test_two_that_ask_at_once_get_two_directories(tmp_path):
    assert [make_next_free(tmp_path / "runs" / "toy").name for _ in range(3)] == ["toy-1", "toy-2", "toy-3"]


def test_results_say_everything(tmp_path):
    model = train(tmp_path)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["parameters"] == sum(parameter.numel() for parameter in model.parameters()) == 13
    assert found["data"] == vars(DATA)
    assert found["metrics"].keys() == {"test_loss"}
    assert found["seconds"] > 0 and found["peak_memory"]["host"] > 1 << 20
    assert found["machine"]["threads"] >= 1 and found["versions"]["framework"] == framework.__version__
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows, times = (len((tmp_path / name).read_text().splitlines()) for name in ("metrics.jsonl", "timings.jsonl"))
    assert rows == times == 4


def test_only_one_process_trains_into_a_directory(tmp_path):
    program = f"""
import time, pathlib
from zoo.common.files import lock
lock(pathlib.Path({str(tmp_path)!r}) / "metrics.jsonl")
print("locked", flush=True)
time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout.readline() == b"locked\n"
        for resume in (False, True):
            with pytest.raises(UserError, match="is being trained by another process"):
                train(tmp_path, resume=resume)
        other.kill()
    train(tmp_path)  # the system took the lock from the dead process


def test_what_is_not_ours_stays(tmp_path):
    theirs = [".notes.old.txt", ".a.b.c", ".config.json.backup", ".x.0123456789abcdef"]
    for name in theirs:
        (tmp_path / name).touch()
    train(tmp_path, resume=True)
    assert all((tmp_path / name).exists() for name in theirs)
    (tmp_path / ".model.safetensors.0123456789abcdef").touch()
    train(tmp_path, resume=True)
    assert all((tmp_path / name).exists() for name in theirs[:-1]) and not list(tmp_path.glob(".*.0123456789abcdef"))


def test_a_run_that_has_learned_nothing_begins_anew(tmp_path):
    Checkpoint(Run("toy", TrainFlags(out=tmp_path, seed=3), DATA), model=nn.Linear(1, 1)).restore()
    train(tmp_path, data=OTHER_DATA)
    assert read_config(tmp_path, "toy")["seed"] == 0


def test_a_resumption_that_fails_leaves_all_as_it_was(tmp_path):
    train(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    run = Run("toy", TrainFlags(out=tmp_path, epochs=9, resume=True), DATA)
    with pytest.raises(UserError, match=r"train_state\.safetensors is not a checkpoint of this training"):
        Checkpoint(run, model=nn.Linear(5, 5)).restore(step=0, tested={})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_trainings_state_is_refused(tmp_path):
    train(tmp_path)
    state = framework.load(tmp_path / "train_state.safetensors")
    for other in ({}, {"weight": framework.ones(2)}, {**state, "parts": {}}, {**state, "random": 3}, {**state, "position": []}):
        framework.save(other, tmp_path / "train_state.safetensors")
        with pytest.raises(UserError, match="is not a checkpoint of this training"):
            train(tmp_path, resume=True)
    framework.save({**state, "position": {"step": 3}}, tmp_path / "train_state.safetensors")
    with pytest.raises(UserError, match="another version of this training"):
        train(tmp_path, resume=True)


def test_a_file_is_no_run_directory(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: expected a directory, and this is none"):
        train(tmp_path / "file")


def test_a_diverged_run_fails(tmp_path):
    run = Run("toy", TrainFlags(out=tmp_path), DATA)
    run.log(epoch=0, step=1, train_loss=1.0)
    with pytest.raises(UserError, match="the training has diverged, test_loss is nan"):
        run.finish(nn.Linear(1, 1), {"test_loss": float("nan")}, falling="train_loss")
    assert (tmp_path / "results.json").exists()


@pytest.mark.parametrize("config", ["[]", "{}", '{"example": "toy", "flags": [], "data": {}, "commands": []}', "3"])
def test_a_damaged_config_is_one_line(tmp_path, config):
    train(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"config\.json"):
        reopen(tmp_path, "toy", lambda *_: DATA, None)
    with pytest.raises(UserError, match=r"config\.json"):
        train(tmp_path, resume=True)


def test_a_config_that_lacks_a_flag_says_which(tmp_path):
    train(tmp_path)
    with pytest.raises(UserError, match=r"config\.json lacks 'latent'"):
        read_config(tmp_path, "toy")["flags"]["latent"]


def test_curves_of_a_diverged_run(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 0, "step": 1, "train_loss": NaN}\n')
    curves.draw(tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_curves_are_smoothed_and_wide_ones_logarithmic(tmp_path, monkeypatch):
    columns = {"train_loss": lambda i: 2.0 + i % 2, "watched_psnr": lambda i: 30.0, "frechet_distance": lambda i: 1000 / (1 + i)}
    rows = [{"step": step, **{name: value(step) for name, value in columns.items()}} for step in range(400)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawn = []
    monkeypatch.setattr(curves, "write_figure", lambda path, figure: drawn.append(figure))
    curves.draw(tmp_path)
    loss, psnr, distance = drawn[0].axes
    noise, line = (each.get_ydata() for each in loss.lines)
    assert np.ptp(noise) == 1 and np.ptp(line) < 1e-9 and line.mean() == pytest.approx(2.5)
    assert [axis.get_yscale() for axis in drawn[0].axes] == ["linear", "linear", "log"] and psnr.get_ylabel() == "dB"


def test_a_smoke_run_whose_loss_does_not_fall_fails(tmp_path):
    run = Run("toy", TrainFlags(out=tmp_path, smoke=True), DATA)
    for step, loss in enumerate((1.0, 1.1, float("nan"))):
        run.log(epoch=0, step=step, train_loss=loss)
    with pytest.raises(UserError, match="did not fall"):
        run.finish(nn.Linear(1, 1), {}, falling="train_loss")


def test_what_can_follow_is_said(tmp_path, capsys):
    run = Run("toy", TrainFlags(out=tmp_path), DATA)
    run.log(epoch=0, step=1, train_loss=1.0)
    run.finish(nn.Linear(1, 1), {}, falling="train_loss", then=["show PICTURE"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [f"  python -m zoo.toy evaluate {tmp_path}", f"  python -m zoo.toy show {tmp_path} PICTURE"]


def test_a_run_is_reopened_with_the_data_it_learned(tmp_path):
    train(tmp_path)
    asked = []

    def load(*arguments):
        asked.append(arguments)
        return DATA

    config, data = reopen(tmp_path, "toy", load, None)
    assert config["seed"] == 0 and data is DATA and asked == [("builtin", None)]
    with pytest.raises(UserError, match="toy has changed since"):
        reopen(tmp_path, "toy", lambda name, data_dir: OTHER_DATA, None)


def test_disk_full_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    train(tmp_path / "whole", epochs=2)
    train(tmp_path / "full")
    before = outcome(tmp_path / "full"), (tmp_path / "full" / "train_state.safetensors").read_bytes()
    replace = os.replace

    def full(source, target):
        if "safetensors" in str(target) and counter.pop(0):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))
        replace(source, target)

    counter = [False, True]  # resuming writes the weights again, then the first checkpoint fails
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"checkpoint not written \(No space left on device\)"):
        train(tmp_path / "full", epochs=2, resume=True)
    monkeypatch.undo()
    assert (outcome(tmp_path / "full"), (tmp_path / "full" / "train_state.safetensors").read_bytes()) == before
    assert not list((tmp_path / "full").glob(".*"))
    train(tmp_path / "full", epochs=2, resume=True)
    assert outcome(tmp_path / "full") == outcome(tmp_path / "whole")


def test_damaged_files_are_refused(tmp_path):
    model = train(tmp_path)
    state = tmp_path / "train_state.safetensors"
    state.write_bytes(state.read_bytes()[:-4] + b"gone")
    with pytest.raises(CorruptFileError, match="train_state"):
        train(tmp_path, resume=True)
    weights = tmp_path / "model.safetensors"
    with pytest.raises(UserError, match="does not fit the model"):
        load_weights(tmp_path, nn.Linear(5, 5))
    weights.write_bytes(weights.read_bytes()[:40])
    with pytest.raises(CorruptFileError, match="model.safetensors"):
        load_weights(tmp_path, model)
    weights.unlink()
    with pytest.raises(UserError, match="before its first checkpoint"):
        load_weights(tmp_path, model)


def test_the_results_table_of_a_readme(tmp_path):
    (tmp_path / "results").mkdir()
    for seed in (0, 1):
        train(tmp_path / "run", seed=seed)
        (tmp_path / "run" / "results.json").rename(tmp_path / "results" / f"{seed}.json")
        shutil.rmtree(tmp_path / "run")
    (tmp_path / "README.md").write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    published = results.Published(metric="test_loss", value=0.125, data="toy", source="a paper")
    example = SimpleNamespace(
        __file__=str(tmp_path / "__init__.py"), PUBLISHED=(published,), METRICS={"test_loss": "{:.4f}"}, PAPER="a paper"
    )
    results.fill(tmp_path / "README.md", results.table(example))
    before, _, head, _, row, _, note, _, after = (tmp_path / "README.md").read_text().splitlines()
    assert (before, note, after) == ("before", "[1] a paper", "after")
    assert head.startswith("| data | setting | seeds | test loss | published |")
    assert row.startswith("| toy (built-in) | epochs 1 | 2 | ") and " ± " in row and "| 0.1250 [1] |" in row
    run = json.loads((tmp_path / "results" / "1.json").read_text())
    run["data"]["sha256"] = "1" * 64
    (tmp_path / "results" / "1.json").write_text(json.dumps(run))
    assert len(results.committed(example)) == 2  # runs on different data are not averaged


@pytest.mark.parametrize("name", [name for name, _ in results.examples()])
def test_committed_tables_are_what_the_run_files_say(name):
    package = dict(results.examples())[name]
    folder = Path(package.__file__).parent
    assert results.table(package) in (folder / "README.md").read_text()
    assert results.overview() in (folder.parent / "README.md").read_text()
    assert sum(len((folder / f"{part}.py").read_text().splitlines()) for part in ("model", "train", "evaluate")) <= 350


def test_a_figure_of_one_run_has_no_spread_and_that_of_none_is_left_out():
    example = SimpleNamespace(METRICS={"test_accuracy": "{:.1%}"})
    runs = [{"metrics": {"test_accuracy": value}} for value in (0.5, 0.7)]
    assert results.spread(example, runs, "test_accuracy") == "60.0 % ± 14.1 %"
    assert results.spread(example, runs[:1], "test_accuracy") == "50.0 %"
    assert results.spread(example, [{"metrics": {}}], "test_accuracy") == ""


def test_only_a_run_of_the_example_is_read(tmp_path):
    train(tmp_path)
    assert read_config(tmp_path, "toy")["seed"] == 0
    with pytest.raises(UserError, match="a run of toy, not of mnist_cnn"):
        read_config(tmp_path, "mnist_cnn")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        read_config(tmp_path, "toy")
    with pytest.raises(UserError, match="not a run directory"):
        read_config(tmp_path / "config.json", "toy")


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))

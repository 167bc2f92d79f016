"""What every example must do, whatever it learns; its own tests call these with its name."""

import json
import os
import random
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # other processes find what this one does


def call(module: str, *arguments) -> int:
    """The exit code of ``python -m module arguments``, run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, *map(str, arguments)])
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as end:
            return end.code
    return 0


def outcome(run: Path) -> tuple[bytes, bytes]:
    """What two equal runs must have in common to the last bit."""
    return (run / "model.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()


def smoke(example: str, run: Path) -> dict:
    """Train with --smoke into ``run``, which fails unless the loss falls, and return results.json."""
    assert call(f"zoo.{example}", "train", "--smoke", "--out", run) == 0
    assert {"config.json", "metrics.jsonl", "curves.png", "results.json"} <= {path.name for path in run.iterdir()}
    results = json.loads((run / "results.json").read_text())
    assert results["data"]["origin"] in ("built-in", "generated") and results["metrics"]
    return results


def evaluate_agrees(example: str, run: Path) -> dict:
    """Evaluate ``run`` and return evaluation.json; what train reported must be in it, to the last digit, but for what train alone knows."""
    assert call(f"zoo.{example}", "evaluate", run) == 0
    evaluation, results = (json.loads((run / name).read_text()) for name in ("evaluation.json", "results.json"))
    reported = {name: value for name, value in results["metrics"].items() if not name.startswith("train_")}
    assert {name: evaluation[name] for name in reported} == reported
    return evaluation


def killed_it_resumes(example: str, folder: Path, *arguments) -> None:
    """``train arguments`` killed twice at random instants and resumed ends bit-identical to one that was left alone."""
    arguments = ("train", *arguments, "--save-every", "0.1", "--out")
    whole, killed = folder / "whole", folder / "killed"
    assert call(f"zoo.{example}", *arguments, whole) == 0
    command = [sys.executable, "-m", f"zoo.{example}", *map(str, arguments), str(killed), "--resume"]
    for part in (0, 1):  # in the first third of what it records, then in the second
        instant = (part + random.random()) / 3 * len(rows(whole))
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        while process.poll() is None and not ((killed / "train_state.safetensors").exists() and len(rows(killed)) > instant):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it could be killed: let it take more steps"
        assert not (killed / "results.json").exists()
    assert call(f"zoo.{example}", *arguments, killed, "--resume") == 0
    assert outcome(killed) == outcome(whole)


def rows(run: Path) -> list[str]:
    """What a run has recorded so far."""
    return (run / "metrics.jsonl").read_text().splitlines()


def refused(example: str, arguments: tuple, complaint: str, capsys) -> None:
    """The command fails with one line on stderr that holds ``complaint``."""
    capsys.readouterr()
    assert call(f"zoo.{example}", *arguments) in (1, 2)
    lines = capsys.readouterr().err.splitlines(keepends=True)
    err = "".join(line for line in lines if not line.startswith("framework: compiling"))  # what the first run on a machine says
    assert err.startswith(f"zoo.{example}: error: ") and err.count("\n") == 1 and complaint in err

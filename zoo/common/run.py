"""A run directory: what was asked for (config.json), measured (metrics.jsonl), and reached (results.json)."""

import dataclasses
import hashlib
import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import framework
from framework.serialization import CorruptFileError
from zoo.common import environment
from zoo.common.errors import UserError
from zoo.common.files import TEMPORARY, lock, make_next_free, read_json, read_rows, unlock, write_json
from zoo.common.flags import TrainFlags, find_device

FREE = ("out", "data", "data_dir", "save_every", "resume", "compile")  # change nothing that is computed; data is told by its hash
LENGTHS = ("epochs", "max_steps")  # may grow when a run is resumed
ROWS = ("metrics.jsonl", "timings.jsonl")  # row for row: the figures, and when they were there
STATES = ("train_state.safetensors", "model.safetensors", "results.json")  # with none of these a run has learned nothing yet
BEGINNING = {"lengths": dict.fromkeys(ROWS, 0), "seconds": 0.0}


class Data(Protocol):
    """What a run records of its data set: its name, the sha256 of its content and where it comes from."""

    name: str
    sha256: str
    origin: str


class Run:
    """A run directory being written; UserError if it holds another run, or one that these flags do not continue.

    Until :meth:`rewind` all that was there stays as it is. Times are kept out of metrics.jsonl, so that equal runs have equal files.
    ``facts`` are whatever else should be on record.
    """

    def __init__(self, example: str, flags: TrainFlags, data: Data, **facts: Any) -> None:
        self.example, self.flags = example, flags
        self.config = {**_describe(example, flags, data), **facts}
        self.path = flags.out or make_next_free(Path("runs") / example)
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"--out {self.path}: expected a directory, and this is none")
        self.path.mkdir(parents=True, exist_ok=True)
        self._goes_on = flags.resume and (self.path / ROWS[0]).exists()
        lock(self.path / ROWS[0])
        earlier = read_config(self.path, example) if (self.path / "config.json").exists() else None
        if earlier and any((self.path / name).exists() for name in STATES):
            if not flags.resume:
                raise UserError(f"{self.path} already holds a run: continue it with --resume, or choose another --out")
            _check_continues(self.path, earlier, self.config)
            self.config["commands"] = earlier["commands"] + self.config["commands"]
        elif flags.resume:
            print(f"{self.path} holds no checkpoint yet: starting")
        self._started = time.perf_counter()

    def log(self, **row: float) -> None:
        """Append a row to metrics.jsonl: epoch, step, and figures named source_quantity, such as train_loss."""
        timing = {"step": row["step"], "seconds": round(self.seconds, 3)}
        for name, values in zip(ROWS, (row, timing), strict=True):
            with (self.path / name).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(values) + "\n")

    @property
    def seconds(self) -> float:
        """Time spent on this run up to now, without what a resumed run had to repeat."""
        return time.perf_counter() - self._started

    def position(self) -> dict[str, Any]:
        """Where the record stands, for a checkpoint to keep: the lengths of its files, safely on disk, and its time."""
        lengths = {}
        for name in ROWS:
            with (self.path / name).open("a", encoding="utf-8") as stream:
                os.fsync(stream.fileno())
                lengths[name] = stream.tell()
        return {"lengths": lengths, "seconds": self.seconds}

    def rewind(self, position: dict[str, Any]) -> None:
        """Go on from an earlier :meth:`position`, what was logged after it to be logged again: from here on the directory is this run's."""
        for name, length in position["lengths"].items():
            path = self.path / name
            path.touch()
            if path.stat().st_size < length:
                raise UserError(f"{path} is shorter than when the checkpoint was written: this run cannot be resumed")
        for leftover in self.path.glob(".*") if self._goes_on else ():  # what a killed run was just writing
            if TEMPORARY.fullmatch(leftover.name):
                leftover.unlink()
        (self.path / "results.json").unlink(missing_ok=True)  # those of a shorter run
        for name, length in position["lengths"].items():
            os.truncate(self.path / name, length)
        write_json(self.path / "config.json", self.config)
        self._started = time.perf_counter() - position["seconds"]

    def finish(self, model: framework.nn.Module, metrics: dict[str, float], *, falling: str, then: Sequence[str] = ()) -> None:
        """Write results.json, which says everything about the run in one place, draw curves.png, and say what can follow.

        UserError if a metric is not finite, and of a ``--smoke`` run unless the column ``falling`` of metrics.jsonl fell. ``then``:
        verbs to go on with, each with what stands after the run directory, such as "predict IMAGE…".
        """
        from zoo.common import curves  # only now: importing Matplotlib takes a while

        results = {
            **self.config,
            "metrics": metrics,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "seconds": round(self.seconds, 3),
            "peak_memory": environment.peak_memory(find_device(self.flags.device)),
            "kernels": framework.kernels.report(),
        }
        curves.draw(self.path)
        write_json(self.path / "results.json", results)
        unlock(self.path / ROWS[0])
        if diverged := [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]:
            raise UserError(f"{self.path}: the training has diverged, {', '.join(diverged)}")
        if self.flags.smoke:
            self._check_fell(falling)
        print(f"results and curves in {self.path}; go on with")
        for verb, *rest in map(str.split, ("evaluate", *then)):
            print(f"  python -m zoo.{self.example} {' '.join([verb, str(self.path), *rest])}")

    def _check_fell(self, column: str) -> None:
        """Raise UserError unless a column of metrics.jsonl is lower in its last third than in its first, on average."""
        values = [row[column] for row in read_rows(self.path / "metrics.jsonl") if column in row]
        third = max(1, len(values) // 3)
        first, last = sum(values[:third]) / third, sum(values[-third:]) / third
        if not last < first:
            raise UserError(f"the loss did not fall: {first:.4g} at the beginning, {last:.4g} at the end")
        print(f"the loss fell from {first:.4g} to {last:.4g}")


def read_config(path: Path, example: str) -> dict[str, Any]:
    """config.json of a run of this example; UserError if there is none, or it is not readable, or another example's."""
    try:
        config = read_json(path / "config.json", example=str, flags=dict, data=dict, commands=list)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path} is not a run directory: it has no config.json") from None
    if config["example"] != example:
        raise UserError(f"{path} is a run of {config['example']}, not of {example}")
    return config


def data_flag(run: dict[str, Any]) -> str:
    """The --data by which a run finds its data again: never "auto", which may find other data today."""
    return {"official": run["data"]["name"], "built-in": "builtin"}.get(run["data"]["origin"]) or run["flags"]["data"]


def reopen(path: Path, example: str, load: Callable[..., Any], data_dir: Path | None) -> tuple[dict[str, Any], Any]:
    """The config of a run and the data it was trained on, as ``load(name, data_dir)`` reads it; UserError if that has changed."""
    config = read_config(path, example)
    data = load(data_flag(config), data_dir or config["flags"]["data_dir"])
    if data.sha256 != config["data"]["sha256"]:
        raise UserError(f"{config['data']['name']} has changed since {path} was trained on it")
    return config, data


def load_weights(path: Path, model: framework.nn.Module) -> None:
    """Load a run's model.safetensors; UserError if it is not there or belongs to another model."""
    weights = path / "model.safetensors"
    try:
        model.load_state_dict(framework.load(weights))
    except FileNotFoundError:
        raise UserError(f"{weights} is not there: the run was stopped before its first checkpoint") from None
    except CorruptFileError:
        raise
    except RuntimeError as error:  # its lines list every tensor that differs
        raise UserError(f"{weights} does not fit the model: {str(error).splitlines()[-1].strip()}") from error


def weights_sha256(model: framework.nn.Module) -> str:
    """The sha256 of all weights: figures that are measured by a network mean nothing without saying by which."""
    digest = hashlib.sha256()
    for weights in model.state_dict().values():
        digest.update(weights.cpu().numpy().tobytes())
    return digest.hexdigest()


def _describe(example: str, flags: TrainFlags, data: Data) -> dict[str, Any]:
    values = dataclasses.asdict(flags)
    return {
        "example": example,
        "flags": {name: str(value) if isinstance(value, Path) else value for name, value in values.items()},
        "seed": flags.seed,
        "data": {"name": data.name, "sha256": data.sha256, "origin": data.origin},
        "commit": environment.commit(),
        "versions": environment.versions(),
        "machine": environment.machine(find_device(flags.device)),
        "commands": [shlex.join(["python", "-m", f"zoo.{example}", *sys.argv[1:]])],
    }


def _check_continues(path: Path, earlier: dict[str, Any], config: dict[str, Any]) -> None:
    """Raise UserError, naming the difference, if this config would not continue what the earlier one began."""
    before, now = earlier["data"], config["data"]
    if before["sha256"] != now["sha256"]:
        learned, given = (f"{data['name']} ({data['sha256'][:8]})" for data in (before, now))
        raise UserError(f"{path} cannot be resumed: it learned from {learned}, not from {given}")
    for name, value in config["flags"].items():
        started = earlier["flags"].get(name)
        if name in FREE or value == started:
            continue
        flag = f"--{name.replace('_', '-')}"
        if name not in LENGTHS:
            raise UserError(f"{path} cannot be resumed: it was started with {flag} {started}, not {value}")
        if started is None or value is not None and value < started:
            raise UserError(f"{path} cannot be resumed: {flag} may only grow from {started}, not become {value}")

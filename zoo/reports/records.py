"""A run as its files tell it, each of them read once."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.common.errors import UserError
from zoo.common.files import read_rows
from zoo.reports.timings import Timings, from_json


@dataclass(frozen=True)
class Record:
    """What a run left behind; None or nothing where its files do not say."""

    path: Path
    example: str
    finished: bool  # else there is no results.json: it failed, was stopped, or is still running
    seed: int | None
    steps: int | None
    seconds: float | None
    seconds_per_step: float | None  # the median over its timings
    diverged: dict[str, int]  # column of metrics.jsonl → the first step at which it was NaN or infinite
    metrics: dict[str, float]
    parameters: int | None
    peak_memory: dict[str, int]
    flags: dict[str, Any]
    data: dict[str, Any]
    commit: dict[str, Any]
    versions: dict[str, Any]
    machine: dict[str, Any]
    commands: list[str]
    columns: dict[str, np.ndarray]  # column of metrics.jsonl → its steps, seconds (NaN if unknown) and values, (3, N)


@dataclass(frozen=True)
class Unread:
    """A path at which no run can be read, and why."""

    path: Path
    reason: str


def read_all(paths: Iterable[Path]) -> tuple[list[Record], list[Timings], list[Unread]]:
    """The runs and the timings at these paths; UserError if there is nothing at all at one of them."""
    runs, timed, unread = [], [], []
    for path in dict.fromkeys(paths):
        if not path.exists():
            raise UserError(f"{path} does not exist")
        try:
            found = read(path)
            (timed if isinstance(found, Timings) else runs).append(found)
        except (OSError, TypeError, UserError, ValueError) as error:
            unread.append(Unread(path, getattr(error, "strerror", None) or str(error)))
    return runs, timed, unread


def read(path: Path) -> Record | Timings:
    """A run directory, a result file or one of timings; OSError, TypeError or ValueError if it is none of them, or damaged."""
    file = path
    if path.is_dir():
        file = path / ("results.json" if (path / "results.json").exists() else "config.json")
    told = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(told, dict) and "benchmarks" in told:
        return from_json(path, told)
    if not isinstance(told, dict) or not _field(told, "example", str):
        raise ValueError(f"{file.name} names no example of the zoo")
    timings = [(row.get("step"), row.get("seconds")) for row in _rows(path / "timings.jsonl")]
    times = np.array(timings, float).reshape(-1, 2)  # row for row those of metrics.jsonl
    columns = _columns(_rows(path / "metrics.jsonl"), times[:, 1])
    return Record(
        path=path,
        finished=file.name != "config.json",
        steps=max((int(steps.max()) for steps, _, _ in columns.values()), default=_field(told, "steps", int)),
        seconds=_field(told, "seconds", int | float) or (timings[-1][1] if timings else None),
        seconds_per_step=_seconds_per_step(times) or _field(told, "seconds_per_step", float),
        diverged={name: int(each[0, ~np.isfinite(each[2])][0]) for name, each in columns.items() if not np.isfinite(each[2]).all()},
        columns=columns,
        commands=_field(told, "commands", list) or [],
        example=told["example"],
        **{name: _field(told, name, int) for name in ("seed", "parameters")},
        **{name: _field(told, name, dict) or {} for name in ("flags", "data", "commit", "versions", "machine")},
        **{name: _numbers(_field(told, name, dict) or {}) for name in ("metrics", "peak_memory")},
    )


def _field(told: dict[str, Any], name: str, kind: Any) -> Any:
    """A field that may be missing, but not be of another kind."""
    value = told.get(name)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"its {name} cannot be {json.dumps(value)[:40]}")
    return value


def _numbers(told: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in told.items() if isinstance(value, int | float)}


def _rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a .jsonl, none if it is not there."""
    return read_rows(file) if file.parent.is_dir() and file.exists() else []


def _columns(rows: list[dict[str, Any]], seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Each figure (3, n) that is called source_quantity: at which steps it was measured, after how many seconds, and its values."""
    seconds = np.append(seconds, np.full(len(rows), np.nan))  # of the last rows they may be missing
    columns = {}
    for name in filter(lambda name: name.find("_") > 0, dict.fromkeys(itertools.chain(*rows))):  # not "epoch" or "step"
        at = [index for index, row in enumerate(rows) if name in row and row.get("step") is not None]
        if at:
            measured = np.array([(rows[index]["step"], rows[index][name]) for index in at], float)
            columns[name] = np.stack([measured[:, 0], seconds[at], measured[:, 1]])
    return columns


def _seconds_per_step(times: np.ndarray) -> float | None:
    """The median over the stretches (n, 2) between what was logged: evaluating in between now and then does not count."""
    steps, seconds = np.diff(times, axis=0).T
    rates = seconds[steps > 0] / steps[steps > 0]
    rates = rates[np.isfinite(rates)]
    return float(np.median(rates)) if len(rates) else None

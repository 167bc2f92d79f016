"""Runs that differ only in their seed together, their figures beside the published ones, and all of it as JSON."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from types import SimpleNamespace
from typing import Any

from zoo.common import results
from zoo.reports.records import Record, Unread
from zoo.reports.timings import Timings

COMPARABLE = ("official", "generated")  # origins; a user's folder may bear the name of an official set
NOT_WRITTEN = ("package", "columns")  # into report.json


@dataclass(frozen=True)
class Published:
    """A published figure, and ours minus it."""

    value: float
    difference: float
    source: str


@dataclass(frozen=True)
class Metric:
    """A figure of a group's finished runs: the mean over the seeds, their standard deviation if there are several."""

    name: str
    mean: float
    std: float | None
    seeds: int
    published: list[Published]


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seed; ``setting`` tells them from the other groups of the example."""

    setting: str
    metrics: list[Metric]
    runs: list[Record]


@dataclass(frozen=True)
class Example:
    """An example and its groups; ``package`` is None where this checkout has no such example."""

    name: str
    package: Any
    groups: list[Group]


def examples_of(runs: list[Record]) -> list[Example]:
    """The runs by example, and then by everything but the seed."""
    packages = dict(results.examples())
    unknown = SimpleNamespace(__doc__="Not an example of this checkout.", METRICS={}, PUBLISHED=(), PAPER="")
    by_example: dict[str, dict[tuple[Any, ...], list[Record]]] = {}
    for run in runs:
        same = run.data.get("name"), run.data.get("sha256"), results.setting(run.flags)
        by_example.setdefault(run.example, {}).setdefault(same, []).append(run)
    examples = []
    for name in sorted(by_example):
        package, together = packages.get(name, unknown), list(by_example[name].values())
        settings = results.settings([[{"flags": run.flags} for run in each] for each in together])
        groups = [Group(setting, _metrics(package, each), each) for setting, each in zip(settings, together, strict=True)]
        examples.append(Example(name, package, groups))
    return examples


def _metrics(package: Any, runs: list[Record]) -> list[Metric]:
    """The example's metrics in its own order, then any others."""
    finished, found = [run for run in runs if run.finished], []
    for name in dict.fromkeys([*package.METRICS, *(name for run in finished for name in run.metrics)]):
        by_seed: dict[int | None, list[float]] = {}
        for run in finished:
            if name in run.metrics:
                by_seed.setdefault(run.seed, []).append(run.metrics[name])
        if by_seed:
            values = [mean(repeated) for repeated in by_seed.values()]  # a seed that was run twice counts once
            middle = mean(values)
            std = (stdev(values) if math.isfinite(middle) else math.nan) if len(values) > 1 else None
            found.append(Metric(name, middle, std, len(values), _published(package, runs[0], name, middle)))
    return found


def _published(package: Any, run: Record, metric: str, ours: float) -> list[Published]:
    if run.data.get("origin") not in COMPARABLE or "name" not in run.data:
        return []
    about = [each for each in package.PUBLISHED if each.metric == metric and each.about({"data": run.data, "flags": run.flags})]
    return [Published(each.value, ours - each.value, each.source) for each in about]


def as_json(examples: list[Example], timed: list[Timings], unread: list[Unread]) -> dict[str, Any]:
    """What report.json holds: see docs/reports.md."""
    return _plain({"version": 1, "examples": examples, "timings": timed, "unread": unread})


def _plain(value: Any) -> Any:
    """Of JSON's types, which have no numbers NaN and Infinity: those are strings."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.name not in NOT_WRITTEN}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return str(value) if isinstance(value, Path) else value

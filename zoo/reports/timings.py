"""How long single things take, as the files of pytest-benchmark tell it, and the page on that."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median
from types import ModuleType
from typing import Any

from zoo.reports.cells import MISSING, Cell, Number, number

OURS = "framework"
UNITS = ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)


@dataclass(frozen=True)
class Timing:
    """How long one thing takes, in seconds: the median over the rounds, and the two times between which half of them lie."""

    group: str
    name: str
    median: float
    q1: float
    q3: float
    rounds: int


@dataclass(frozen=True)
class Timings:
    """What one process has timed, in one library."""

    path: Path
    library: str
    version: str
    threads: int
    cpu: str
    commit: dict[str, Any]
    timings: list[Timing]


def from_json(path: Path, told: dict[str, Any]) -> Timings:
    """Those of a file of benchmarks/suite; ValueError if it lacks something."""
    try:
        machine, commit = told["machine_info"], told["commit_info"]
        return Timings(
            path=path,
            **{name: machine[name] for name in ("library", "version", "threads")},
            cpu=str(machine["cpu"].get("brand_raw", MISSING)),
            commit={"sha": commit["id"], "dirty": commit["dirty"]},
            timings=[_timing(each) for each in told["benchmarks"]],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"its benchmarks are not as those of benchmarks/suite: {error}") from None


def _timing(told: dict[str, Any]) -> Timing:
    stats, parameters = told["stats"], told["params"] or {}
    name = ", ".join(map(str, parameters.values())) or told["name"].removeprefix("test_")
    return Timing(told["group"] or MISSING, name, *(float(stats[each]) for each in ("median", "q1", "q3")), int(stats["rounds"]))


def tell(to: ModuleType, files: list[Timings]) -> Iterator[str]:
    """The parts of the page, as as_html or as_markdown writes them."""
    libraries = sorted({each.library for each in files}, key=lambda name: (name != OURS, name))
    things: dict[str, dict[str, dict[str, list[Timing]]]] = {}  # group → name → library → one of each file
    for file in files:
        for each in file.timings:
            things.setdefault(each.group, {}).setdefault(each.name, {}).setdefault(file.library, []).append(each)
    yield to.heading(1, f"The time of {sum(map(len, things.values()))} single things")
    yield to.text(
        "Medians, in brackets the quartiles: half of all rounds took a time between them. Of several processes it is the median of their"
        f" medians, the lowest of the first and the highest of the third quartiles. A ratio below 1 says that {OURS} is faster."
    )
    yield to.facts({f"{file.path}": _origin(file) for file in files})
    if len(things) > 1:
        yield to.contents(list(things))
    for group, by_name in things.items():
        yield to.heading(2, group)
        others = [library for library in libraries if library != OURS and OURS in libraries]
        columns = [column for library in libraries for column in (library, "quartiles")] + [f"{OURS} / {each}" for each in others]
        rows, ratios = [], {each: [] for each in others}
        for name, timed in by_name.items():
            row: list[Cell] = [name]
            for library in libraries:
                row += _cells(timed.get(library, []))
            for other, found in ratios.items():
                ratio = _middle(timed[OURS]) / _middle(timed[other]) if timed.keys() >= {OURS, other} else None
                found += [ratio] if ratio else []
                row.append(number(ratio, "{:.2f}"))
            rows.append(row)
        yield to.table(["name", *columns], rows)
        for other, found in ratios.items():
            if found:
                faster = sum(ratio < 1 for ratio in found)
                yield to.text(f"{OURS} / {other}: {geometric_mean(found):.2f} in the geometric mean, {faster} of {len(found)} below 1.")


def _origin(file: Timings) -> str:
    commit = f"commit {str(file.commit['sha'])[:8]}{', files changed' * bool(file.commit['dirty'])}"
    return f"{file.library} {file.version}, {file.cpu}, threads {file.threads}, {commit}"


def _middle(timings: list[Timing]) -> float:
    return median(each.median for each in timings)


def _cells(timings: list[Timing]) -> list[Cell]:
    """The median and the quartiles of one thing in one library."""
    if not timings:
        return [number(None, ""), MISSING]
    quartiles = _written(min(each.q1 for each in timings)), _written(max(each.q3 for each in timings))
    return [Number(_written(_middle(timings)), _middle(timings)), "({} … {})".format(*quartiles)]


def _written(seconds: float) -> str:
    """Three digits, in the largest unit of which it is at least one."""
    unit, size = next((each for each in UNITS if seconds >= each[1]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}" if seconds / size < 100 else f"{seconds / size:.0f} {unit}"

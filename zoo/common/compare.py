"""Two sets of runs side by side, and whether their difference is more than chance: python -m zoo compare A B."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean, stdev, variance
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from zoo.common.errors import UserError
from zoo.common.files import write_json
from zoo.common.reproduce import read_results
from zoo.common.results import examples, setting, settings

COST = {"seconds": "{:,.1f}", "host_MiB": "{:,.0f}", "gpu_MiB": "{:,.0f}"}  # how each is written
A = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="A", help="A run directory, a results.json, or a folder of such.")]
B = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="B", help="What is compared with it.")]
File = Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help="Write the figures there too.")]
Key = tuple[str, str, str]  # the example, the sha256 of its data, its flags


def compare(a: A, b: B, *, file: File = None) -> None:
    """Mean ± standard deviation of every metric on both sides, and the 95 % confidence interval of the difference.

    Runs of one example on the same data with the same flags are compared; where each side has one such group left over,
    these two as well, and the flags that differ are named.
    """
    sides = [grouped(runs_in(path)) for path in (a, b)]
    pairs, alone = paired(*sides)
    told = described(sides[0] | sides[1])
    report = {
        "compared": [{"A": told[old], "B": told[new], **beside(sides[0][old], sides[1][new])} for old, new in pairs],
        "only_A": [told[key] for key in alone[0]],
        "only_B": [told[key] for key in alone[1]],
    }
    if file:
        write_json(file, report)
    console = Console(highlight=False, markup=False)
    console.print(f"A: {a}\nB: {b}\n")
    for pair in report["compared"]:
        show(pair, console)
    for side in ("A", "B"):
        for group in report[f"only_{side}"]:
            console.print(f"only in {side}: {group}")
    if not pairs:
        raise UserError("A and B have nothing in common: no runs of one example on the same data")
    console.print("intervals: 95 %, by Welch's t; of twenty such, one misses the true difference")


def runs_in(path: Path) -> list[dict[str, Any]]:
    """results.json of a run, or of all that have finished in a folder of runs or of such files; UserError if there is none."""
    if path.is_file() or (path / "config.json").exists():
        return [read_results(path)]
    found = sorted([*path.glob("*.json"), *path.glob("*/results.json")])
    if not found:
        raise UserError(f"{path} is no finished run, no results.json and no folder of such")
    return [read_results(each) for each in found]


def grouped(runs: Iterable[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    """The runs that differ only in their seed together."""
    groups: dict[Key, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["example"], run["data"]["sha256"], setting(run["flags"])), []).append(run)
    return groups


def paired(a: Iterable[Key], b: Iterable[Key]) -> tuple[list[tuple[Key, Key]], tuple[list[Key], list[Key]]]:
    """Which group is to be compared with which, and those that only one side has."""
    pairs = [(key, key) for key in a if key in b]
    alone = [key for key in a if key not in b], [key for key in b if key not in a]
    for subject in dict.fromkeys(key[:2] for key in alone[0]):
        old, new = ([key for key in side if key[:2] == subject] for side in alone)
        if len(old) == len(new) == 1:
            pairs += zip(old, new, strict=True)
    return pairs, tuple([key for key in side if all(key not in pair for pair in pairs)] for side in alone)


def described(groups: dict[Key, list[dict[str, Any]]]) -> dict[Key, str]:
    """What each group is: its example, its data, its epochs, and what else tells it from the example's other groups."""
    told = {}
    for example in dict.fromkeys(key[0] for key in groups):
        keys = [key for key in groups if key[0] == example]
        for key, which in zip(keys, settings([groups[key] for key in keys]), strict=True):
            told[key] = f"{example} on {groups[key][0]['data']['name']} ({key[1][:8]}), {which}"
    return told


def beside(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> dict[str, Any]:
    """The machines of two groups, and all their figures: of A, of B, the difference, its interval, and a verdict."""
    old, new = measured(a), measured(b)
    names = dict.fromkeys(name for run in (*old, *new) for name in run)
    machines = list(dict.fromkeys(machine(run) for run in (*a, *b)))
    figures = {name: contrast(*([run[name] for run in runs if name in run] for runs in (old, new))) for name in names}
    if len(machines) > 1:
        figures["seconds"]["verdict"] = "on different machines, times say nothing"
    return {"example": a[0]["example"], "machines": machines, "figures": figures}


def measured(runs: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The metrics of each seed, and what it cost: of one that was run twice the means, as the same seed again is no further evidence."""
    seeds: dict[int, dict[str, list[float]]] = {}
    for run in runs:
        memory = {f"{kind}_MiB": peak / 2**20 for kind, peak in run["peak_memory"].items() if peak is not None}
        for name, value in {**run["metrics"], "seconds": run["seconds"], **memory}.items():
            seeds.setdefault(run["seed"], {}).setdefault(name, []).append(value)
    return [{name: mean(values) for name, values in figures.items()} for figures in seeds.values()]


def machine(run: dict[str, Any]) -> str:
    """What a run's time depends on."""
    found = run["machine"]
    return f"{found['gpu'] or found['cpu']}, threads {found['threads']}, cores {found['cores']}"


def contrast(a: list[float], b: list[float]) -> dict[str, Any]:
    """Both samples of a figure, mean(B) − mean(A) with its interval, and in words what can be concluded."""
    found: dict[str, Any] = {"A": sample(a), "B": sample(b)}
    few = [f"{side} has {found[side]['n'] or 'no'} seed{'s' * (not found[side]['n'])}" for side in found if found[side]["n"] < 2]
    diverged = [side for side in found if found[side]["n"] and "mean" not in found[side]]
    if a and b and not diverged:
        found["difference"] = mean(b) - mean(a)
    if few or diverged:
        return {**found, "verdict": f"too little data to tell: {', '.join(few)}" if few else f"{' and '.join(diverged)} not finite"}
    low, high = welch(a, b)
    verdict = "B is higher" if low > 0 else "B is lower" if high < 0 else "no difference can be told"
    return {**found, "interval": [low, high], "verdict": verdict}


def sample(values: list[float]) -> dict[str, float]:
    """How many, their mean and their standard deviation, as far as there are such."""
    found: dict[str, float] = {"n": len(values)}
    if values and all(map(math.isfinite, values)):
        found["mean"] = mean(values)
        if len(values) > 1:
            found["std"] = stdev(values)
    return found


def welch(a: list[float], b: list[float]) -> tuple[float, float]:
    """The 95 % confidence interval of mean(B) − mean(A), for two samples whose spreads need not be equal (Welch, 1947).

    The difference ± t s, where s² = s²(A) / n(A) + s²(B) / n(B), and t is the 97.5 % quantile of Student's distribution with
    s⁴ / Σ (s²(·) / n(·))² / (n(·) − 1) degrees of freedom.
    """
    from scipy.stats import t  # only now: importing it takes a while

    difference, parts = mean(b) - mean(a), [variance(values) / len(values) for values in (a, b)]
    squared = sum(parts)
    if squared == 0:  # no spread, no doubt
        return difference, difference
    freedom = squared**2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, (a, b), strict=True))
    doubt = float(t.ppf(0.975, freedom)) * math.sqrt(squared)
    return difference - doubt, difference + doubt


def show(pair: dict[str, Any], console: Console) -> None:
    """Print a pair of groups: what they are, and a row for each figure, written as its example writes it."""
    console.print(pair["A"] if pair["A"] == pair["B"] else f"A: {pair['A']}\nB: {pair['B']}")
    forms = {**getattr(dict(examples()).get(pair["example"]), "METRICS", {}), **COST}
    table = Table("", box=None, header_style="bold", pad_edge=False)
    for side in ("A", "B", "B − A, interval"):
        table.add_column(side, no_wrap=True)
    table.add_column("verdict")
    for name, found in pair["figures"].items():
        table.add_row(name.replace("_", " "), *cells(found, forms.get(name, "{:.4g}")), found["verdict"])
    console.print(table)
    if len(pair["machines"]) > 1:
        console.print(f"machines: {'; '.join(pair['machines'])}")
    console.print()


def cells(found: dict[str, Any], form: str) -> Iterator[str]:
    """The two samples of a figure and their difference, each in two lines."""

    def written(value: float) -> str:
        return form.format(value).replace("%", " %")

    for side in (found["A"], found["B"]):
        spread = f"± {written(side['std'])}, " if "std" in side else ""
        yield f"{written(side['mean']) if 'mean' in side else '–'}\n{spread}n {side['n']}"
    difference = found.get("difference")
    signed = "–" if difference is None else "+" * (difference > 0) + written(difference)
    yield f"{signed}\n{' … '.join(map(written, found.get('interval', ())))}"

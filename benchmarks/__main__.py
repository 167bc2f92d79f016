"""Run every workload here and in PyTorch, in alternating processes, and write the tables and the plot.

python -m benchmarks [NAMES] [--rounds 5] [--threads N] [--out DIR] [--readme README.md]
"""

import importlib.util
import json
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median

import tyro
from matplotlib.figure import Figure
from rich.progress import track

import framework
from zoo.common import environment
from zoo.common.pictures import write_figure
from zoo.common.results import fill

from .workloads import WORKLOADS

OURS, THEIRS = "framework", "torch"
BEST = {"torch-channels-last": "channels last", "torch-compile": "compiled"}  # PyTorch at its best
MEASURED = [name for name, each in WORKLOADS.items() if not (each.odd or each.gpu)]
STEPS = [name for name in MEASURED if WORKLOADS[name].gflop or name == "actor_critic"]  # the examples'
Runs = dict[str, list[dict]]  # what each process of a library found


@dataclass
class Flags:
    """What to run."""

    names: tyro.conf.Positional[tuple[str, ...]] = tuple(MEASURED)
    """Workloads; by default all."""
    rounds: int = 5
    """Processes of each library, in turn: framework, torch, framework, torch, …"""
    threads: int = framework.get_num_threads()
    """Threads of each."""
    best: bool = True
    """PyTorch with channels last, and compiled, too."""
    out: Path = Path("benchmarks/results")
    """Where the tables, the plot and the figures behind them are written."""
    readme: Path | None = None
    """A page to write the first table into as well, between its two marks."""


def measure(name: str, library: str, threads: int, batch: int | None = None, variables: dict | None = None) -> dict:
    """The figures of one process, with so many samples in a batch, or what it died of."""
    command = [sys.executable, "-m", "benchmarks.worker", library, name, str(threads), *([str(batch)] if batch else [])]
    process = subprocess.run(command, capture_output=True, text=True, env=variables)
    if process.returncode == 0:
        return json.loads(process.stdout)
    if library in BEST:
        return {"error": process.stderr.strip().splitlines()[-1]}
    raise SystemExit(f"{name} in {library}:\n{process.stderr}")


def ratios(runs: Runs) -> list[float]:
    """Our time a step over theirs, pair by pair."""
    return [ours["step_ms"] / theirs["step_ms"] for ours, theirs in zip(runs[OURS], runs[THEIRS], strict=True)]


def middle(runs: Runs, library: str, figure: str, digits: int = 1, spread: bool = False) -> str:
    """The median of a figure (least–most), or what there is instead."""
    found = runs.get(library)
    if not found:
        return "–"
    if any("error" in run for run in found):
        return "fails"
    values = [run[figure] for run in found]
    text = f"{median(values):,.{digits}f}"
    return f"{text} ({min(values):,.{digits}f}–{max(values):,.{digits}f})" if spread else text


def steps_table(results: dict[str, Runs]) -> list[str]:
    """Training steps; the floor is a step's arithmetic at the rate of the best product that any process reached."""
    rate = max(run.get("product_gflops", 0.0) for runs in results.values() for library in runs.values() for run in library)
    best = " | ".join(f"{each} ms" for each in BEST.values())
    lines = [f"| step | GFLOP | floor ms, at {rate:.0f} GFLOP/s | ours ms | PyTorch ms | ours / PyTorch | {best} |", "|---" * 8 + "|"]
    for name, runs in results.items():
        gflop = WORKLOADS[name].gflop
        floor = gflop / rate * (2e3 if WORKLOADS[name].doubles else 1e3)
        times = [middle(runs, library, "step_ms", spread=True) for library in (OURS, THEIRS)]
        found = ratios(runs) if THEIRS in runs else []
        ratio = f"**{median(found):.2f}** ({min(found):.2f}–{max(found):.2f})" if found else "–"
        cells = [name, f"{gflop:.2f}", f"{floor:.1f}", *times, ratio, *(middle(runs, library, "step_ms") for library in BEST)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def around_table(results: dict[str, Runs]) -> list[str]:
    """What else a step takes, ours / PyTorch's."""
    figures = {
        "inference ms": ("inference_ms", 2),
        "first step s": ("first_step_s", 2),
        "peak memory MB": ("peak_memory_mb", 0),
        "first loss": ("first_loss", 4),
        "last loss": ("loss", 4),
    }
    lines = [f"| step, ours / PyTorch | {' | '.join(figures)} |", "|---" * (1 + len(figures)) + "|"]
    for name, runs in results.items():
        cells = [" / ".join(middle(runs, library, *figure) for library in (OURS, THEIRS)) for figure in figures.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def facts(threads: int, runs: Runs) -> tuple[dict, str]:
    """What the figures depend on, and the same in a sentence."""
    machine = environment.machine(framework.device("cpu"))
    installed = ", ".join(f"{library} {runs[library][0]['version']}" for library in (OURS, THEIRS) if library in runs)
    computer = f"{machine['cpu']}, {machine['cores']} cores, {threads} threads"
    sentence = f"Machine: {computer}; {installed}; Python {platform.python_version()}."
    return {"machine": machine, "versions": environment.versions(), "commit": environment.commit()}, sentence


def stem_of(folder: Path, machine: dict, more: str = "") -> Path:
    """The machine's files in `folder`, without their suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / ("-".join(re.findall(r"\w+", f"{machine['cpu']} {machine['cores']} cores".lower())) + more)


def plot(results: dict[str, Runs], path: Path) -> None:
    """Our time over PyTorch's: a bar a workload, a mark for each pair of processes."""
    figure = Figure(figsize=(8, 0.9 + 0.35 * len(results)), layout="constrained")
    axes = figure.subplots()
    for row, runs in enumerate(results.values()):
        found = ratios(runs)
        axes.barh(row, median(found), color="tab:blue" if median(found) <= 1 else "tab:orange", height=0.6)
        axes.plot(found, [row] * len(found), "|", color="black", markersize=9)
        axes.annotate(f" {median(found):.2f}", (max(found), row), va="center")
    axes.axvline(1, color="grey", linestyle="--")
    axes.set_yticks(range(len(results)), list(results))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(max(ratios(runs)) for runs in results.values()))
    axes.set_xlabel("time a step, ours / PyTorch's (less is faster)")
    write_figure(path, figure)


def main(flags: Flags) -> None:
    """Measure, and write."""
    if unknown := set(flags.names) - set(WORKLOADS):
        raise SystemExit(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    libraries = [OURS]
    if importlib.util.find_spec(THEIRS):
        libraries += [THEIRS, *(BEST if flags.best else ())]
    else:
        print("PyTorch is not installed: only our side is timed (make parity installs it)")
    order = [
        (name, library)
        for _ in range(flags.rounds)
        for name in flags.names
        for library in libraries
        if library not in BEST or WORKLOADS[name].gflop and (library == "torch-compile" or WORKLOADS[name].images)
    ]
    results: dict[str, Runs] = {name: {} for name in flags.names}
    for name, library in track(order, "benchmarks"):
        results[name].setdefault(library, []).append(measure(name, library, flags.threads))

    first = next(iter(results.values()))
    found, sentence = facts(flags.threads, first)
    imports = " / ".join(middle(first, library, "import_s", 2) for library in (OURS, THEIRS))
    lines = [
        f"{sentence} Import, ours / PyTorch: {imports} s.",
        f"Medians of {flags.rounds} processes a library, in turn (least–most); the ratio is taken pair by pair.",
    ]
    if THEIRS in libraries and (steps := [name for name in results if name in STEPS]):
        mean = geometric_mean(median(ratios(results[name])) for name in steps)
        lines += [f"The geometric mean of the {len(steps)} training steps' ratios is **{mean:.2f}**."]
    lines += ["", *steps_table(results)]
    stem = stem_of(flags.out, found["machine"])
    stem.with_suffix(".json").write_text(json.dumps({**found, "results": results}, indent=1) + "\n")
    if THEIRS in libraries:
        plot(results, stem.with_suffix(".png"))
    page = [*lines, "", *around_table(results)]
    stem.with_suffix(".md").write_text("\n".join(page) + "\n")
    print("\n".join(page))
    print(f"written to {stem}.md, .json and .png")
    if flags.readme:
        fill(flags.readme, "\n".join(lines))


if __name__ == "__main__":
    main(tyro.cli(Flags))

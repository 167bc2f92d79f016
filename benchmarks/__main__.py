"""Run every workload here and in PyTorch, in alternating processes, and write the table.

python -m benchmarks [--rounds 5] [--threads N] [--out DIR] [--readme README.md]
"""

import importlib.util
import json
import platform
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.progress import track

import framework
from zoo.common import environment
from zoo.common.results import fill

from .workloads import WORKLOADS

LIBRARIES = ("framework", "torch")


@dataclass
class Flags:
    """What to run."""

    rounds: int = 5
    """Processes of each library, in turn: framework, torch, framework, torch, …"""
    threads: int = framework.get_num_threads()
    """Threads of each."""
    out: Path = Path("benchmarks/results")
    """Where the table and the figures behind it are written."""
    readme: Path | None = None
    """A page to write the table into as well, between its two marks."""


def measure(name: str, library: str, threads: int) -> dict:
    """The figures of one process."""
    command = [sys.executable, "-m", "benchmarks.worker", library, name, str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def median(runs: list[dict], figure: str) -> float:
    return statistics.median(run[figure] for run in runs)


def row(name: str, runs: dict[str, list[dict]]) -> str:
    """A line of the table; the floor is the step's arithmetic at the rate of the best product either library reached."""
    ours = runs["framework"]
    best = max(run["product_gflops"] for library in runs.values() for run in library)
    floor = WORKLOADS[name].gflop / best * 1e3
    spread = f"{min(run['step_ms'] for run in ours):.1f}–{max(run['step_ms'] for run in ours):.1f}"
    cells = [name, f"{WORKLOADS[name].gflop:.2f}", f"{floor:.1f}", f"{median(ours, 'step_ms'):.1f} ({spread})"]
    theirs = runs.get("torch")
    if theirs:
        ratios = [a["step_ms"] / b["step_ms"] for a, b in zip(ours, theirs, strict=True)]
        spread = f"{min(run['step_ms'] for run in theirs):.1f}–{max(run['step_ms'] for run in theirs):.1f}"
        cells += [
            f"{median(theirs, 'step_ms'):.1f} ({spread})",
            f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})",
        ]
        memory = median(ours, "peak_memory_mb"), median(theirs, "peak_memory_mb")
        cells += [f"{memory[0]:.0f} / {memory[1]:.0f}", f"{median(ours, 'import_s'):.2f} / {median(theirs, 'import_s'):.2f}"]
    else:
        cells += ["–", "–", f"{median(ours, 'peak_memory_mb'):.0f} / –", f"{median(ours, 'import_s'):.2f} / –"]
    return "| " + " | ".join(cells) + " |"


def main(flags: Flags) -> None:
    libraries = [each for each in LIBRARIES if importlib.util.find_spec(each)]
    if "torch" not in libraries:
        print("PyTorch is not installed: only our side is timed (make parity installs it)")
    results = {name: {library: [] for library in libraries} for name in WORKLOADS}
    order = [(name, library) for _ in range(flags.rounds) for name in WORKLOADS for library in libraries]
    for name, library in track(order, "benchmarks"):
        results[name][library].append(measure(name, library, flags.threads))

    machine = environment.machine(framework.device("cpu"))
    facts = {"machine": machine, "versions": environment.versions(), "commit": environment.commit()}
    cpu = f"{machine['cpu']}, {machine['cores']} cores"
    versions = {library: next(iter(results.values()))[library][0]["version"] for library in libraries}
    installed = ", ".join(f"{library} {version}" for library, version in versions.items())
    lines = [
        f"Machine: {cpu}, {flags.threads} threads; {installed}; Python {platform.python_version()}.",
        f"Medians of {flags.rounds} processes a library, in turn (least–most); the ratio is taken pair by pair.",
        "",
        "| step | GFLOP | floor ms | ours ms | PyTorch ms | ours / PyTorch | peak memory MB, ours / PyTorch | import s |",
        "|---|---|---|---|---|---|---|---|",
        *(row(name, runs) for name, runs in results.items()),
    ]
    flags.out.mkdir(parents=True, exist_ok=True)
    stem = flags.out / "-".join(re.findall(r"\w+", cpu.lower()))
    stem.with_suffix(".json").write_text(json.dumps({**facts, "results": results}, indent=1) + "\n")
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"written to {stem}.md and .json")
    if flags.readme:
        fill(flags.readme, "\n".join(lines))


if __name__ == "__main__":
    main(tyro.cli(Flags))

"""The comparison away from the table's sizes: other batches, longer texts, steps of no example, and the very first step.

python -m benchmarks.sizes [--rounds 3] [--threads N] [--out DIR]
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import tyro
from rich.progress import track

import framework

from .__main__ import OURS, STEPS, THEIRS, facts, measure, ratios, stem_of
from .odd_sizes import LONGER
from .workloads import WORKLOADS

LENGTHS = {"lstm_lm": 35, **LONGER}

Case = tuple[str, int]  # a step, and the samples in its batch


@dataclass
class Flags:
    """What to run."""

    rounds: int = 3
    """Processes of each library, in turn: framework, torch, framework, torch, …"""
    threads: int = framework.get_num_threads()
    """Threads of each."""
    out: Path = Path("benchmarks/results")
    """Where the tables and the figures behind them are written."""


def batches(name: str) -> list[int]:
    """A quarter of the batch, where it has one, the batch, and four times as many."""
    batch = WORKLOADS[name].batch
    return [*([batch // 4] if batch >= 4 else []), batch, 4 * batch]


def first_steps(threads: int) -> dict[str, float]:
    """Seconds of mnist_cnn's first step, with no compiled kernels at hand and with those of the process before."""
    with tempfile.TemporaryDirectory() as empty:
        return {
            kernels: measure("mnist_cnn", OURS, threads, variables=os.environ | {"NUMBA_CACHE_DIR": empty})["first_step_s"]
            for kernels in ("to be compiled", "found on disk")
        }


def row(name: str, unit: str, per: int, runs: dict) -> str:
    """A step's row: times over `per`, and the ratio."""
    times = [f"{median(run['step_ms'] for run in runs[library]) / per:.3g} ms" for library in (OURS, THEIRS)]
    found = ratios(runs)
    return f"| {name} | {unit} | {' | '.join(times)} | **{median(found):.2f}** ({min(found):.2f}–{max(found):.2f}) |"


def table(results: dict[Case, dict]) -> list[str]:
    """Time a sample, which should fall with the batch; of lstm_lm also a word, which should stay with the length."""
    lines = ["| step | batch | ours | PyTorch | ours / PyTorch |", "|---" * 5 + "|"]
    for (name, batch), runs in results.items():
        lines.append(row(name, f"{batch}, times a sample", batch, runs))
        if name in LENGTHS and batch == WORKLOADS[name].batch:
            lines.append(row(name, f"{batch}, times a word of {LENGTHS[name]}", LENGTHS[name], runs))
    return lines


def main(flags: Flags) -> None:
    """Measure, and write."""
    cases = [(name, batch) for name in STEPS for batch in batches(name)]
    cases += [(name, each.batch) for name, each in WORKLOADS.items() if each.odd]
    results = {case: {OURS: [], THEIRS: []} for case in cases}
    order = [(case, library) for _ in range(flags.rounds) for case in cases for library in (OURS, THEIRS)]
    for (name, batch), library in track(order, "sizes"):
        results[name, batch][library].append(measure(name, library, flags.threads, batch))
    seconds = first_steps(flags.threads)

    found, sentence = facts(flags.threads, results[cases[0]])
    lines = [
        sentence,
        f"Medians of {flags.rounds} processes a library, in turn; the ratio is taken pair by pair (least–most).",
        f"The first step of mnist_cnn, kernels {', '.join(f'{kernels}: {each:.1f} s' for kernels, each in seconds.items())}.",
    ]
    page = "\n".join([*lines, "", *table(results)])
    stem = stem_of(flags.out, found["machine"], "-sizes")
    record = {f"{name}, batch {batch}": runs for (name, batch), runs in results.items()}
    stem.with_suffix(".json").write_text(json.dumps({**found, "first_step_s": seconds, "results": record}, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page + "\n")
    print(f"{page}\nwritten to {stem}.md and .json")


if __name__ == "__main__":
    main(tyro.cli(Flags))

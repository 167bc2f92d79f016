"""All examples within a budget, and whether they still learn what they did, as fast as they did: python -m zoo benchmark."""

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import mean, median, stdev
from typing import Annotated, Any, Literal

import numpy as np
import tyro

import framework
import zoo
from framework.serialization import write_atomically
from zoo.common import environment
from zoo.common.compare import grouped
from zoo.common.errors import UserError
from zoo.common.files import write_json
from zoo.common.reproduce import read_results
from zoo.common.results import examples
from zoo.common.run import ROWS
from zoo.reports.records import read

BASELINE = Path(zoo.__file__).parents[1] / "results"  # <budget>/<example>-seed<S>.json, committed
LEAST_SEEDS = 3  # of a baseline: fewer do not tell how much chance does
DEVIATIONS = 3
# Three seeds may agree by chance, and on another processor, which adds in another order, even the same seed ends a little elsewhere.
# That is little: more than 2 ‰ would hide what super_resolution gains on bicubic interpolation, 1 % in a short training.
FLOOR = 0.002
REPEATS = 8  # of the calibration: a second at most before a run, and as much after it
ROUNDS = 6  # in each: longer than the slices in which busy cores are shared, which a short piece of work does not notice

# Up to a minute each on two cores, on data that needs no download
SHORT = {
    "actor_critic": "--epochs 12",
    "dcgan": "--data builtin --size 32 --width 16 --batch-size 32 --lr 5e-4 --epochs 6",
    "lstm_lm": "--data builtin --hidden 100 --lr 10 --epochs 6",
    "mnist_cnn": "--data builtin --epochs 12 --gamma 0.9",
    "resnet": "--data builtin --batch-size 64 --epochs 3",
    "snli": "--data builtin --epochs 16",
    "style_transfer": "--data builtin --features own --size 128 --style-size 128 --width 16 --epochs 150",
    "super_resolution": "--data builtin --upscale 2 --patches 4000 --epochs 6",
    "time_sequence": "--waves 43 --length 200 --epochs 6",
    "vae": "--data builtin --epochs 80",
}
Budget = Literal["smoke", "short", "full"]
Names = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME…", help="Examples; by default all.")]
Seeds = Annotated[int, tyro.conf.arg(help="Runs of each example: with the seeds 0, 1, …")]
Cost = Annotated[Budget, tyro.conf.arg(help="--smoke, up to a minute a run on built-in data, or the example's defaults.")]
Out = Annotated[Path, tyro.conf.arg(metavar="DIR", help="Where the runs go, and the report on all that are there.")]
Check = Annotated[bool, tyro.conf.arg(help="Fail if a metric leaves the window of the baseline, or a step takes longer.")]
Keep = Annotated[bool, tyro.conf.arg(name="baseline", help="Make these runs the baseline, results/<budget>/; of committed code only.")]
Slower = Annotated[float, tyro.conf.arg(help="How many times as long as in the baseline a step may take, each beside its calibration.")]


def benchmark(
    names: Names = (),
    *,
    seeds: Seeds = LEAST_SEEDS,
    budget: Cost = "short",
    out: Out = Path("runs/benchmark"),
    check: Check = False,
    keep: Keep = False,
    slower: Slower = 1.5,
) -> None:
    """Train examples, each seed in a process of its own, and report on them; started again, go on where it was stopped.

    A metric's window is the baseline's mean ± 3 standard deviations over its seeds, and at least ± 2 ‰. The baseline's own seeds are
    there again, to the last bit on the same machine; of other seeds, one in eight leaves the window of three by chance, one in fifty
    that of ten.
    """
    names = tuple(dict.fromkeys(names)) or tuple(name for name, _ in examples())
    refuse(names, seeds, check, keep)
    runs = {name: [out / f"{name}-{budget}-seed{seed}" for seed in range(seeds)] for name in names}
    expected = {name: read_baseline(name, budget) for name in names if check}
    if check:
        refuse_other_code(path for paths in runs.values() for path in paths)

    complaints: dict[str, list[str]] = {name: [] for name in names}
    finished: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for name, paths in runs.items():
        for seed, path in enumerate(paths):
            failure = train(name, budget, seed, path)
            if failure:
                complaints[name].append(f"{path} failed: {failure}")
            else:
                finished[name].append(record(path))
    write_report(out)

    for name, baseline in expected.items():
        complaints[name] += differences(finished[name], baseline, slower) if finished[name] else []
    if any(complaints.values()):
        print("\n".join(["", *(f"{name}: {line}" for name, lines in complaints.items() for line in lines)]))
        raise UserError(f"not as it should be, see above: {', '.join(name for name, lines in complaints.items() if lines)}")
    if keep:
        write_baseline(finished, budget)


def refuse(names: Iterable[str], seeds: int, check: bool, keep: bool) -> None:
    """Raise UserError for what need not be begun."""
    known = [name for name, _ in examples()]
    for name in names:
        if name not in known:
            raise UserError(f"there is no example {name}: expected some of {', '.join(known)}")
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: expected one or more")
    if check and keep:
        raise UserError("--check and --baseline: expected one of them")
    if keep and seeds < LEAST_SEEDS:
        raise UserError(f"--seeds {seeds}: a baseline has {LEAST_SEEDS} or more")
    if keep and (environment.commit() or {"dirty": True})["dirty"]:
        raise UserError("--baseline: commit the code first, so that it can be told what the baseline is of")


def flags(name: str, budget: Budget) -> list[str]:
    """What an example is trained with."""
    return SHORT[name].split() if budget == "short" else ["--smoke"] * (budget == "smoke")


def train(name: str, budget: Budget, seed: int, path: Path) -> str | None:
    """Train in a process of its own, to the end of what was begun; if that fails, why: the last line it wrote to output.txt."""
    if (path / "results.json").exists():
        print(f"{path}: kept", flush=True)
        return None
    command = [sys.executable, "-m", f"zoo.{name}", "train", *flags(name, budget), "--seed", str(seed), "--out", str(path)]
    command += ["--resume"] if (path / "config.json").exists() else []
    path.mkdir(parents=True, exist_ok=True)
    print(f"{path}: ", end="", flush=True)
    calibrate(path)
    with (path / "output.txt").open("ab") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode
    calibrate(path)
    if code == 0:
        print(f"{read_results(path)['seconds']:,.0f} s", flush=True)
        return None
    print("failed", flush=True)
    (path / "results.json").unlink(missing_ok=True)  # a smoke run writes it, and then finds that its loss did not fall
    lines = (path / "output.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    return " ".join([*([f"ended by signal {-code}"] if code < 0 else []), *lines[-1:]]) or f"exit code {code}"


def calibrate(run: Path) -> None:
    """Time a fixed piece of work, matrix products and passes over memory, and add that to a run's calibration.json.

    Beside its median, a step's time says how fast the program is, however fast the machine is and whatever else it does meanwhile.
    """
    file = run / "calibration.json"
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"code": code_sha256(), "samples": []}
    matrix, memory = np.ones((768, 768), np.float32), np.ones(2**23, np.float32)  # 32 MiB: more than a core's cache
    samples = earlier["samples"]
    for _ in range(REPEATS):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            matrix @ matrix
            np.add(memory, 1, out=memory)
        samples.append(time.perf_counter() - began)
    write_json(file, {**earlier, "seconds": median(samples), "samples": samples})


def code_sha256() -> str:
    """The sha256 of all modules: a commit does not tell what was changed and not committed."""
    digest = hashlib.sha256()
    for package in (framework, zoo):
        for file in sorted(Path(package.__file__).parent.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def refuse_other_code(runs: Iterable[Path]) -> None:
    """Raise UserError if a run that was kept was not begun by the code that is to be checked."""
    now = code_sha256()
    for run in runs:
        file = run / "calibration.json"
        if file.exists() and json.loads(file.read_text(encoding="utf-8"))["code"] != now:
            raise UserError(f"{run} is of other code than this: choose another --out")


def seconds_per_round(run: Path) -> float:
    """The median over what was logged; where a step is an episode of so many rounds, as train_return counts, of a round."""
    rows, timings = (list(map(json.loads, (run / name).read_text(encoding="utf-8").splitlines())) for name in ROWS)
    rates = []
    for row, (before, after) in zip(rows[1:], pairwise(timings), strict=True):
        rounds = (after["step"] - before["step"]) * row.get("train_return", 1)
        if rounds > 0:  # else it was tested in between
            rates.append((after["seconds"] - before["seconds"]) / rounds)
    return median(rates)


def record(run: Path) -> dict[str, Any]:
    """What a baseline holds of a finished run: its results.json, its steps and what they took, and the calibration beside it."""
    told, calibration = read(run), json.loads((run / "calibration.json").read_text(encoding="utf-8"))
    times = {"seconds_per_step": told.seconds_per_step, "seconds_per_round": seconds_per_round(run)}
    return {**read_results(run), "steps": told.steps, **times, "seconds_of_calibration": calibration["seconds"]}


def write_report(out: Path) -> None:
    """Write the report on all runs of a folder, if there are any."""
    from zoo.reports import report  # only now: importing it takes a while

    runs = tuple(file.parent for file in sorted(out.glob("*/config.json")))
    if runs:
        report(runs, out=out)


def read_baseline(name: str, budget: Budget) -> list[dict[str, Any]]:
    """The committed runs of an example; UserError, with how they are made, if there are not enough."""
    runs = [read_results(file) for file in sorted((BASELINE / budget).glob(f"{name}-seed*.json"))]
    if len(runs) < LEAST_SEEDS:
        files, there = BASELINE / budget / f"{name}-seed<S>.json", f"{len(runs)} of at least {LEAST_SEEDS}"
        raise UserError(f"no baseline, {there} {files}: make it with python -m zoo benchmark {name} --budget {budget} --baseline")
    return runs


def write_baseline(finished: dict[str, list[dict[str, Any]]], budget: Budget) -> None:
    """Replace the baseline of examples by these runs; UserError if one is not of the code that is committed, or diverged."""
    now = environment.commit()
    for run in (run for runs in finished.values() for run in runs):
        which = f"{run['example']}, seed {run['seed']}"
        if run["commit"] != now or now["dirty"]:
            raise UserError(f"no baseline is written: {which}, is not of the code that is committed now; choose another --out")
        if not all(map(math.isfinite, run["metrics"].values())):
            raise UserError(f"no baseline is written: {which}, has metrics that are not finite")
    folder = BASELINE / budget
    folder.mkdir(parents=True, exist_ok=True)
    for name, runs in finished.items():
        for file in folder.glob(f"{name}-seed*.json"):
            file.unlink()
        for run in runs:
            write_json(folder / f"{name}-seed{run['seed']}.json", run)
    write_atomically(folder / "report.md", baseline_report(budget).encode())
    print(f"baseline of {', '.join(finished)} written to {folder}: commit it")


def baseline_report(budget: Budget) -> str:
    """The report on a baseline, as Markdown; its paths are as seen from here."""
    from zoo.reports import pages

    files = sorted((BASELINE / budget).glob("*-seed*.json"))
    return pages(Path(os.path.relpath(file)) for file in files)[0]["report.md"]


def differences(runs: list[dict[str, Any]], baseline: list[dict[str, Any]], slower: float) -> Iterator[str]:
    """What is not as in the baseline, of the runs of one example."""
    name = runs[0]["example"]
    if grouped(runs).keys() != grouped(baseline).keys():
        yield "the baseline is of other flags or other data"
        return
    for metric in baseline[0]["metrics"]:
        low, high = window([run["metrics"][metric] for run in baseline])
        values = {run["seed"]: run["metrics"].get(metric, math.nan) for run in runs}
        print(f"{name}: {metric} {', '.join(f'{value:.5g}' for value in values.values())}; expected {low:.5g} … {high:.5g}")
        for seed, value in values.items():
            if not low <= value <= high:  # nor is NaN
                yield f"{metric} {value:.5g} of seed {seed} is not in {low:.5g} … {high:.5g}"
    ratio = calibrated(runs) / calibrated(baseline)
    print(f"{name}: a step takes {ratio:.2f} times as long as in the baseline; at most {slower:g}")
    if ratio > slower:
        yield f"a step takes {ratio:.2f} times as long as in the baseline, more than {slower:g}"


def window(values: list[float]) -> tuple[float, float]:
    """Mean ± max(3 s, 2 ‰ of the mean); a count may always be off by one."""
    middle = mean(values)
    width = max(DEVIATIONS * stdev(values), FLOOR * abs(middle), isinstance(values[0], int))
    return middle - width, middle + width


def calibrated(runs: list[dict[str, Any]]) -> float:
    """How many times as long as the calibration a step takes: the median over the runs."""
    return median(run["seconds_per_round"] / run["seconds_of_calibration"] for run in runs)

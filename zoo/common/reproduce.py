"""Whether a run can be had again, to the last bit: python -m zoo reproduce RUN."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

import framework
from zoo.common.cli import FAILED
from zoo.common.errors import UserError
from zoo.common.files import make_next_free, read_json, read_rows
from zoo.common.flags import DataDir, RunDirectory
from zoo.common.run import FREE, data_flag

FIELDS = {**dict.fromkeys(("flags", "data", "metrics", "kernels"), dict), "example": str, "seed": int, "commands": list}


def reproduce(run: RunDirectory, *, out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None, data_dir: DataDir = None) -> None:
    """Train once more as a finished run was, in a process of its own, and compare all figures and weights bit for bit.

    Into ``--out``, by default the next free RUN-again-<number>. Whatever differs is named, and what has changed since.
    """
    before = read_results(run)
    for name in ("metrics.jsonl", "model.safetensors"):
        if not (run / name).exists():
            raise UserError(f"{run} has no {name} to compare with")
    out = out or make_next_free(run.resolve().with_name(f"{run.resolve().name}-again"))
    if (out / "config.json").exists():
        raise UserError(f"{out} already holds a run: choose another --out")
    print(f"training {run} once more, {before['example']} with seed {before['seed']}, into {out}", flush=True)
    retrain(before, out, data_dir)
    after = read_results(out)

    figures = [f"results.json: {line}" for line in different_figures(before["metrics"], after["metrics"])]
    different = [*different_rows(run / "metrics.jsonl", out / "metrics.jsonl"), *figures, *different_weights(run, out)]
    changed = list(changes(before, after))
    print("\n".join(["", *different, *(f"changed since: {line}" for line in changed)]))
    if different:
        because = "see above what has changed since" if changed else "though nothing on record has changed since"
        raise UserError(f"{run} is not reproduced, {because}")
    print("bit-identical: metrics.jsonl, the final metrics and the weights")


def read_results(path: Path) -> dict[str, Any]:
    """results.json, of a finished run directory or as a file by itself; UserError if it is not one."""
    file = path / "results.json" if path.is_dir() else path
    if not file.exists() and (path / "config.json").exists():
        raise UserError(f"{path} is not finished, it has no results.json: let it end with --resume")
    if not file.exists():
        raise UserError(f"there is no {file}: expected a finished run")
    return read_json(file, **FIELDS)


def retrain(before: dict[str, Any], out: Path, data_dir: Path | None) -> None:
    """Train from the beginning to the end with a run's final flags, in one go, on as many threads; UserError if on other data."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"zoo.{before['example']}", "train", *options(before, out, data_dir)],
        env={**os.environ, "NUMBA_NUM_THREADS": str(min(before["machine"]["threads"], framework.get_num_threads()))},
    )
    with process:
        try:
            while process.poll() is None and not (out / "config.json").exists():  # until it has read its data
                time.sleep(0.05)
            if (out / "config.json").exists():
                data = read_json(out / "config.json")["data"]
                if data["sha256"] != before["data"]["sha256"]:
                    changed = f"its sha256 was {before['data']['sha256'][:8]}…, and is {data['sha256'][:8]}… now"
                    raise UserError(f"{before['data']['name']} has changed since the run was trained on it: {changed}")
            process.wait()
        finally:
            process.kill()
    if process.returncode < 0:
        raise UserError(f"the training into {out} was ended by signal {-process.returncode}")
    if process.returncode:
        sys.exit(FAILED)  # it has said why, in a line


def options(before: dict[str, Any], out: Path, data_dir: Path | None) -> list[str]:
    """A run's flags as they would be typed; the data is that which was found, where ``auto`` may find other data today."""
    flags = {**before["flags"], "out": out, "data": data_flag(before), "resume": False}
    flags["data_dir"] = data_dir or flags["data_dir"]
    given = {name.replace("_", "-"): value for name, value in flags.items() if value is not None and value is not False}
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]


def different_rows(before: Path, after: Path) -> Iterator[str]:
    """The figures of the first row in which two metrics.jsonl differ, and how many rows do."""
    rows = list(itertools.zip_longest(*map(read_rows, (before, after)), fillvalue={}))
    different = [(number, *pair) for number, pair in enumerate(rows, 1) if list(different_figures(*pair))]
    for number, old, new in different[:1]:
        where = f"row {number} (step {(old | new)['step']})"
        yield from (f"metrics.jsonl, {where}: {line}" for line in different_figures(old, new))
        yield f"metrics.jsonl: {len(different)} of {len(rows)} rows differ"


def different_figures(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Each figure that is not the same number in both, with its two values and their difference ("–": there is none)."""
    for name in {**before, **after}:
        old, new = (json.dumps(figures[name]) if name in figures else "–" for figures in (before, after))  # NaN equals itself here
        if old != new:
            yield f"{name} {old} → {new}" + (f", by {after[name] - before[name]:+.3g}" if "–" not in (old, new) else "")


def different_weights(run: Path, out: Path) -> Iterator[str]:
    """How many tensors of two model.safetensors differ, and the first of them, with its largest difference."""
    before, after = ({name: weights.numpy() for name, weights in framework.load(path / "model.safetensors").items()} for path in (run, out))

    def bits(weights: np.ndarray | None) -> Any:
        return weights if weights is None else (weights.dtype, weights.shape, weights.tobytes())

    names = {**before, **after}
    different = [name for name in names if bits(before.get(name)) != bits(after.get(name))]
    for name in different[:1]:
        same_shape = name in before and name in after and before[name].shape == after[name].shape
        size = f"by up to {np.abs(after[name].astype(float) - before[name]).max():.3g}" if same_shape else "not there in both in one shape"
        yield f"model.safetensors: {len(different)} of {len(names)} tensors differ, the first is {name}, {size}"


def changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Each condition on record that is not the same for both runs, with its two values."""
    old, new = conditions(before), conditions(after)
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name, '–')} → {new.get(name, '–')}"
    if old["commit"] == new["commit"] and "changes" in old["commit"]:
        yield "perhaps the code, of which not all was committed"


def conditions(results: dict[str, Any]) -> dict[str, Any]:
    """What the figures of a run with the same flags on the same data may depend on."""
    commit, machine = results["commit"] or {"sha": "unknown", "dirty": False}, results["machine"]
    return {
        "commit": commit["sha"][:10] + " with changes" * commit["dirty"],
        **results["versions"],
        "threads": machine["threads"],
        "CPU": machine["cpu"],
        "cores": machine["cores"],
        "GPU": machine["gpu"],
        "system": machine["system"],
        **{f"--{name.replace('_', '-')}": value for name, value in results["flags"].items() if name not in FREE},
        "network of features": results.get("features"),
        "commands it took": len(results["commands"]),
        **{f"kernels of {op}": ", ".join(sorted(ran)) for op, ran in results["kernels"].items()},
    }

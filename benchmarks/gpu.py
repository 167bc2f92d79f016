"""Correctness and speed on a GPU in one call: the GPU's tests, the examples, and training steps here and in PyTorch, in turn.

python -m benchmarks.gpu [--minutes 10] [--only NAMES] [--ways NAMES] [--no-larger] [--skip-tests] [--out benchmarks/results/gpu.json]

A step with its batch, computed in one way, is a process of its own (gpu_worker.py).  Importing, compiling and warming up take most of the
time, so several processes do that at once, and the tests beside them; but where one is measured, all others stand still.  What fails, and
what there was no time for, is in the results with the reason.  The exit status says whether the tests and the examples passed.
"""

import argparse
import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from statistics import median

import framework
from zoo.common import environment

from .gpu_worker import WARM_UP
from .workloads import WORKLOADS

ROOT = Path(__file__).parent.parent
WORKER = [sys.executable, "-m", "benchmarks.gpu_worker"]
OURS, EAGER, REDUCED = "framework-recorded", "torch", "torch-reduce-overhead"
WAYS = {
    "framework": "ours",
    OURS: "ours, recorded",
    EAGER: "PyTorch",
    "torch-recorded": "PyTorch, recorded",
    "torch-compile": "compiled",
    REDUCED: "reduce-overhead",
}
STEPS = [name for name, each in WORKLOADS.items() if each.gpu or not each.odd and (each.gflop or name == "actor_critic")]
LARGER = 8  # times as many samples
BOUNDS = {"mnist_cnn": 0.5, "vae": 0.5, "actor_critic": 0.5, "resnet18, bfloat16": 1.05}  # of our time over PyTorch's; else 1
BOUND_REDUCED = 1.1  # of our time over that of torch.compile with graphs
SECONDS = 0.2  # of a measurement
PATIENCE, ANSWER, SPARE = 240, 30, 15  # seconds until a process must be ready; until it must have measured; that are left for the end
NOT_MEASURED, TOO_LONG = "not measured: no time was left", "it took too long"


class Machine:
    """The processes that run on it, and until when."""

    def __init__(self, minutes: float) -> None:
        self.deadline = time.monotonic() + 60 * minutes - SPARE
        self.running: set[subprocess.Popen] = set()
        self.busy = threading.Lock()  # somebody starts, or measures

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.monotonic())

    def start(self, command: list[str], **streams: object) -> subprocess.Popen:
        """A process, with those that it starts itself in its group."""
        variables = {"TORCHINDUCTOR_COMPILE_THREADS": "4"} | os.environ  # else each starts as many as there are cores
        with self.busy:
            process = subprocess.Popen(command, cwd=ROOT, env=variables, start_new_session=True, **streams)
            self.running.add(process)
        return process

    def signal(self, process: subprocess.Popen, number: int) -> None:
        """Send it to the whole group."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def stop(self, process: subprocess.Popen) -> None:
        """End it, whatever it does."""
        if process in self.running:
            self.signal(process, signal.SIGKILL)
            self.running.discard(process)
            with suppress(subprocess.TimeoutExpired):  # a GPU may hold it
                process.wait(SPARE / 3)

    def close(self) -> None:
        """End all, and let nothing begin any more."""
        self.deadline = 0.0
        for each in list(self.running):
            self.stop(each)

    @contextmanager
    def alone(self, those: list[subprocess.Popen]) -> Iterator[None]:
        """In this block all but those stand still."""
        with self.busy:
            others = self.running - set(those)
            try:
                for each in others:
                    self.signal(each, signal.SIGSTOP)
                yield
            finally:
                for each in others:
                    self.signal(each, signal.SIGCONT)


def end_of(file) -> str:
    """What was written to it last."""
    file.seek(0)
    return file.read().strip()[-3000:]


def check(machine: Machine, command: list[str]) -> dict:
    """Whether a command succeeds before the deadline, and the end of what it prints; tests that a GPU was missing for were none."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = machine.start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(machine.left())
        passed, late = process.returncode == 0, process.returncode is None
        machine.stop(process)
        printed = end_of(output) + "\nnot done: no time was left" * late
    return {"passed": passed and "needs a CUDA device" not in printed, "seconds": time.monotonic() - began, "output": printed}


class Worker:
    """A process for one way to compute a step, and what was `found`: the figures of every round, or the `error` that ended it."""

    def __init__(self, machine: Machine, way: str, name: str, batch: int, device: str) -> None:
        self.machine, self.found = machine, {"rounds": []}
        self.errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed at its end
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors, "text": True}
        self.process = machine.start([*WORKER, way, name, str(batch), device], **streams)

    def answer(self, seconds: float) -> dict:
        """The next line that it writes; nothing if there is none in time, and that was the end of it."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, seconds))
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.machine.stop(self.process)
            late = TOO_LONG if self.machine.left() else NOT_MEASURED
            self.found["error"] = (end_of(self.errors) or "it ended without a word") if ready else late
        return json.loads(line or "{}")

    def warm_up(self, seconds: float) -> None:
        """Let it become ready."""
        self.found |= self.answer(seconds)

    def measure(self) -> None:
        """One round."""
        if "error" not in self.found:
            with suppress(BrokenPipeError):  # then there is no answer either
                print(SECONDS, file=self.process.stdin, flush=True)
            if figures := self.answer(min(ANSWER, self.machine.left() + SPARE / 3)):
                self.found["rounds"].append(figures)

    def end(self) -> dict:
        """What was found, with the medians of the rounds."""
        self.machine.stop(self.process)
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        rounds = self.found["rounds"]
        if not rounds:
            self.found.setdefault("error", NOT_MEASURED)
        return self.found | {figure: median(each[figure] for each in rounds) for figure in (rounds[0] if rounds else ())}


def measure(machine: Machine, name: str, batch: int, flags: argparse.Namespace) -> dict[str, dict]:
    """What each way takes for a step: they become ready at the same time, and are measured in turn."""
    if not machine.left():
        return unmeasured(flags)
    workers = [Worker(machine, way, name, batch, flags.device) for way in flags.ways]
    until = time.monotonic() + min(PATIENCE, machine.left())
    for each in workers:
        each.warm_up(until - time.monotonic())
    with machine.alone([each.process for each in workers]):
        for each in flags.rounds * workers:
            if machine.left():
                each.measure()
    return {way: each.end() for way, each in zip(flags.ways, workers, strict=True)}


def unmeasured(flags: argparse.Namespace) -> dict[str, dict]:
    return {way: {"rounds": [], "error": NOT_MEASURED} for way in flags.ways}


def ratio(found: dict[str, dict], theirs: str) -> float | None:
    """Our time a step over theirs, round by round: the median."""
    rounds = [found.get(way, {}).get("rounds", []) for way in (OURS, theirs)]
    return median(a["step_ms"] / b["step_ms"] for a, b in zip(*rounds, strict=False)) if all(rounds) else None


def cell(value: float | None, digits: int, bound: float | None = None) -> str:
    """A number as the table has it, with its bound if it has one."""
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}"
    return text if bound is None else f"**{text}** {'≤' if value <= bound else '>'} {bound:g}"


def tables(cases: dict[str, tuple[str, int]], results: dict[str, dict]) -> list[str]:
    """Milliseconds a step with the ratios to keep below, and what else a step takes; a dash where something failed."""
    lines = [f"| step | batch | {' | '.join(WAYS.values())} | ours, recorded / PyTorch | / reduce-overhead |", "|---" * 10 + "|"]
    figures = {"wall_ms": 3, "first_step_s": 1, "peak_memory_mb": 0, "first_loss": 3, "loss": 3}  # and their digits
    more = [f"| step | batch | wall ms | first step s | peak memory MB | first loss | after {WARM_UP} steps |", "|---" * 7 + "|"]
    for title, (name, batch) in cases.items():
        found, usual = results[title], batch == WORKLOADS[name].batch
        times = [cell(found.get(way, {}).get("step_ms"), 3) for way in WAYS]
        bounds = (BOUNDS.get(name, 1.0), BOUND_REDUCED) if usual else (None, None)
        times += [cell(ratio(found, theirs), 2, bound) for theirs, bound in zip((EAGER, REDUCED), bounds, strict=True)]
        lines.append(f"| {name} | {batch} | {' | '.join(times)} |")
        pairs = [" / ".join(cell(found.get(way, {}).get(each), digits) for way in (OURS, EAGER)) for each, digits in figures.items()]
        more.append(f"| {name} | {batch} | {' | '.join(pairs)} |")
    return [*lines, "", "Ours, recorded / PyTorch:", "", *more]


def remarks(way: str, facts: dict) -> list[str]:
    """What there is to say of a way besides its figures."""
    error = facts["error"].splitlines()[-1:] if "error" in facts else []
    loss = [] if math.isfinite(facts.get("loss", 0.0)) else [f"the loss is {facts['loss']}"]
    return [*error, *loss, *facts.get("failed", []), *(facts.get("warnings", []) if way == OURS else [])]


def page(cases: dict[str, tuple[str, int]], record: dict) -> str:
    """All of it to read."""
    machine = record["machine"]
    lines = [f"{machine['gpu'] or machine['cpu']}, driver {record['driver']}; medians of the rounds, ms a step by events.", ""]
    lines += [*tables(cases, record["results"]), ""]
    for title, found in record["results"].items():
        said: dict[str, list[str]] = {}
        for way, facts in found.items():
            for each in remarks(way, facts):
                said.setdefault(" ".join(each.split())[:200], []).append(WAYS[way])
        lines += [f"- {title}; {'; '.join(ways)}: {each}" for each, ways in said.items()]
    for title, facts in record["checks"].items():
        last = (facts["output"].splitlines() or [""])[-1]
        lines += [f"- {'passed' if facts['passed'] else 'FAILED'} in {facts['seconds']:.0f} s: {title}: {last[:300]}"]
    return "\n".join(lines) + "\n"


def driver() -> str | None:
    """The version of NVIDIA's driver, as its own tool says it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def versions() -> dict[str, str]:
    """Of all that computes."""
    wanted = re.compile("numpy|numba|scipy|cupy|torch|triton|nvidia|nvmath|cuda")
    return {each.name: each.version for each in metadata.distributions() if wanted.match(each.name or "")}


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="after so many it ends, whatever is left to do (10)")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, metavar="NAME", help=f"steps: {'; '.join(STEPS)} (all)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=f"ways: {', '.join(WAYS)} (all)")
    parser.add_argument("--larger", action=argparse.BooleanOptionalAction, default=True, help=f"batches {LARGER} times as large, too (yes)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each way, in turn (3)")
    parser.add_argument("--skip-tests", action="store_true", help="only speed")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.json"), help="the results; a page to read beside them")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help=argparse.SUPPRESS)  # the CPU for tests of this script
    return parser.parse_args(arguments)


def checks(flags: argparse.Namespace, folder: str) -> dict[str, list[str]]:
    """The commands that must succeed."""
    python = [sys.executable, "-m"]
    examples = sorted(each.parent.name for each in ROOT.glob("zoo/*/train.py"))
    training = ["train", "--smoke", "--compile", "--device", flags.device]
    return {
        "tests/gpu": [*python, "pytest", "-m", "gpu", "-p", "no:cacheprovider", "tests/gpu"],
        **{f"zoo.{each}": [*python, f"zoo.{each}", *training, "--out", f"{folder}/{each}"] for each in examples},
    }


def main(arguments: list[str] | None = None) -> int:
    """Check and measure, and write after every result; the exit status."""
    flags = parsed(arguments)
    if flags.device == "cuda" and not framework.cuda.is_available():
        print("benchmarks.gpu: no GPU can be used here (an NVIDIA driver and CuPy are needed)", file=sys.stderr)
        return 1
    cases = {f"{name}, batch {WORKLOADS[name].batch}": (name, WORKLOADS[name].batch) for name in flags.only}
    if flags.larger:
        larger = {name: LARGER * WORKLOADS[name].batch for name in flags.only if not WORKLOADS[name].gpu}
        cases |= {f"{name}, batch {batch}": (name, batch) for name, batch in larger.items()}
    cores = os.cpu_count() or 1
    machine = Machine(flags.minutes)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(3) as checkers, ThreadPoolExecutor(max(1, cores // 4)) as measurers:
        commands = {} if flags.skip_tests else checks(flags, folder)
        record = {
            "machine": environment.machine(framework.device(flags.device)),
            "driver": driver(),
            "versions": versions(),
            "commit": environment.commit(),
            "checks": {title: {"passed": False, "seconds": 0.0, "output": "not run"} for title in commands},
            "results": {title: unmeasured(flags) for title in cases},
        }
        tasks = {checkers.submit(check, machine, command): ("checks", title) for title, command in commands.items()}
        tasks |= {measurers.submit(measure, machine, *case, flags): ("results", title) for title, case in cases.items()}
        try:
            for task in as_completed(tasks):
                part, title = tasks[task]
                record[part][title] = task.result()
                flags.out.parent.mkdir(parents=True, exist_ok=True)
                flags.out.write_text(json.dumps(record, indent=1) + "\n")
                flags.out.with_suffix(".md").write_text(page(cases, record))
                print(f"{machine.left():.0f} s left, done: {title}", flush=True)
        finally:
            machine.close()
    print(page(cases, record))
    return 0 if all(each["passed"] for each in record["checks"].values()) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the processes are ended, too
    sys.exit(main())

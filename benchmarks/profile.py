"""Where the time of a training step goes: `python -m benchmarks.profile resnet20 [--threads 2] [--shapes]`.

Without a name, of every example's step; `--page docs/performance.md` writes it there.  Each row is an op, forward or backward, and what
computed it: a kernel, or the op's own forward ("reference").  What is left over is Python between the ops.
"""

import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import tyro

import framework
from framework import kernels
from framework.autograd.fusable import Fusable, FusedNode
from framework.autograd.node import OpNode
from framework.autograd.op import Op
from zoo.common.results import fill

from . import odd_sizes  # noqa: F401  enters its steps into the table
from .__main__ import STEPS
from .worker import WARM_UP
from .workloads import WORKLOADS, Way


@dataclass
class Flags:
    """What to look at."""

    name: tyro.conf.Positional[str] = ""
    """A workload of `python -m benchmarks` or `python -m benchmarks.sizes`; by default every example's step."""
    threads: int = framework.get_num_threads()
    """Threads of the kernels."""
    steps: int = 10
    """Steps to average over."""
    shapes: bool = False
    """A row for every shape of an op's first array, too."""
    rows: int = 25
    """At most so many rows."""
    page: Path | None = None
    """A page to write all of it to, between its two marks."""


class Watch:
    """Adds up the seconds spent in calls of ops that are not part of another op's call."""

    def __init__(self, shapes: bool):
        self.seconds, self.calls, self.inside, self.shapes = defaultdict(float), defaultdict(int), False, shapes

    def around(self, owner: type, method: str, direction: str) -> None:
        """Time every call of `owner.method`."""
        original = getattr(owner, method)

        def timed(op_or_node, *args, **kwargs):
            if self.inside:
                return original(op_or_node, *args, **kwargs)
            self.inside, start = True, time.perf_counter()
            try:
                return original(op_or_node, *args, **kwargs)
            finally:
                passed = time.perf_counter() - start
                key = self.key(op_or_node, direction, args)
                self.seconds[key] += passed
                self.calls[key] += 1
                self.inside = False

        setattr(owner, method, timed)

    def key(self, op_or_node: Op | OpNode, direction: str, args: tuple) -> tuple[str, str, str]:
        """The row that a call belongs to: op, direction, and the shape of the first array (of the gradients, backward)."""
        op = op_or_node if isinstance(op_or_node, Op) else op_or_node.op
        arrays = args[0] if direction == "backward" else args
        shape = next((str(tuple(each.shape)) for each in arrays if hasattr(each, "shape")), "")
        return op.__name__, direction, shape if self.shapes else ""


def every_step(flags: Flags) -> None:
    """The profile of each example's step, or of one, in a process of its own."""
    parts = []
    for name in [flags.name] if flags.name else STEPS:
        numbers = ["--threads", str(flags.threads), "--steps", str(flags.steps), "--rows", str(flags.rows)]
        command = [sys.executable, "-m", "benchmarks.profile", name, *numbers, *["--shapes"] * flags.shapes]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        print(found, flush=True)
        parts.append(f"```\n{found}```")
    if flags.page:
        fill(flags.page, "\n\n".join(parts))


def main(flags: Flags) -> None:
    """Run the steps, and print the rows, the longest first."""
    if flags.page or not flags.name:
        every_step(flags)
        return
    if flags.name not in WORKLOADS:
        raise SystemExit(f"no such workload: {flags.name}; there are {', '.join(WORKLOADS)}")
    framework.set_num_threads(flags.threads)
    framework.manual_seed(0)
    step, _ = WORKLOADS[flags.name].make(Way(), WORKLOADS[flags.name].batch)
    for _ in range(WARM_UP):
        step().item()
    watch = Watch(flags.shapes)
    watch.around(Op, "__call__", "forward")
    watch.around(Op, "compute", "forward")  # an optimizer computes on bare arrays
    watch.around(Fusable, "__call__", "forward")
    watch.around(OpNode, "propagate", "backward")
    watch.around(FusedNode, "propagate", "backward")
    kernels.reset()
    start = time.perf_counter()
    for _ in range(flags.steps):
        step().item()
    total = time.perf_counter() - start
    print(f"{flags.name}, {flags.threads} threads: {1e3 * total / flags.steps:.1f} ms a step")
    computed_by = {
        op: ", ".join(f"{name} {calls / flags.steps:g}" for name, calls in found.items()) for op, found in kernels.report().items()
    }
    for (op, direction, shape), seconds in sorted(watch.seconds.items(), key=lambda row: -row[1])[: flags.rows]:
        times = watch.calls[op, direction, shape] / flags.steps
        row = f"{1e3 * seconds / flags.steps:9.2f} ms {seconds / total:6.1%} {times:6g} × {op} {direction} {shape}"
        print(f"{row}  [{computed_by.get(op, 'reference')}]")
    print(f"{1e3 * (total - sum(watch.seconds.values())) / flags.steps:9.2f} ms  between the ops")


if __name__ == "__main__":
    main(tyro.cli(Flags))

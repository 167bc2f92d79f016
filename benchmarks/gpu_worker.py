"""One process that times one step in one way on a GPU: `python -m benchmarks.gpu_worker torch-compile vae 128 cuda`.

It sets the step up and warms up, which takes minutes where much is compiled, and prints a line of JSON.  Then it waits: for every line with
a number of seconds it runs the step for about so long, and prints what it found.  So the others can take their turns (gpu.py).
"""

import importlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .worker import answer_with_torch

WARM_UP = 10  # steps: enough for all that is compiled, recorded or chosen
FEWEST = 3  # steps that are timed together


def copied(value):  # a tensor, or a tuple of them
    """Copies of the tensors, without what they were computed from."""
    return tuple(map(copied, value)) if isinstance(value, tuple) else value.detach().clone()


def compiled(function: Callable, mode: str = "default") -> Callable:
    """What torch.compile makes of a step or a model."""
    import torch

    return torch.compile(function, mode=mode, dynamic=False)


def marked(step: Callable) -> Callable:
    """`step`, where torch.compile records graphs: it is told when a step begins, for that writes over the results of the last."""
    import torch

    def run(*inputs):
        torch.compiler.cudagraph_mark_step_begin()
        return copied(step(*inputs))

    return run


class Recorded:
    """A whole step as one CUDA graph, by PyTorch's own means: what framework.compile does, by hand."""

    def __init__(self, step: Callable) -> None:
        import torch
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        self.cuda, self.step, self.graph = torch.cuda, step, None
        register_optimizer_step_pre_hook(self.count_on_gpu)

    @staticmethod
    def count_on_gpu(optimizer, args: tuple, kwargs: dict) -> None:
        """Let the optimizer count its steps where a graph can."""
        for group in optimizer.param_groups:
            if "capturable" in group:
                group["capturable"] = True

    def record(self, inputs: tuple) -> None:
        """Three steps on a stream beside, and the graph of a fourth."""
        self.inputs, beside = copied(inputs), self.cuda.Stream()
        beside.wait_stream(self.cuda.current_stream())
        with self.cuda.stream(beside):
            for _ in range(3):
                self.step(*self.inputs)
        self.cuda.current_stream().wait_stream(beside)
        self.graph = self.cuda.CUDAGraph()
        with self.cuda.graph(self.graph):
            self.outputs = self.step(*self.inputs)

    def fill(self, ours, given) -> None:
        """Copy what is given to where the graph reads it."""
        if isinstance(ours, tuple):
            for pair in zip(ours, given, strict=True):
                self.fill(*pair)
        else:
            ours.copy_(given)

    def __call__(self, *inputs):
        if self.graph is None:
            self.record(inputs)
        self.fill(self.inputs, inputs)
        self.graph.replay()
        return copied(self.outputs)


def ways(name: str, device: str) -> list:
    """What is tried under this name, in turn, until one works: torch.compile takes whole steps, but not every one."""
    import framework

    from .workloads import Way

    if name.startswith("torch-"):  # checks of values ask the GPU; framework.compile makes them in its first two calls alone
        framework.distributions.Distribution.set_default_validate_args(False)
    reduced = partial(compiled, mode="reduce-overhead")
    return {
        "framework": [Way(device)],
        "framework-recorded": [Way(device, record=framework.compile)],
        "torch": [Way(device)],
        "torch-recorded": [Way(device, record=Recorded)],
        "torch-compile": [Way(device, record=compiled), Way(device, prepare=compiled)],
        "torch-reduce-overhead": [
            Way(device, record=lambda step: marked(reduced(step))),
            Way(device, record=marked, prepare=reduced),
        ],
    }[name]


class HostEvent:
    """An event where there is no GPU."""

    def __init__(self, enable_timing: bool) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, end: "HostEvent") -> float:
        return 1e3 * (end.at - self.at)


class Timer:
    """A step that is set up and warm, and how long it takes."""

    def __init__(self, way, name: str, batch: int) -> None:
        import framework

        from .workloads import WORKLOADS

        self.framework, self.recorded = framework, []
        self.event = framework.cuda.Event if way.device == "cuda" else HostEvent
        framework.manual_seed(0)
        self.step, _ = WORKLOADS[name].make(replace(way, record=lambda step: self.kept(way.record(step))), batch)
        began = time.perf_counter()
        losses = [self.step().item()]
        first = time.perf_counter() - began
        losses += [self.step().item() for _ in range(WARM_UP - 1)]
        self.facts = {"version": framework.__version__, "first_step_s": first, "first_loss": losses[0], "loss": losses[-1]}

    def kept(self, step: Callable) -> Callable:
        """`step`, to be asked for its memory."""
        self.recorded.append(step)
        return step

    def peak_memory(self) -> float:
        """MB that the library has taken from the GPU at most; what framework.compile has recorded has memory of its own."""
        graphs = [graph for step in self.recorded for graph in getattr(step, "graphs", ())]
        return (self.framework.cuda.max_memory_reserved() + sum(graph.pool.total_bytes() for graph in graphs)) / 2**20

    def run(self, count: int) -> dict:
        """Milliseconds a step of so many, one after the other, by the GPU's clock and by the host's."""
        start, end = self.event(enable_timing=True), self.event(enable_timing=True)
        began = time.perf_counter()
        start.record()
        for _ in range(count):
            self.step()
        end.record()
        end.synchronize()
        return {"steps": count, "step_ms": start.elapsed_time(end) / count, "wall_ms": 1e3 * (time.perf_counter() - began) / count}

    def measure(self, seconds: float) -> dict:
        """The same of as many steps as take about `seconds`."""
        few = self.run(FEWEST)
        return self.run(max(FEWEST, round(1e3 * seconds / few["wall_ms"]))) | {"peak_memory_mb": self.peak_memory()}


def set_up(name: str, workload: str, batch: int, device: str) -> tuple[Timer, list[str]]:
    """The first of the ways that works, and why those before it did not."""
    *attempts, last = ways(name, device)
    failed = []
    for way in attempts:
        try:
            return Timer(way, workload, batch), failed
        except (AssertionError, RuntimeError) as error:  # torch.compile's are both
            failed.append(f"only the model is compiled; the step: {type(error).__name__}: {error}")
            importlib.import_module("torch").compiler.reset()
    return Timer(last, workload, batch), failed


def main(name: str, workload: str, batch: int, device: str) -> None:
    """Set up, and measure when told to."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed goes where errors go
    began = time.perf_counter()
    if name.startswith("torch"):
        answer_with_torch()
    with warnings.catch_warnings(record=True) as warned:
        timer, failed = set_up(name, workload, batch, device)
    said = {"failed": failed, "warnings": [str(each.message) for each in warned]}
    print(json.dumps(timer.facts | said | {"ready_s": time.perf_counter() - began}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(timer.measure(float(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])

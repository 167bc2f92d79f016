"""One process that times one workload in one library: `python -m benchmarks.worker torch resnet20 2` prints a line of JSON.

The library is `framework`, `torch`, or PyTorch at its best: `torch-channels-last` or `torch-compile`.
"""

import importlib
import json
import resource
import statistics
import sys
import time

WARM_UP, STEPS, SECONDS = 3, 40, 6.0  # as many steps as fit into these seconds, but no fewer than WARM_UP and no more than STEPS


def answer_with_torch() -> None:
    """From now on ``import framework`` gives PyTorch."""
    import torch.distributions
    import torch.utils.data  # noqa: F401

    sys.modules |= {"framework" + name[5:]: module for name, module in sys.modules.items() if name == "torch" or name.startswith("torch.")}


def prepare(library: str, model):  # a module of either library
    """What a library at its best does to a model first."""
    if library == "torch-channels-last":
        import torch

        return model.to(memory_format=torch.channels_last)
    if library == "torch-compile":
        import torch

        return torch.compile(model)
    return model


def product_rate(framework) -> float:  # either library
    """GFLOP/s of a float32 matrix product of 1024³: the best of ten."""
    a, b = framework.randn(1024, 1024), framework.randn(1024, 1024)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times) / 1e9


def timed(function) -> list[float]:
    """Milliseconds of each of its calls, after the warm-up."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 2 * WARM_UP or len(times) < WARM_UP + STEPS and time.perf_counter() - began < SECONDS:
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e3)
    return times[WARM_UP:]


def main(library: str, name: str, threads: int, batch: int | None = None) -> None:
    started = time.perf_counter()
    if library.startswith("torch"):
        importlib.import_module("torch")
        imported = time.perf_counter() - started
        answer_with_torch()
    framework = importlib.import_module("framework")
    if library == "framework":
        imported = time.perf_counter() - started
    from . import odd_sizes  # noqa: F401  enters its steps into the table
    from .workloads import WORKLOADS, Way

    framework.set_num_threads(threads)
    framework.manual_seed(0)
    batch = batch or WORKLOADS[name].batch
    step, evaluate = WORKLOADS[name].make(Way(prepare=lambda model: prepare(library, model)), batch)
    first = time.perf_counter()
    losses = [step().item()]
    first = time.perf_counter() - first
    steps = timed(lambda: losses.append(step().item()))
    tests = timed(evaluate)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of training and evaluating; the product below is not part of them
    print(json.dumps({
        "library": library, "version": framework.__version__, "workload": name, "batch": batch, "threads": framework.get_num_threads(),
        "import_s": imported, "first_step_s": first, "step_ms": statistics.median(steps), "inference_ms": statistics.median(tests),
        "peak_memory_mb": peak / (2**20 if sys.platform == "darwin" else 2**10),
        "first_loss": losses[0], "steps": len(losses), "loss": losses[-1], "product_gflops": product_rate(framework),
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(int, sys.argv[4:]))

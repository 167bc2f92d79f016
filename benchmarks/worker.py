"""One process that times one workload in one library: `python -m benchmarks.worker framework mnist_cnn 2` prints a line of JSON."""

import importlib
import json
import resource
import statistics
import sys
import time

from .workloads import WORKLOADS

WARM_UP, STEPS = 10, 40


def product_rate(torch) -> float:
    """GFLOP/s of a float32 matrix product of 1024³: the best of ten."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times) / 1e9


def main(library: str, name: str, threads: int) -> None:
    started = time.perf_counter()
    torch = importlib.import_module(library)
    imported = time.perf_counter() - started
    torch.set_num_threads(threads)
    step, evaluate = WORKLOADS[name].make(torch)
    first = time.perf_counter()
    loss = step()
    first = time.perf_counter() - first
    times = []
    for _ in range(WARM_UP + STEPS):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    for _ in range(3):
        evaluate()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of training and evaluating; the product below is not part of them
    print(json.dumps({
        "library": library, "version": torch.__version__, "workload": name, "threads": torch.get_num_threads(),
        "import_s": imported, "first_step_s": first, "step_ms": statistics.median(times[WARM_UP:]) * 1e3,
        "peak_memory_mb": peak / (2**20 if sys.platform == "darwin" else 2**10), "loss": loss, "product_gflops": product_rate(torch),
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

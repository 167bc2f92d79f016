"""How many threads compute: one pool, Numba's, beside which NumPy's BLAS gets a single thread (two pools that spin ruin each other)."""

import os

_available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
_threads = max(1, min(_available, int(os.environ.get("NUMBA_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or _available)))


def get_num_threads() -> int:
    """The number of threads a kernel may use."""
    return _threads


def set_num_threads(count: int) -> None:
    """Let kernels use `count` threads, at most as many as the process may run on."""
    global _threads
    if type(count) is not int or count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {count!r}")
    _threads = min(count, _available)

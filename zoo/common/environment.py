"""What a run depended on besides its flags: the code, the libraries, the machine."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import framework


def commit() -> dict[str, Any] | None:
    """The commit of the code that runs and whether files differ from it; None outside a git checkout."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"sha": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that compute."""
    return {
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "numba": metadata.version("numba"),
        "framework": framework.__version__,
    }


def machine(device: framework.device) -> dict[str, Any]:
    """The processor, its cores and the threads that compute, the memory in bytes, the system, and the GPU if used."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": framework.get_num_threads(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": platform.platform(),
        "gpu": framework.cuda.get_device_name(device) if device.type == "cuda" else None,
    }


def peak_memory(device: framework.device) -> dict[str, int | None]:
    """The most memory in bytes that this process has held: resident on the host, and on the GPU if used."""
    return {
        "host": framework.memory_stats()["peak"],
        "gpu": framework.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def _cpu_model() -> str:
    try:
        if sys.platform == "darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, subprocess.CalledProcessError, StopIteration):
        return platform.machine()  # such as aarch64, where Linux names no model

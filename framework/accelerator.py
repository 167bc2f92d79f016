"""Whatever is faster than the CPU: an NVIDIA GPU, or nothing."""

from . import cuda
from .device import device

__all__ = ["current_accelerator", "current_device_index", "device_count", "is_available", "set_device_index", "synchronize"]

is_available, device_count = cuda.is_available, cuda.device_count


def current_accelerator(check_available: bool = False) -> device | None:
    """`device("cuda")`, or None without a GPU."""
    return device("cuda") if is_available() else None


def _require() -> None:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The number of the GPU in use."""
    _require()
    return cuda.current_device()


def set_device_index(device) -> None:
    """Use GPU number `device` from here on."""
    _require()
    cuda.set_device(device)


def synchronize(device=None) -> None:
    """Wait until the GPU has done all it was given."""
    _require()
    cuda.synchronize(device)

"""Whatever is faster than the CPU: an NVIDIA GPU, or nothing."""

from . import cuda
from .device import device

is_available, device_count = cuda.is_available, cuda.device_count


def current_accelerator(check_available: bool = False) -> device | None:
    """`device("cuda")`, or None without a GPU."""
    return device("cuda") if is_available() else None


def set_device_index(device) -> None:
    """Use GPU number `device` from here on."""
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    cuda.set_device(device)

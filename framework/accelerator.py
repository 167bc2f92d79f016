"""Whatever is faster than the CPU: an NVIDIA GPU, or nothing."""

from . import cuda
from .device import device

is_available, device_count, set_device_index = cuda.is_available, cuda.device_count, cuda.set_device


def current_accelerator(check_available: bool = False) -> device | None:
    """`device("cuda")`, or None without a GPU."""
    return device("cuda") if is_available() else None

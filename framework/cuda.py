"""NVIDIA GPUs, through CuPy."""

from .device import cuda_is_available as is_available
from .device import device as _device
from .device import namespace

__all__ = ["device_count", "is_available", "synchronize"]


def device_count() -> int:
    """How many GPUs there are."""
    return namespace(_device("cuda")).cuda.runtime.getDeviceCount() if is_available() else 0


def synchronize() -> None:
    """Wait until the GPU has done all it was given."""
    namespace(_device("cuda")).cuda.Device().synchronize()

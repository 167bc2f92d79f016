"""NVIDIA GPUs, through CuPy.  Where there is none: 0 devices, 0 bytes, and a RuntimeError from what needs one."""

from contextlib import nullcontext

from .device import cuda_is_available, namespace
from .device import device as _device
from .random import default_generator

is_available = cuda_is_available


def _gpu(where=None):
    """CuPy's object for a GPU that is given as a number, a name or a device; the one in use for None, -1 and "cuda"."""
    where = _device("cuda" if where in (None, -1) else where)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return namespace(where).cuda.Device(where.index)


def device(device):
    """In this block the GPU in use is number `device`: `with cuda.device(1):`; -1 and None change nothing."""
    return nullcontext() if device in (None, -1) else _gpu(device)


def device_count() -> int:
    """How many GPUs there are."""
    return namespace(_device("cuda")).cuda.runtime.getDeviceCount() if is_available() else 0


def current_device() -> int:
    """The number of the GPU in use."""
    return _gpu().id


def set_device(device) -> None:
    """Use GPU number `device` from here on; -1 changes nothing."""
    if device != -1:
        _gpu(device).use()


def get_device_name(device=None) -> str:
    """What a GPU is called by its maker."""
    return namespace(_device("cuda")).cuda.runtime.getDeviceProperties(_gpu(device).id)["name"].decode()


def synchronize(device=None) -> None:
    """Wait until the GPU has done all it was given."""
    _gpu(device).synchronize()


def _pool_size(device, which: str) -> int:
    if not is_available():
        return 0
    with _gpu(device):
        return getattr(namespace(_device("cuda")).get_default_memory_pool(), which)()


def memory_allocated(device=None) -> int:
    """Bytes that arrays on the GPU have now."""
    return _pool_size(device, "used_bytes")


def max_memory_allocated(device=None) -> int:
    """The most bytes that arrays on the GPU had at once, rounded up to the blocks that CuPy's pool took from the driver and keeps."""
    return _pool_size(device, "total_bytes")


def empty_cache() -> None:
    """Give the GPU memory that is kept but not in use back to the driver."""
    if is_available():
        namespace(_device("cuda")).get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Seed the generator that GPUs draw from, which is the one that the CPU does; without a GPU, nothing is changed."""
    if is_available():
        default_generator.manual_seed(seed)



"""NVIDIA GPUs, through CuPy.  Where there is none: 0 devices, 0 bytes, and an AssertionError, PyTorch's, from what needs one."""

from contextlib import contextmanager, nullcontext

from .device import cuda_is_available, namespace
from .device import device as _device
from .random import default_generator

is_available = cuda_is_available


def _cupy():
    try:
        return namespace(_device("cuda"))
    except RuntimeError as error:
        raise AssertionError(str(error)) from None


def _index(where) -> int:
    """The number of a GPU given as a number, a name or a device; -1, which stands for the one in use, if it has none."""
    where = _device("cuda", where) if isinstance(where, int) else _device("cuda" if where is None else where)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return -1 if where.index is None else where.index


@contextmanager
def device(device):
    """In this block the GPU in use is number `device`: `with cuda.device(1):`; -1 and None change nothing."""
    index = _index(device)
    with namespace(_device("cuda", index)).cuda.Device(index) if index >= 0 else nullcontext():
        yield


_using = device  # for the functions that have an argument of this name


def device_count() -> int:
    """How many GPUs there are."""
    return _cupy().cuda.runtime.getDeviceCount() if is_available() else 0


def current_device() -> int:
    """The number of the GPU in use."""
    return _cupy().cuda.runtime.getDevice()


def set_device(device) -> None:
    """Use GPU number `device` from here on."""
    index = _index(device)
    if index >= 0:
        namespace(_device("cuda", index)).cuda.Device(index).use()


def get_device_name(device=None) -> str:
    """What a GPU is called by its maker."""
    runtime, index = _cupy().cuda.runtime, _index(device)
    return runtime.getDeviceProperties(current_device() if index < 0 else index)["name"].decode()


def synchronize(device=None) -> None:
    """Wait until the GPU has done all it was given."""
    runtime = _cupy().cuda.runtime
    with _using(device):
        runtime.deviceSynchronize()


def _pool_size(device, which: str) -> int:
    if not is_available():
        return 0
    with _using(device):
        return getattr(_cupy().get_default_memory_pool(), which)()


def memory_allocated(device=None) -> int:
    """Bytes that arrays on the GPU have now."""
    return _pool_size(device, "used_bytes")


def max_memory_allocated(device=None) -> int:
    """The most bytes that arrays on the GPU had at once, rounded up to the blocks that CuPy's pool took from the driver and keeps."""
    return _pool_size(device, "total_bytes")


def empty_cache() -> None:
    """Give the GPU memory that is kept but not in use back to the driver."""
    if is_available():
        _cupy().get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Seed the generator that GPUs draw from, which is the one that the CPU does; without a GPU, nothing is changed."""
    if is_available():
        default_generator.manual_seed(seed)


manual_seed_all = manual_seed

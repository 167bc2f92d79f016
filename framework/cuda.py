"""NVIDIA GPUs, through CuPy.  Where there is none: 0 devices, 0 bytes, and a RuntimeError from what needs one."""

from contextlib import nullcontext

from .device import cuda_is_available as is_available, device as _device, device_count, namespace
from .kernels.cuda_memory import empty_cache, max_memory_allocated, max_memory_reserved, memory_allocated, memory_reserved
from .kernels.cuda_streams import Event, Stream, current_stream, default_stream, is_current_stream_capturing, stream
from .random import default_generator


def _gpu(where=None):
    """CuPy's object for a GPU that is given as a number, a name or a device; the one in use for None, -1 and "cuda"."""
    where = _device("cuda" if where in (None, -1) else where)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return namespace(where).cuda.Device(where.index)


def device(device):
    """In this block the GPU in use is number `device`: `with cuda.device(1):`; -1 and None change nothing."""
    return nullcontext() if device in (None, -1) else _gpu(device)


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


def manual_seed(seed: int) -> None:
    """Seed the generator that GPUs draw from, which is the one that the CPU does; without a GPU, nothing is changed."""
    if is_available():
        default_generator.manual_seed(seed)

"""Copies from the host to a GPU that run while it computes, and small ones that need not be made again.

    host's array -> page-locked buffer of a lane  |  -> the lane's buffer on the GPU  |  -> an array of its own
    by the host                                   |  by a stream that only copies     |  by the stream in use, in a moment

The second step, the slow one, waits only until the array that took this lane before has left it: so the next batch arrives while the GPU is
at work on this one.
"""

import functools
import itertools

import numpy as np

from ..device import gpus
from .cuda import cupy


def pinned(array):
    """A copy in memory of the host that a GPU reads by itself, page-locked."""
    copy = cupy().cuda.alloc_pinned_memory(max(1, array.nbytes))
    out = np.frombuffer(copy, array.dtype, array.size).reshape(array.shape)
    out[...] = array
    return out


def is_pinned(array) -> bool:
    """Whether `array` lies in such memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    array = array.obj if isinstance(array, memoryview) else array
    return type(array).__module__.startswith("cupy")


class _Lane:
    """Where one array is on its way from the host to a GPU: buffers on both sides, and marks when each may be used again."""

    def __init__(self):
        self.host = self.gpu = self.copied = self.taken = None

    def send(self, array, copies):
        """`array` on the GPU: copied by the stream `copies`, and then taken from the lane by the stream in use."""
        now, direct = cupy().cuda.get_current_stream(), is_pinned(array)
        if self.gpu is None or self.gpu.size < array.nbytes:
            self.gpu, self.host, self.taken = cupy().empty(array.nbytes, np.uint8), None, now.record()  # after who had this memory
        source = array if direct else self._staged(array)
        copies.wait_event(self.taken)
        self.gpu.data.copy_from_host_async(source.ctypes.data, array.nbytes, copies)
        self.copied = copies.record()
        now.wait_event(self.copied)
        out = self.gpu[: array.nbytes].view(array.dtype).reshape(array.shape).copy()
        self.taken = now.record()
        if direct:
            self.copied.synchronize()  # its owner may write to it again
        return out

    def _staged(self, array):
        """`array` in the lane's own page-locked memory."""
        if self.copied is not None:
            self.copied.synchronize()  # who was there before has left
        if self.host is None:
            self.host = pinned(np.empty(self.gpu.size, np.uint8))
        place = self.host[: array.nbytes].view(array.dtype).reshape(array.shape)
        place[...] = array
        return place


_WORTH_A_LANE = 1 << 20  # bytes: less is there before anybody waits for it
_LANES = 4  # of a GPU: so many arrays may be on their way
_roads = {}  # number of a GPU -> the stream that copies, its lanes in turn


def send(array):
    """`array` of the host on the GPU in use: the copy waits for nothing that is computed, and what is computed next waits for the copy."""
    if array.nbytes < _WORTH_A_LANE or gpus.recording is not None:
        return cupy().asarray(array)
    here = cupy().cuda.Device().id
    if here not in _roads:
        _roads[here] = cupy().cuda.Stream(non_blocking=True), itertools.cycle([_Lane() for _ in range(_LANES)])
    copies, lanes = _roads[here]
    return next(lanes).send(np.ascontiguousarray(array), copies)


_LARGEST_KEPT = 1 << 18  # bytes


def keep(array, gpu: int):
    """`array` of the host, which nobody changes, on that GPU: 256 that are not too large are there already when they come again."""
    found = (_kept if array.nbytes <= _LARGEST_KEPT else _kept.__wrapped__)(array.tobytes(), array.shape, str(array.dtype), gpu)
    if gpus.recording:
        gpus.recording.constants.append(found)
    return found


@functools.lru_cache(256)
def _kept(data: bytes, shape: tuple, dtype: str, gpu: int):
    with cupy().cuda.Device(gpu):
        return cupy().asarray(np.frombuffer(data, dtype).reshape(shape))


gpus.send, gpus.pinned, gpus.keep = send, pinned, keep

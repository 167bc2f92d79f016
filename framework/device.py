"""Where arrays live: the one module that knows NumPy from CuPy.

An array is a NumPy array on the "cpu" or a CuPy array on "cuda:i".  Everything above asks this module for the array's namespace
(`array_module`) and otherwise writes plain NumPy.
"""

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np

from .offered import expect


class device:
    """A place for tensors: `device("cpu")`, `device("cuda")`, `device("cuda", 1)`; RuntimeError for any other name."""

    def __init__(self, type, index: int | None = None):
        text = f"cuda:{type}" if isinstance(type, int) else str(type)
        name, _, number = text.partition(":")
        valid = name in ("cpu", "cuda") and (not number or number.isdigit() and index is None)
        expect(valid, f"Expected one of cpu, cuda, cuda:<index>, or cuda and an index, but got device '{text}'")
        self.type, self.index = name, int(number) if number else index

    def __eq__(self, other) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"


CPU = device("cpu")
# Is one used, and are there several (known once the first tensor is put on one)?  What is done then: kernels/__init__.py.
# For kernels/cuda_graph.py: what a step is recorded by, while it is; leaves whose `.grad` changes, while they are noted, with what it was;
# and how often something has begun to look at other memory than before, which a recorded step cannot know of.
gpus = SimpleNamespace(used=False, several=False, begin=None, send=None, keep=None, pinned=None, bits=None, recording=None, noted=None,
                       changes=0)  # fmt: skip


def anew(work, undo=lambda: None) -> tuple:
    """The numbers that `work()` gives; while a step is recorded, on the GPU, to be asked for at every launch: `Recording.anew`."""
    return work() if gpus.recording is None else gpus.recording.anew(work, undo)


def array_module(array):
    """The namespace that made `array`: numpy, or cupy for an array on a GPU."""
    return sys.modules["cupy"] if type(array).__module__.startswith("cupy") else np


def constant(array, like):
    """A NumPy array that nobody changes on the device of the array `like`, where it is kept if it is not too large."""
    return array if array_module(like) is array_module(array) else gpus.keep(array, like.device.id)


def device_of(array) -> device:
    """The device that holds `array`."""
    return CPU if array_module(array) is np else device("cuda", array.device.id)


def device_count() -> int:
    """How many GPUs CuPy sees."""
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceCount()
    except (ImportError, RuntimeError):  # no CuPy; no driver
        return 0


def cuda_is_available() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    return device_count() > 0


def namespace(where: device):
    """The module that makes arrays on `where`; RuntimeError if there is no such device."""
    if where.type == "cpu":
        return np
    expect(cuda_is_available(), f"'{where}': no CUDA GPU can be used here: it takes a driver and pip install 'framework-zoo[cuda13]'")
    cupy = sys.modules["cupy"]
    if not gpus.used:
        gpus.used, gpus.several = True, cupy.cuda.runtime.getDeviceCount() > 1
        gpus.begin(cupy)
    return cupy


def beside(arrays):
    """In this block the GPU in use is the one that holds the first of `arrays` that is on any: CuPy computes on the GPU in use."""
    return next((each.device for each in arrays if each is not None and array_module(each) is not np), None) or nullcontext()


def move(array, where: device):
    """`array` on `where`: itself if it is there already."""
    here = device_of(array)
    if where.type == here.type and (here is CPU or where.index in (None, here.index)):
        return array
    module = namespace(where)
    if module is np:
        return array_module(array).asnumpy(array)
    with module.cuda.Device(where.index):  # None: the one in use
        return gpus.send(array) if here is CPU else module.asarray(array)


def special(array, other=None):
    """SciPy's special functions (erf, digamma, …) for such arrays; loaded when first needed, for it takes a while."""
    if array_module(array) is np is array_module(other):
        import scipy.special

        return scipy.special
    import cupyx.scipy.special

    return cupyx.scipy.special

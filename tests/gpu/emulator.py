"""CuPy's RawModule without a GPU: CUDA C++ compiled for the host by a C++ compiler (`cuda_on_cpu.h`), with every argument checked."""

import ctypes
import functools
import hashlib
import re
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import numpy as np

COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
_FOLDER = tempfile.TemporaryDirectory(prefix="cuda-on-cpu-")


@functools.cache
def library(code: str):
    """The host's library of the kernels in `code`."""
    names = kernels_in(code)
    exports = "".join(
        f'extern "C" const char* launch_{name}(const unsigned* sizes, void** args) {{ return on_cpu::launch({name}, sizes, args); }}\n'
        f'extern "C" void parameters_of_{name}(char* to) {{ on_cpu::parameters({name}, to); }}\n'
        for name in names
    )
    path = Path(_FOLDER.name) / hashlib.sha256(code.encode()).hexdigest()
    source, made_as = (Path(_FOLDER.name) / f"{uuid.uuid4()}{suffix}" for suffix in (".cpp", ".so"))  # another thread may be at it too
    source.write_text(f'#include "{Path(__file__).with_name("cuda_on_cpu.h")}"\n{code}\n{exports}')
    made = subprocess.run([COMPILER, "-std=c++17", "-O1", "-w", "-shared", "-fPIC", source, "-o", made_as], capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"CompileException: {made.stderr}")
    made_as.replace(path)
    return ctypes.PyDLL(str(path))  # one call at a time: threads and blocks are global there


@functools.cache
def parameters(code: str, name: str) -> list:
    """The kinds of what the kernel `name` takes."""
    found = ctypes.create_string_buffer(4096)
    getattr(library(code), f"parameters_of_{name}")(found)
    return found.value.decode().split()


@functools.cache
def kernels_in(code: str) -> list:
    """The names of the kernels in `code`."""
    return re.findall(r"__global__ void (\w+)\(", code)


def launch(code: str, name: str, grid, block, args) -> None:
    """Run the kernel `name`: an argument is a NumPy array that stands for a GPU's, a number or a struct."""
    expected = parameters(code, name)
    if len(args) != len(expected):
        raise TypeError(f"{name} has {len(expected)} parameters, but got {len(args)} arguments")
    values = [_value(name, each, kind) for each, kind in zip(args, expected, strict=True)]
    pointers = (ctypes.c_void_p * len(values))(*[each.ctypes.data for each in values])
    sizes = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
    run = getattr(library(code), f"launch_{name}")
    run.restype = ctypes.c_char_p
    wrong = run(sizes, pointers)
    if wrong:
        raise RuntimeError(f"{name}: {wrong.decode()}")


def _value(name, argument, kind):
    """What is passed for `argument`, as an array whose memory is copied; TypeError if it is not what the kernel takes."""
    if kind[0] == "*":
        if argument is None:
            return np.zeros(1, np.uintp)
        if not isinstance(argument, np.ndarray) or not argument.flags.c_contiguous or _kind(argument.dtype) not in (kind[1:], "s1"):
            got = f"{argument.dtype} {argument.shape} {argument.strides}" if isinstance(argument, np.ndarray) else repr(argument)
            raise TypeError(f"{name} takes a pointer to {kind[1:]}, but got {got}")
        return np.array([argument.ctypes.data], np.uintp)
    value = np.array([argument])  # of an int 64 bits, of a float a double, as CuPy does
    if isinstance(argument, (np.ndarray, type(None))) or _kind(value.dtype) != kind:
        raise TypeError(f"{name} takes {kind}, but got {argument!r}")
    return value


def _kind(dtype) -> str:
    """As `describe` of cuda_on_cpu.h says it."""
    return f"{'s' if dtype.kind == 'V' or dtype == np.float16 else 'f' if dtype.kind == 'f' else 'i'}{dtype.itemsize}"

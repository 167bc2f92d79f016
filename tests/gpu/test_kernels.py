"""Every kernel for GPUs is compiled to an H200's machine code by NVIDIA's own compiler, which needs no GPU."""

import importlib
import re

import ml_dtypes
import numpy as np
import pytest

import framework.kernels
from framework.kernels.cuda import Source

for _name in framework.kernels._GPU:
    importlib.import_module(f"framework.kernels.cuda_{_name}")
TYPES = [np.dtype(each) for each in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)]


def compiled(code: str) -> tuple:
    """The machine code for sm_90, and what the compiler says of the kernels."""
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and nvidia-cuda-nvrtc: Linux on x86-64")
    _, program = nvrtc.nvrtcCreateProgram(code.encode(), b"kernels.cu", 0, [], [])
    options = [b"-std=c++17", b"--gpu-architecture=sm_90", b"--ptxas-options=-v"]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = b" " * nvrtc.nvrtcGetProgramLogSize(program)[1]
    nvrtc.nvrtcGetProgramLog(program, log)
    if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise AssertionError(log.decode())
    cubin = b" " * nvrtc.nvrtcGetCUBINSize(program)[1]
    nvrtc.nvrtcGetCUBIN(program, cubin)
    return cubin, log.decode()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("source", Source.all, ids=lambda source: source.kernels[0])
def test_compiles_for_an_h200(source, dtype):
    """And what a thread computes with stays in registers: arrays with a number that is not known beforehand would lie in memory."""
    cubin, log = compiled(source.text(dtype))
    for name in source.kernels:
        assert name.encode() in cubin
        assert re.search(rf"Function properties for {name}\n.* 0 bytes stack frame, 0 bytes spill stores", log), log


def test_what_does_not_compile_is_said():
    with pytest.raises(AssertionError, match="identifier .nothing. is undefined"):
        compiled('extern "C" __global__ void wrong() { nothing(); }')

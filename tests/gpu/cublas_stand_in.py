"""A stand-in for `nvmath.bindings.cublas`, NVIDIA's bindings of cuBLAS, where there is no GPU: NumPy multiplies what lies at the addresses.

It has what the framework calls, with the names of nvmath-python 1.0.  It refuses what cuBLAS refuses or would read past: a dimension that
is negative, a leading one too short, types that do not go together, addresses at which no array, or too small a one, lies.  Stricter than
cuBLAS, it wants the stream in use, memory to work in, set after the stream was, and no new handle while a stream is captured.
"""

import ctypes
import enum
import operator
import sys
import types

import ml_dtypes
import numpy as np

from tests.gpu import stand_in

Operation = enum.IntEnum("Operation", {"N": 0, "T": 1, "C": 2})
ComputeType = enum.IntEnum("ComputeType", {"COMPUTE_32F": 68, "COMPUTE_32F_FAST_TF32": 77, "COMPUTE_64F": 70})
GemmAlgo = enum.IntEnum("GemmAlgo", {"DEFAULT": -1})
Math = enum.IntEnum("Math", {"DEFAULT_MATH": 0, "DISALLOW_REDUCED_PRECISION_REDUCTION": 16})

SINGLE, DOUBLE, HALF, BFLOAT16 = 0, 1, 2, 14  # cudaDataType
DTYPES = {SINGLE: np.float32, DOUBLE: np.float64, HALF: np.float16, BFLOAT16: ml_dtypes.bfloat16}
COMPUTED = {  # in what -> elements of what
    ComputeType.COMPUTE_32F: (SINGLE, HALF, BFLOAT16), ComputeType.COMPUTE_32F_FAST_TF32: (SINGLE,), ComputeType.COMPUTE_64F: (DOUBLE,),
}  # fmt: skip


class cuBLASError(Exception):
    pass


def _expect(condition, status, what) -> None:
    if not condition:
        raise cuBLASError(f"CUBLAS_STATUS_{status}: {what}")


class _Handle:
    def __init__(self):
        self.device, self.stream, self.math_mode, self.workspace = stand_in.Device(), 0, Math.DEFAULT_MATH, None


_handles = []  # handle n is at n - 1


def _of(handle) -> _Handle:
    handle = operator.index(handle)
    _expect(0 < handle <= len(_handles), "NOT_INITIALIZED", f"no handle {handle}")
    _expect(_handles[handle - 1].device == stand_in.Device(), "NOT_INITIALIZED", "a handle of another GPU")
    return _handles[handle - 1]


def create():
    stand_in._needs_the_host("cublasCreate")
    _handles.append(_Handle())
    return len(_handles)


def set_math_mode(handle, mode):
    _of(handle).math_mode = Math(mode)


def set_stream(handle, stream_id):
    _of(handle).stream, _of(handle).workspace = operator.index(stream_id), None


def set_workspace(handle, workspace, workspace_size_in_bytes):
    _memory(workspace, workspace_size_in_bytes)
    _of(handle).workspace = workspace, workspace_size_in_bytes


def gemm_ex_64(handle, transa, transb, m, n, k, alpha, a, atype, lda, b, btype, ldb, beta, c, ctype, ldc, compute_type, algo):
    gemm_strided_batched_ex_64(
        handle, transa, transb, m, n, k, alpha, a, atype, lda, 0, b, btype, ldb, 0, beta, c, ctype, ldc, 0, 1, compute_type, algo
    )


def gemm_strided_batched_ex_64(
    handle, transa, transb, m, n, k, alpha, a, atype, lda, stride_a, b, btype, ldb, stride_b, beta, c, ctype, ldc, stride_c, batch_count,
    compute_type, algo,
):  # fmt: skip
    """C = alpha op(A) op(B) + beta C, for each of the batch, all of them column by column."""
    GemmAlgo(algo)
    _expect(_of(handle).stream == stand_in._in_use.stream.ptr, "INVALID_VALUE", "the stream is not the one in use")
    _expect(_of(handle).workspace is not None, "NOT_INITIALIZED", "no workspace since the stream was set")
    _memory(*_of(handle).workspace)
    together = atype == btype == ctype and atype in COMPUTED[ComputeType(compute_type)]
    _expect(together, "NOT_SUPPORTED", f"the types {atype, btype, ctype} in {compute_type}")
    _expect(min(m, n, k, batch_count) >= 0, "INVALID_VALUE", f"m, n, k, batch: {m, n, k, batch_count}")
    scale = np.float64 if compute_type == ComputeType.COMPUTE_64F else np.float32
    read = _short if compute_type == ComputeType.COMPUTE_32F_FAST_TF32 else lambda matrices: matrices.astype(scale)
    factor, start = (np.frombuffer(ctypes.string_at(each, scale().itemsize), scale)[0] for each in (alpha, beta))
    first = _matrices("A", a, atype, lda, stride_a, batch_count, m, k, Operation(transa))
    second = _matrices("B", b, btype, ldb, stride_b, batch_count, k, n, Operation(transb))
    out = _matrices("C", c, ctype, ldc, stride_c, batch_count, m, n, Operation.N)

    def compute():
        total = factor * (read(first) @ read(second))
        out[...] = (total + start * out.astype(scale) if start else total).astype(out.dtype)

    stand_in.call_library(compute, a, b, c)


def _matrices(name, address, kind, leading, apart, count, rows, columns, operation):
    """The batch at an address, (count, rows, columns): all of it must lie in one array."""
    length = rows if operation == Operation.N else columns  # of a column as it lies
    _expect(operator.index(leading) >= max(1, length), "INVALID_VALUE", f"the leading dimension of {name} is {leading}, below {length}")
    _expect(operator.index(apart) >= 0, "INVALID_VALUE", f"the matrices of {name} lie {apart} apart")
    dtype = np.dtype(DTYPES[kind])
    _expect(address % dtype.itemsize == 0, "INVALID_VALUE", f"{name} is not aligned")
    steps = (apart, 1, leading) if operation == Operation.N else (apart, leading, 1)
    extent = sum((size - 1) * step for size, step in zip((count, rows, columns), steps, strict=True)) + 1
    memory = _memory(address, dtype.itemsize * extent if count * rows * columns else 0)
    return np.ndarray((count, rows, columns), dtype, memory, 0, [dtype.itemsize * each for each in steps])


def _memory(address, size):
    """`size` bytes from an address on, which must be those of an array."""
    array = stand_in._at(operator.index(address))._host
    end = array.__array_interface__["data"][0] + array.nbytes
    _expect(address + size <= end, "EXECUTION_FAILED", f"{address + size - end} bytes past the end of an array are touched")
    return (ctypes.c_char * size).from_address(address)


def _short(array):
    """float32 with 10 bits of fraction, as tensor cores read it for TF32."""
    return ((np.ascontiguousarray(array).view(np.uint32) + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def modules() -> dict:
    """The bindings' modules by name."""
    cublas, nvmath, bindings = sys.modules[__name__], types.ModuleType("nvmath"), types.ModuleType("nvmath.bindings")
    nvmath.bindings, bindings.cublas = bindings, cublas
    return {"nvmath": nvmath, "nvmath.bindings": bindings, "nvmath.bindings.cublas": cublas}

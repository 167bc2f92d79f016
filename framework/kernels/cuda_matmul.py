"""Matrix products on a GPU by cuBLAS, through NVIDIA's own bindings (nvmath-python): a graph can record them, as it cannot CuPy's.

cuBLAS takes a matrix for one that lies column by column.  One of ours, row by row, is to it the transposed one.  So for out = a @ b it is
asked for out^T = b^T @ a^T, and reads all three as they lie; a matrix that does lie by columns it is told to transpose.
"""

import functools
import math
from threading import Lock

import numpy as np
from ml_dtypes import bfloat16

from ..backends import cuda as switches
from ..ops import linalg as ops
from .cuda import arithmetic, cupy, gpu_kernel

WORKSPACE = 32 << 20  # bytes: what NVIDIA recommends for Hopper
_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1, np.dtype(np.float16): 2, np.dtype(bfloat16): 14}  # CUDA_R_32F, 64F, 16F, 16BF
_FACTORS = {np.dtype(each): (np.zeros(1, each), np.ones(1, each)) for each in (np.float32, np.float64)}  # cuBLAS is told where they lie
_NORMAL, _TRANSPOSED = 0, 1  # CUBLAS_OP_N, CUBLAS_OP_T


class Blas:
    """cuBLAS on one GPU."""

    def __init__(self, bindings):
        self.bindings, self.handle, self.alone = bindings, bindings.create(), Lock()
        bindings.set_math_mode(self.handle, bindings.Math.DISALLOW_REDUCED_PRECISION_REDUCTION)  # 16-bit floats are added up in float32

    def call(self, function, *arguments) -> None:
        """function(handle, …) on CuPy's stream of the moment.

        It is lent memory to work in, for it would ask for some itself, in the middle of a recording too.  What comes next on the stream
        may have that memory, as that of any array that is gone.
        """
        memory = cupy().cuda.alloc(WORKSPACE)
        with self.alone:  # in other threads the stream may be another
            self.bindings.set_stream(self.handle, cupy().cuda.get_current_stream().ptr)
            self.bindings.set_workspace(self.handle, memory.ptr, WORKSPACE)  # after the stream, which takes it away
            function(self.handle, *arguments)

    def compute_type(self, dtype):
        """In what the elements are multiplied and added up."""
        types = self.bindings.ComputeType
        if dtype == np.float64:
            return types.COMPUTE_64F
        return types.COMPUTE_32F_FAST_TF32 if dtype == np.float32 and switches.matmul.allow_tf32 else types.COMPUTE_32F


@functools.cache
def blas(device: int):
    """cuBLAS for the GPU in use, number `device`; None if nvmath-python is not installed."""
    try:
        from nvmath.bindings import cublas
    except ImportError:
        return None
    return Blas(cublas)


def _as_it_lies(matrix):
    """`matrix`, or a copy if cuBLAS cannot read it; the operation for it; its address, type, and how far its rows or columns are apart."""
    rows, columns = matrix.shape[-2:]
    down, along = [each // matrix.itemsize for each in matrix.strides[-2:]]
    ahead = min(matrix.strides) >= 0
    if ahead and (along == 1 or columns == 1) and (down >= columns or rows == 1):
        return matrix, _NORMAL, (matrix.data.ptr, _TYPES[matrix.dtype], down if rows > 1 else columns)
    if ahead and (down == 1 or rows == 1) and along >= rows:
        return matrix, _TRANSPOSED, (matrix.data.ptr, _TYPES[matrix.dtype], along)
    return _as_it_lies(matrix.copy())


def _apart(batch) -> int:
    """How many elements a matrix of a batch is from the next; a batch of one is read again and again."""
    return batch.strides[0] // batch.itemsize if len(batch) > 1 else 0


def product(a, b, out=None, add=False):
    """a @ b, for matrices (M, K) and (K, N), or batches (B, M, K) and (B, K, N), of which one may be of 1; in `out`, or added to it."""
    cublas = blas(a.device.id)
    if out is None:
        if cublas is None:
            return a @ b
        out = cupy().empty((*(b if len(a) == 1 else a).shape[:-2], a.shape[-2], b.shape[-1]), a.dtype)
    if not out.size or not a.shape[-1]:
        if not add:
            out[...] = 0
    elif cublas is None:
        out[...] = a @ b + out if add else a @ b
    elif out.ndim == 3 and len(out) == 1:
        product(a[0], b[0], out[0], add)
    else:
        _multiply(cublas, a, b, out, add)
    return out


def _multiply(cublas, a, b, out, add) -> None:
    """out = a @ b, or out += a @ b.  What is b to us is cuBLAS's first matrix."""
    target, order, third = _as_it_lies(out)
    if order == _TRANSPOSED:
        _multiply(cublas, b.mT, a.mT, out.mT, add)
        return
    a, second_order, second = _as_it_lies(a)
    b, first_order, first = _as_it_lies(b)
    zero_one = _FACTORS[arithmetic(out.dtype)]
    one, factor = zero_one[1].ctypes.data, zero_one[add].ctypes.data  # of a @ b, and of what is in `out`
    head = first_order, second_order, b.shape[-1], a.shape[-2], a.shape[-1], one
    how = cublas.compute_type(out.dtype), cublas.bindings.GemmAlgo.DEFAULT
    if out.ndim == 2:
        cublas.call(cublas.bindings.gemm_ex_64, *head, *first, *second, factor, *third, *how)
    else:
        batched = cublas.bindings.gemm_strided_batched_ex_64
        cublas.call(batched, *head, *first, _apart(b), *second, _apart(a), factor, *third, _apart(target), len(out), *how)
    if target is not out:
        out[...] = target


def fits(*arrays) -> bool:
    """Whether all arrays (None is left out) are of one type that cuBLAS knows, on one GPU, and cuBLAS is there."""
    kinds = {(each.dtype, each.device.id) for each in arrays if each is not None}
    (dtype, device), *others = kinds
    return not others and dtype in _TYPES and blas(device) is not None


@gpu_kernel(ops.matrix_product)
def cublas_matmul(input, other):
    """Batches that broadcast are laid out, but for a single matrix: as the second it multiplies all rows, as the first it is read again."""
    if input.ndim < 2 or other.ndim < 2 or input.shape[-1] != other.shape[-2] or not fits(input, other):
        return NotImplemented
    if other.ndim == 2:
        return product(rows_of(input), other).reshape(*input.shape[:-1], other.shape[-1])
    outer = [each.shape[:-2] for each in (input, other)]
    if not all([m == n or 1 in (m, n) for m, n in zip(*[each[::-1] for each in outer], strict=False)]):
        return NotImplemented  # the op says what is wrong
    batch = np.broadcast_shapes(*outer)
    return product(*[_as_batch(each, batch) for each in (input, other)]).reshape(*batch, input.shape[-2], other.shape[-1])


def _as_batch(array, batch: tuple):
    """Matrices (…, M, N) as (B, M, N), as many as `batch` has; a single one alone."""
    if math.prod(array.shape[:-2]) != 1:
        array = cupy().broadcast_to(array, (*batch, *array.shape[-2:]))
    return array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def rows_of(array):
    """(…, n) as a matrix (N, n)."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])

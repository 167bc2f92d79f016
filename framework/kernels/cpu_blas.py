"""Matrix products inside Numba code: SciPy's BLAS, called single-threaded from the tasks of our own threads.

Two pools of spinning threads ruin each other (a 0.15 ms kernel and a 0.20 ms product in turn take 8 ms), so BLAS gets one thread, and
kernels cut their products into a task a thread.
"""

import llvmlite.binding as llvm
import numba as nb
import scipy.linalg.cython_blas  # noqa: F401  loads the library whose address is taken below
import threadpoolctl
from numba.core import cgutils, types
from numba.extending import get_cython_function_address, intrinsic

for _name in ("sgemm", "dgemm"):
    llvm.add_symbol(f"framework_{_name}", get_cython_function_address("scipy.linalg.cython_blas", _name))

# void gemm(char *transa, *transb, int *m, *n, *k, T *alpha, *a, int *lda, T *b, int *ldb, T *beta, *c, int *ldc)
_SIGNATURE = types.void(*(types.intp,) * 13)
memcpy = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))  # (to, from, bytes)
_sgemm = types.ExternalFunction("framework_sgemm", _SIGNATURE)
_dgemm = types.ExternalFunction("framework_dgemm", _SIGNATURE)

threadpoolctl.threadpool_limits(1, user_api="blas")


@intrinsic
def _address(typing_context, value):
    """The address of a copy of `value` on the stack: BLAS takes its scalars by reference."""

    def generate(context, builder, signature, args):
        return builder.ptrtoint(cgutils.alloca_once_value(builder, args[0]), context.get_value_type(types.intp))

    return types.intp(value), generate


@nb.njit(inline="always")
def _leading(matrix):
    """(is it stored by rows?, elements between neighbouring rows, or columns)."""
    rows, columns = matrix.shape
    size = matrix.itemsize
    if matrix.strides[1] == size or columns == 1:
        return True, max(matrix.strides[0] // size, columns)
    return False, max(matrix.strides[1] // size, rows)


@nb.njit(cache=True, error_model="numpy")
def gemm(a, b, out, beta):
    """out = a @ b + beta out, for matrices stored by rows or by columns with any distance between them; `out` by rows.

    BLAS counts by columns, so it is asked for outᵀ = bᵀ aᵀ.
    """
    m, k = a.shape
    n = b.shape[1]
    a_by_rows, lda = _leading(a)
    b_by_rows, ldb = _leading(b)
    _, ldc = _leading(out)
    trans_b = nb.uint8(78) if b_by_rows else nb.uint8(84)  # 'N', 'T'
    trans_a = nb.uint8(78) if a_by_rows else nb.uint8(84)
    one, scale = a.dtype.type(1), a.dtype.type(beta)
    pointers = (
        _address(trans_b), _address(trans_a), _address(nb.int32(n)), _address(nb.int32(m)), _address(nb.int32(k)),
        _address(one), b.ctypes.data, _address(nb.int32(ldb)), a.ctypes.data, _address(nb.int32(lda)),
        _address(scale), out.ctypes.data, _address(nb.int32(ldc)),
    )  # fmt: skip
    if a.itemsize == 4:
        _sgemm(*pointers)
    else:
        _dgemm(*pointers)

"""`framework.linalg`: linear algebra with PyTorch's newer names and arguments; the arithmetic stands in ops/decompositions.py."""

from functools import cache

from . import dtypes
from .ops import products
from .ops.decompositions import LinAlgError, check_matrices, det, eigh, inv, lower_cholesky, qr, singular_values, slogdet, solve
from .ops.decompositions import identity as _identity
from .ops.diagonal import diagonal as _diagonal
from .ops.elementwise import abs as _abs
from .ops.linalg import matmul
from .ops.reduce import amax, amin, sum
from .ops.reduce import norm as _norm
from .ops.shape import broadcast_to, movedim, normalize, unsqueeze

__all__ = [
    "LinAlgError", "cholesky", "cross", "det", "diagonal", "eigh", "inv", "matrix_norm", "matrix_power", "multi_dot", "norm", "qr",
    "slogdet", "solve", "svd", "vector_norm",
]  # fmt: skip


def cholesky(input, *, upper=False):
    """The lower triangular L with input = L L^T (or, if `upper`, U = L^T) of symmetric positive-definite matrices."""
    return lower_cholesky(input.mT).mT if upper else lower_cholesky(input)


def cross(input, other, *, dim=-1):
    """The vector product along `dim`, of length 3."""
    return products.cross(input, other, dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices (…, M, N)."""
    return _diagonal(A, offset, dim1, dim2)


def svd(A, full_matrices=True, *, driver=None):
    """(U, S, Vh) with A = U diag(S) Vh, S falling; without `full_matrices`, as many columns and rows as there are singular values."""
    if driver is not None:
        raise RuntimeError("linalg.svd: the keyword argument `driver=` is not supported")
    return singular_values(A, bool(full_matrices))


def matrix_power(input, n):
    """The product of `n` copies of square matrices, by repeated squaring; of their inverses if `n` is negative."""
    if not isinstance(n, int):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    check_matrices("linalg.matrix_power", input, any_type=True)
    if n < 0:
        return matrix_power(inv(input), -n)
    if n < 2:
        return input.clone() if n else broadcast_to(_identity(input.shape[-1], input), tuple(input.shape)).clone()
    half = matrix_power(input, n // 2)
    return matmul(matmul(half, half), input) if n % 2 else matmul(half, half)


def multi_dot(tensors):
    """The product of a chain of matrices (the first and the last may be vectors), in the order of the fewest multiplications."""
    last = len(tensors) - 1
    if last < 1:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {last + 1}")
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    chain = [unsqueeze(tensors[0], 0) if row else tensors[0], *tensors[1:-1], unsqueeze(tensors[-1], 1) if column else tensors[-1]]
    for i, each in enumerate(chain):
        if each.ndim != 2:
            must = {0: "the first tensor must be 1D or 2D", last: "the last tensor must be 1D or 2D"}.get(i, f"tensor {i} must be 2D")
            raise RuntimeError(f"multi_dot(): {must} but got {each.ndim}D")
    for i in range(last):
        if chain[i].shape[1] != chain[i + 1].shape[0]:
            shapes = f"{list(tensors[i].shape)} and {list(tensors[i + 1].shape)}"
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {shapes} cannot be multiplied")
    sizes = [chain[0].shape[0], *(each.shape[1] for each in chain)]

    @cache
    def cheapest(i, j):  # (multiplications, where to cut) for the chain from i to j
        cuts = ((cheapest(i, k)[0] + cheapest(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))
        return min(cuts, default=(0, i))

    def multiply(i, j):
        cut = cheapest(i, j)[1]
        return chain[i] if i == j else matmul(multiply(i, cut), multiply(cut + 1, j))

    out = multiply(0, last)
    return out.reshape(out.shape[int(row) : 2 - column])


def _widened(name, input, dtype):
    """`input` in `dtype`, which must be floating and at least as wide."""
    if not input.is_floating_point():
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {input.dtype.name}")
    if dtype is None:
        return input
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {dtype.name}")
    if dtypes.promote_types(dtype, input.dtype) is not dtype:
        narrowing = f"the dtype of the input ({input.dtype.name}) should be convertible without narrowing to the specified dtype"
        raise RuntimeError(f"{name}: {narrowing} ({dtype.name})")
    return input.to(dtype)


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(sum |x|^ord)^(1/ord) of all elements or along `dim`; the largest |x| for inf, the smallest for -inf, how many are not 0 for 0."""
    if isinstance(ord, str):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type(ord).__name__}")
    return _norm(_widened("linalg.vector_norm", x, dtype), ord, dim, keepdim)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """Norms of matrices: sqrt(sum A^2) ("fro"); of the singular values the sum ("nuc"), largest (2), smallest (-2); of the columns' (1, -1)
    or rows' (inf, -inf) sums of |A| the largest or smallest."""
    name = "linalg.matrix_norm"
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    A = _widened(name, A, dtype)
    check_matrices(name, A, square=False, any_type=ord not in ("nuc", 2, -2))
    rows, columns = (normalize(each, A.ndim) for each in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got {tuple(dim)}")
    extreme = amin if isinstance(ord, (int, float)) and ord < 0 else amax
    if ord == "fro":
        return _norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        values = singular_values(movedim(A, (rows, columns), (-2, -1)), False).S
        out = sum(values, -1) if ord == "nuc" else extreme(values, -1)
    elif ord in (1, -1, float("inf"), -float("inf")):
        out = extreme(sum(_abs(A), rows if ord in (1, -1) else columns, True), (rows, columns))
    else:
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    return unsqueeze(unsqueeze(out, min(rows, columns)), max(rows, columns)) if keepdim else out


def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`matrix_norm` over two dimensions, `vector_norm` over one; without `ord` the square root of the sum of all squares."""
    dims = None if dim is None else tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if dims is not None and len(dims) > 2:
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if ord is None:
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is None and A.ndim not in (1, 2) and not isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.")
    if isinstance(ord, str) or len(dims or A.shape) == 2:
        return matrix_norm(A, ord, dims or (-2, -1), keepdim, dtype=dtype)
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)

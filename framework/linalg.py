"""`framework.linalg`: linear algebra by PyTorch's newer names; the factorisations stand in ops/decompositions.py."""

from functools import cache
from math import inf

from .creation import eye
from .ops import products
from .ops.decompositions import cholesky, det, eigh, inv, slogdet, solve
from .ops.decompositions import linalg_qr as qr
from .ops.decompositions import linalg_svd as svd
from .ops.diagonal import diagonal as _diagonal
from .ops.promotion import expect
from .ops.reduce import norm as _norm
from .ops.shape import distinct

__all__ = ["cholesky", "cross", "det", "diagonal", "eigh", "inv", "matrix_norm", "matrix_power", "multi_dot", "norm", "qr", "slogdet",
           "solve", "svd", "vector_norm"]  # fmt: skip


def cross(input, other, *, dim=-1):
    """The vector product along `dim`, of length 3."""
    return products.cross(input, other, dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices (…, M, N)."""
    return _diagonal(A, offset, dim1, dim2)


def matrix_power(input, n):
    """The product of `n` copies of square matrices, by repeated squaring; of their inverses if `n` is negative."""
    expect(isinstance(n, int), f"matrix_power(): n must be int, not {type(n).__name__}", TypeError)
    expect(input.ndim > 1 and input.shape[-1] == input.shape[-2], f"matrix_power(): expected square matrices, not {tuple(input.shape)}")
    if n < 0:
        return matrix_power(inv(input), -n)
    if n < 2:
        return input.clone() if n else eye(input.shape[-1], dtype=input.dtype, device=input.device).expand(input.shape).clone()
    half = matrix_power(input, n // 2)
    return half @ half @ input if n % 2 else half @ half


def multi_dot(tensors):
    """The product of a chain of matrices (the first and the last may be vectors), in the order of the fewest multiplications."""
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    chain = [tensors[0].unsqueeze(0) if row else tensors[0], *tensors[1:-1], tensors[-1].unsqueeze(1) if column else tensors[-1]]
    right = len(tensors) > 1 and all(each.ndim == 2 for each in chain)
    expect(right, f"multi_dot(): expected two or more matrices, but got the shapes {[tuple(each.shape) for each in tensors]}")
    sizes = [chain[0].shape[0], *(each.shape[1] for each in chain)]

    @cache
    def cheapest(i, j):  # (multiplications, where to cut) for the chain from i to j
        cuts = ((cheapest(i, k)[0] + cheapest(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))
        return min(cuts, default=(0, i))

    def multiply(i, j):
        cut = cheapest(i, j)[1]
        return chain[i] if i == j else multiply(i, cut) @ multiply(cut + 1, j)

    out = multiply(0, len(chain) - 1)
    return out.reshape(out.shape[int(row) : 2 - column])


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(sum |x|^ord)^(1/ord) of all elements or along `dim`; the largest |x| for inf, the smallest for -inf, how many are not 0 for 0."""
    expect(isinstance(ord, (int, float)), f"vector_norm(): ord must be a number, not {ord!r}", TypeError)
    return _norm(x, ord, dim, keepdim, dtype)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """Norms of matrices: sqrt(sum A^2) ("fro"); of the singular values the sum ("nuc"), largest (2), smallest (-2); of the columns' (1, -1)
    or rows' (inf, -inf) sums of |A| the largest or smallest."""
    dims = distinct(dim, A.ndim)
    expect(len(dims) == 2, f"matrix_norm(): dim must be two dimensions, but is {dim}")
    expect(ord in ("fro", "nuc", 1, -1, 2, -2, inf, -inf), f"matrix_norm(): Order {ord} not supported.")
    if ord == "fro":
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    A = (A if dtype is None else A.to(dtype)).movedim(dims, (-2, -1))
    values = svd(A, False).S if ord in ("nuc", 2, -2) else vector_norm(A, 1, -2 if abs(ord) == 1 else -1)
    # of nothing, the largest is 0
    out = values.sum(-1) if ord == "nuc" or (ord > 0 and not values.shape[-1]) else (values.amax if ord > 0 else values.amin)(-1)
    for each in sorted(dims) if keepdim else ():
        out = out.unsqueeze(each)
    return out


def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`matrix_norm` over two dimensions, `vector_norm` over one; without `ord` the square root of the sum of all squares."""
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    dims = tuple(range(-A.ndim, 0)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if isinstance(ord, str) or len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    expect(len(dims) == 1, f"norm(): order {ord} is that of a vector or a matrix, but the dimensions are {dims}")
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)

"""Products of vectors and matrices, by PyTorch's names for each combination of dimensions."""

import string

from ..autograd.op import like
from .diagonal import diagonal
from .einsum import einsum
from .elementwise import add, mul
from .linalg import matmul, matrix_product
from .promotion import expect, refuse, same_type
from .reduce import sum
from .shape import distinct, expand, normalize, reshape, roll, unsqueeze


def _of(ndims, name, *tensors) -> tuple:
    got = tuple(each.ndim for each in tensors)
    expect(got == ndims, f"{name}: expected tensors of {ndims} dimensions, but got {got}")
    return tensors


def mm(input, mat2):
    """(N, M) @ (M, P)."""
    return matrix_product(*_of((2, 2), "mm", input, mat2))


def bmm(input, mat2):
    """(B, N, M) @ (B, M, P), one product for each of the batch."""
    input, mat2 = _of((3, 3), "bmm", input, mat2)
    expect(input.shape[0] == mat2.shape[0], f"bmm: expected batches of one size, but got {input.shape[0]} and {mat2.shape[0]}")
    return matrix_product(input, mat2)


def mv(input, vec):
    """(N, M) @ (M)."""
    return matmul(*_of((2, 1), "mv", input, vec))


def dot(input, tensor):
    """The inner product of two vectors."""
    return matmul(*_of((1, 1), "dot", input, tensor))


vdot = dot  # it differs for complex numbers


def inner(input, other):
    """The sums of products along the last dimension of both: (…, M) by (*, M) is (…, *); a number scales."""
    if not (input.ndim and other.ndim):
        return mul(input, other)
    last = input.shape[-1], other.shape[-1]
    expect(last[0] == last[1], f"inner: the last dimensions must be of one length, but are {last}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input, vec2):
    """(N) by (M): the (N, M) products of each with each."""
    input, vec2 = _of((1, 1), "outer", input, vec2)
    return mul(unsqueeze(input, 1), vec2)


def _plus(input, product, beta, alpha):
    """beta input + alpha product, of the product's shape; with beta = 0 what is in `input` does not count, not even its nan."""
    same_type(input, product)
    if not input.is_floating_point():
        beta, alpha = int(beta), int(alpha)  # cut off, as PyTorch does
    product = product if alpha == 1 else like(mul(product, alpha), product)
    return product if beta == 0 else add(product, expand(input, tuple(product.shape)), alpha=beta)


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta input + alpha (mat1 @ mat2)."""
    return _plus(input, mm(mat1, mat2), beta, alpha)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta input + alpha (mat @ vec)."""
    return _plus(input, mv(mat, vec), beta, alpha)


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (the sum over the batch of batch1 @ batch2)."""
    return _plus(input, sum(bmm(batch1, batch2), 0, dtype=batch1.dtype), beta, alpha)


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (batch1 @ batch2), for each of the batch."""
    return _plus(input, bmm(batch1, batch2), beta, alpha)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta input + alpha (vec1 by vec2)."""
    expect(input.is_floating_point() or type(beta) is type(alpha) is int, f"addr: beta and alpha must be integers: {beta}, {alpha}")
    return _plus(input, outer(vec1, vec2), beta, alpha)


def tensordot(a, b, dims=2):
    """The sum of products over pairs of dimensions: the last `dims` of `a` with the first of `b`, or those in the two lists `dims`."""
    if isinstance(dims, int):
        expect(0 <= dims <= min(a.ndim, b.ndim), f"tensordot: dims={dims} for tensors of {a.ndim} and {b.ndim} dimensions")
        dims = range(-dims, 0), range(dims)
    first, second = distinct(dims[0], a.ndim), distinct(dims[1], b.ndim)
    expect(len(first) == len(second), f"tensordot: both lists of dimensions should have the same length, but got {first} and {second}")
    refuse("b", "tensordot", *same_type(a, b))
    names, others = string.ascii_uppercase[: a.ndim], string.ascii_lowercase[: b.ndim]
    for i, j in zip(first, second, strict=True):
        others = others.replace(string.ascii_lowercase[j], names[i])
    return einsum(f"{names},{others}", a, b).to(a.dtype)  # of the names that occur once, a's come before b's


def kron(input, other):
    """Kronecker's product: every element of `input` times the whole of `other`, laid out in blocks."""
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - each.ndim) + tuple(each.shape) for each in (input, other))
    each_with_all = mul(reshape(input, [n for m in a for n in (m, 1)]), reshape(other, [n for m in b for n in (1, m)]))
    return reshape(each_with_all, [m * n for m, n in zip(a, b, strict=True)])


def trace(input):
    """The sum of a matrix's diagonal."""
    refuse("b", "trace", input)
    return sum(diagonal(*_of((2,), "trace", input)))


def cross(input, other, dim=None):
    """The vector product, x[i+1] y[i+2] - x[i+2] y[i+1], along a dimension of length 3: `dim`, or the first such."""
    refuse("b", "cross", *same_type(input, other))
    shapes = tuple(input.shape), tuple(other.shape)
    dim = normalize(shapes[0].index(3) if dim is None and 3 in shapes[0] else dim or 0, input.ndim)
    right = input.ndim == other.ndim and shapes[0][dim] == shapes[1][dim] == 3
    expect(right, f"cross: expected two tensors of length 3 in one dimension, but got the shapes {shapes[0]} and {shapes[1]}")
    return mul(roll(input, -1, dim), roll(other, 1, dim)) - mul(roll(input, 1, dim), roll(other, -1, dim))

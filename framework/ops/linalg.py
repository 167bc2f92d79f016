"""The matrix product: what `matmul`, `linear` and all the products of products.py come down to."""

from ..autograd.fusable import fusable
from ..autograd.op import op
from .promotion import refusing
from .shape import reshape, unsqueeze


def _product(input, other):
    if input.dtype != other.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {other.dtype}")
    if input.shape[-1] != other.shape[-2]:
        a, b = ("x".join(map(str, each.shape)) for each in (input, other))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a} and {b})")
    return input @ other


# (…, M, K) @ (…, K, N): the product of the last two dimensions, the others broadcast
matrix_product = refusing("b", op(
    _product,
    name="matmul",
    input=lambda grad, other: matrix_product(grad, other.mT),
    other=lambda grad, input: matrix_product(input.mT, grad),
))  # fmt: skip


def matmul(input, other):
    """The matrix product; a vector stands for a row on the left, a column on the right, and its dimension is dropped again."""
    if not (input.ndim and other.ndim):
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D")
    left = unsqueeze(input, 0) if input.ndim == 1 else input
    right = unsqueeze(other, 1) if other.ndim == 1 else other
    if left is input and right is other:
        return matrix_product(input, other)
    out = matrix_product(left, right)
    shape = tuple(out.shape)
    rows = () if input.ndim == 1 else shape[-2:-1]
    columns = () if other.ndim == 1 else shape[-1:]
    return reshape(out, (*shape[:-2], *rows, *columns))


@fusable("input", "weight", "bias")
def linear(input, weight, bias=None):
    """x W^T + b, for x (…, in), W (out, in), b (out)."""
    out = matmul(input, weight.mT if weight.ndim > 1 else weight)
    return out if bias is None else out + bias

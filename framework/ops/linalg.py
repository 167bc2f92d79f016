"""The matrix product: what `matmul`, `linear` and all the products of products.py come down to."""

from ..autograd.op import op
from .elementwise import mul
from .promotion import alike
from .shape import flatten, reshape, unsqueeze


@op(name="matmul", promote=alike,
    input=lambda grad, other: matrix_product(grad, other.mT), other=lambda grad, input: matrix_product(input.mT, grad))  # fmt: skip
def matrix_product(input, other):
    """(…, M, K) @ (…, K, N): the product of the last two dimensions, the others broadcast."""
    if input.dtype == bool:
        raise NotImplementedError("\"matmul\" not implemented for 'bool'")
    if input.shape[-1] != other.shape[-2]:
        a, b = ("x".join(map(str, each.shape)) for each in (input, other))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a} and {b})")
    # of columns and rows, NumPy's product takes four times as long, and there are kernels for products of numbers
    return mul.compute([input, other])[0] if input.shape[-1] == 1 else input @ other


def matmul(input, other):
    """The matrix product; a vector stands for a row on the left, a column on the right, and its dimension is dropped again."""
    if not (input.ndim and other.ndim):
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D")
    left = unsqueeze(input, 0) if input.ndim == 1 else input
    right = unsqueeze(other, 1) if other.ndim == 1 else other
    if right.ndim == 2 < left.ndim:  # one product of many rows; and no gradient of `other` that must be summed over a batch
        left = flatten(left, 0, -2)
    elif left is input and right is other:
        return matrix_product(input, other)
    out = matrix_product(left, right)
    *batch, rows, columns = (*input.shape[:-1], out.shape[1]) if left.ndim < input.ndim else out.shape
    return reshape(out, (*batch, *(rows,) * (input.ndim > 1), *(columns,) * (other.ndim > 1)))


@op(name="linear", promote=alike,
    input=lambda grad, weight: matrix_product(grad, weight) if grad.ndim > 1 else grad @ weight,
    weight=lambda grad, input: matrix_product(flatten(grad, 0, -2).mT, flatten(input, 0, -2)) if grad.ndim > 1 else grad[:, None] * input,
    bias=lambda grad: grad)  # fmt: skip
def linear_op(input, weight, bias=None):
    out = matrix_product.forward(input, weight.T) if input.ndim > 1 else matrix_product.forward(input[None], weight.T)[0]
    return out if bias is None else out + bias


def linear(input, weight, bias=None):
    """x W^T + b, for x (…, in), W (out, in), b (out); a vector W gives one number for each row."""
    if weight.ndim == 2 and input.ndim:
        return linear_op(input, weight, bias)
    out = matmul(input, weight)
    return out if bias is None else out + bias

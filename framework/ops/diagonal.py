"""Diagonals: reading them is a view, and its gradient is writing them into zeros, and the other way round."""

from ..autograd.op import op, writable
from ..device import array_module
from .promotion import expect
from .shape import clone, flatten, normalize


@op(view=True, input=lambda grad, input_shape, offset, dim1, dim2: diagonal_scatter(grad, input_shape, offset, dim1, dim2))
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The elements whose index in `dim2` is that in `dim1` plus `offset`, as the last dimension: a view."""
    return writable(input.diagonal(offset, normalize(dim1, input.ndim), normalize(dim2, input.ndim)), input)


@op(name="diag_embed", input=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2))
def diagonal_scatter(input, shape, offset, dim1, dim2):
    """Zeros of `shape`, with `input` on a diagonal."""
    out = array_module(input).zeros(shape, input.dtype)
    diagonal.forward(out, offset, dim1, dim2)[...] = input
    return out


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """The last dimension of `input` (…, n) as a diagonal of square matrices of n + |offset| rows, lying in `dim1` and `dim2`."""
    shape = list(input.shape[:-1])
    for dim in sorted(normalize(each, input.ndim + 1) for each in (dim1, dim2)):
        shape.insert(dim, input.shape[-1] + abs(offset))
    return diagonal_scatter(input, tuple(shape), offset, dim1, dim2)


def diag(input, diagonal=0):
    """The square matrix with the vector `input` on a diagonal; of a matrix, a copy of its diagonal."""
    expect(input.ndim in (1, 2), f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return diag_embed(input, diagonal) if input.ndim == 1 else clone(input.diagonal(diagonal))


def diagflat(input, offset=0):
    """The square matrix with the elements of `input` on a diagonal."""
    return diag_embed(flatten(input), offset)

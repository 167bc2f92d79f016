"""The gradients of a weight that is used again and again on a GPU, as by a cell at every time step: one product over all its uses.

    dW = sum over t of da_t^T x_t  =  [da_1 … da_T]^T [x_1 … x_T]

One by one, these would be T products of a few rows, which leave a GPU idle, and T - 1 sums as large as the weight.  So each use leaves its
rows until the walk back is done (autograd/engine.py).
"""

from ..device import beside
from .cuda import Source, arithmetic, cupy
from .cuda_cat import all_joined_at_once
from .cuda_matmul import product
from .later import Later

_FEW = 1 << 16  # elements of a use's rows: more of them keep a GPU busy by themselves
_MANY = 64  # uses whose rows are kept before they are added up

_ROWS_EACH = 32  # so many rows are added up by a thread
_kernels = Source(r"""
// out[i] = input[i] + input[i + n] + input[i + 2 n] + …
extern "C" __global__ void sum_each(const T* input, Index size, S* out, Index n) {
    for (Index i = first(); i < n; i += step()) {
        S sum = 0;
        for (Index j = i; j < size; j += n) sum += (S)input[j];
        out[i] = sum;
    }
}
""")


def column_sums(matrix):
    """The sums over the rows of a matrix (R, N) that lies row by row: of every so many one row, then of these, until one is left."""
    rows, columns = max(1, -(-len(matrix) // _ROWS_EACH)), matrix.shape[1]
    sums = cupy().empty((rows, columns) if rows > 1 else columns, arithmetic(matrix.dtype))
    _kernels.each("sum_each", sums.size, matrix, matrix.size, sums, sums.size)
    return (column_sums(sums) if rows > 1 else sums).astype(matrix.dtype, copy=False)


class OverUses(Later):
    """compute(*rows), where each of `rows` holds those of all uses, one below the other."""

    def __init__(self, shape, compute, *rows):
        super().__init__(shape, rows[0].dtype)
        self.compute, self.uses, self.before = compute, [rows], None  # `before`: the sum over earlier uses

    def add_to(self, grad):
        """grad + this, over the old values."""
        if not isinstance(grad, OverUses):
            grad += self.array()
            return grad
        grad.uses += self.uses
        if len(grad.uses) >= _MANY:
            grad.before, grad.uses = grad.array(), []
        return grad

    def __add__(self, other):
        return other.add_to(self) if isinstance(other, OverUses) else super().__add__(other)

    def array(self):
        if not self.uses:
            return self.before
        with beside(self.uses[0]):
            rows = self.uses[0] if len(self.uses) == 1 else [all_joined_at_once(each, 0) for each in zip(*self.uses, strict=True)]
            out = self.compute(*rows)
            return out if self.before is None else out + self.before


def weight_gradient(da, x):
    """da^T x (O, I), of the gradients da (R, O) of a layer's outputs and its inputs x (R, I)."""
    return _over_uses((da.shape[1], x.shape[1]), lambda da, x: product(da.T, x), da, x)


def bias_gradient(da):
    """The sum (O,) of all rows of da (R, O)."""
    return _over_uses(da.shape[1:], column_sums, da)


def _over_uses(shape, compute, *rows):
    few = sum([each.size for each in rows]) <= _FEW and rows[0].itemsize > 2
    return OverUses(shape, compute, *rows) if few else compute(*rows)

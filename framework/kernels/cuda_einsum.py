"""Einstein's summation on a GPU as batched matrix products, which a graph can record, as it cannot CuPy's.

Two operands at a time.  Of their names b stay and both operands have them (the batch), i and j stay and one of them has them, and k are
summed over:  out[b, i, j] = sum over k of x[b, i, k] y[b, k, j].  Each of the four may be several names, or none.
"""

from math import prod

from ..ops import einsum as ops
from . import kernel, on_one_gpu
from .cuda_matmul import fits, product


def _arranged(array, names: str, wanted: str):
    """`array`, whose dimensions have these `names`, with those of `wanted` in their order; of a name that it lacks the length is 1."""
    array = array.transpose([names.index(name) for name in wanted if name in names])
    return array[tuple([slice(None) if name in names else None for name in wanted])]


def _two(x, of_x: str, y, of_y: str, stay: set) -> tuple:
    """The product of two operands, summed over the names that do not `stay`, and its names."""
    shared = [name for name in of_x if name in of_y]
    b, k = ["".join([name for name in shared if (name in stay) == stays]) for stays in (True, False)]
    i, j = ["".join([name for name in names if name not in shared]) for names in (of_x, of_y)]
    if not k:
        return _arranged(x, of_x, b + i + j) * _arranged(y, of_y, b + i + j), b + i + j
    lengths = dict(zip(of_x + of_y, (*x.shape, *y.shape), strict=True))
    sides = [[lengths[name] for name in names] for names in (b, i, j, k)]
    batch, rows, columns, inner = map(prod, sides)
    x, y = _arranged(x, of_x, b + i + k).reshape(batch, rows, inner), _arranged(y, of_y, b + k + j).reshape(batch, inner, columns)
    return product(x, y).reshape([*sides[0], *sides[1], *sides[2]]), b + i + j


@kernel(ops.product, list)
@on_one_gpu
def by_products(operands, terms, wanted):
    if not fits(*operands):
        return NotImplemented
    (x, *others), (names, *terms) = operands, terms
    while others:
        x, names = _two(x, names, others.pop(0), terms.pop(0), {*wanted, *"".join(terms)})
    return _arranged(x, names, wanted)

"""Products of vectors and matrices, by PyTorch's names for each combination of dimensions."""

from .. import dtypes
from .diagonal import diagonal
from .einsum import contract
from .elementwise import add, mul
from .linalg import matmul, matrix_product
from .promotion import refuse
from .reduce import sum
from .shape import expand, normalize, reshape, roll, unsqueeze


def _check(condition, message) -> None:
    if not condition:
        raise RuntimeError(message)


def _same_dtype(name, *tensors) -> None:
    names = [each.dtype.name for each in tensors]
    _check(len(set(names)) == 1, f"{name}: expected tensors of the same dtype, but got {' and '.join(names)}")


def mm(input, mat2):
    """(N, M) @ (M, P)."""
    _check(input.ndim == 2, "self must be a matrix")
    _check(mat2.ndim == 2, "mat2 must be a matrix")
    return matrix_product(input, mat2)


def bmm(input, mat2):
    """(B, N, M) @ (B, M, P), one product for each of the batch."""
    _check(input.ndim == 3, "batch1 must be a 3D tensor")
    _check(mat2.ndim == 3, "batch2 must be a 3D tensor")
    expected, got = [input.shape[0], input.shape[2]], list(mat2.shape[:2])
    _check(expected == got, f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: {got}.")
    return matrix_product(input, mat2)


def mv(input, vec):
    """(N, M) @ (M)."""
    _check((input.ndim, vec.ndim) == (2, 1), f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    n, m = input.shape
    _check(m == vec.shape[0], f"size mismatch, got input ({n}), mat ({n}x{m}), vec ({vec.shape[0]})")
    return matmul(input, vec)


def dot(input, tensor):
    """The inner product of two vectors."""
    _check((input.ndim, tensor.ndim) == (1, 1), f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    _same_dtype("dot", input, tensor)
    n, m = len(input), len(tensor)
    _check(n == m, f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements")
    return matmul(input, tensor)


def vdot(input, other):
    """`dot`, which it is for real numbers."""
    return dot(input, other)


def inner(input, other):
    """The sums of products along the last dimension of both: (…, M) by (*, M) is (…, *); a number scales."""
    if not (input.ndim and other.ndim):
        return mul(input, other)
    shapes = f"{list(input.shape)} and {list(other.shape)}"
    _check(input.shape[-1] == other.shape[-1], f"inner() the last dimension must match on both input tensors but got shapes {shapes}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input, vec2):
    """(N) by (M): the (N, M) products of each with each."""
    for name, each in (("self", input), ("vec2", vec2)):
        _check(each.ndim == 1, f"outer: Expected 1-D argument {name}, but got {each.ndim}-D")
    return mul(unsqueeze(input, 1), vec2)


def _plus(name, input, product, beta, alpha):
    """beta input + alpha product, of the product's shape; with beta = 0 what is in `input` does not count, not even its nan."""
    _same_dtype(name, input, product)
    if not input.is_floating_point():
        beta, alpha = int(beta), int(alpha)  # cut off, as PyTorch does
    product = product if alpha == 1 else mul(product, alpha)
    return product if beta == 0 else add(product, expand(input, tuple(product.shape)), alpha=beta)


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta input + alpha (mat1 @ mat2)."""
    return _plus("addmm", input, mm(mat1, mat2), beta, alpha)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta input + alpha (mat @ vec)."""
    return _plus("addmv", input, mv(mat, vec), beta, alpha)


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (the sum over the batch of batch1 @ batch2)."""
    return _plus("addbmm", input, sum(bmm(batch1, batch2), 0, dtype=batch1.dtype), beta, alpha)


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (batch1 @ batch2), for each of the batch."""
    return _plus("baddbmm", input, bmm(batch1, batch2), beta, alpha)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta input + alpha (vec1 by vec2), of the type common to all three."""
    product = outer(vec1, vec2)
    for name, number in (("beta", beta), ("alpha", alpha)):
        whole = isinstance(number, int) or input.is_floating_point() or product.is_floating_point()
        _check(whole, f"For integral input tensors, argument {name} must not be a floating point number.")
    if input.dtype is product.dtype is dtypes.bool:
        beta, alpha = bool(beta), bool(alpha)
    product = product if alpha == 1 else mul(product, alpha)
    return add(product, expand(input, tuple(product.shape)), alpha=beta)


def tensordot(a, b, dims=2):
    """The sum of products over pairs of dimensions: the last `dims` of `a` with the first of `b`, or those in the two lists `dims`."""
    if isinstance(dims, int):
        _check(dims >= 0, f"tensordot expects dims >= 0, but got dims={dims}")
        _check(dims <= min(a.ndim, b.ndim), f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = range(-dims, 0), range(dims)
    first, second = ([normalize(int(dim), each.ndim) for dim in own] for own, each in zip(dims, (a, b), strict=True))
    _check(len(first) == len(second), "both dimension lists should have same length")
    _same_dtype("tensordot", a, b)
    refuse("b", "tensordot", a)
    names, others = list(range(a.ndim)), [a.ndim + dim for dim in range(b.ndim)]
    for i, j in zip(first, second, strict=True):
        m, n = a.shape[i], b.shape[j]
        sizes = f"first has size {m} in dim {i} and second has size {n} in dim {j}"
        _check(m == n or 1 in (m, n), f"contracted dimensions need to match, but {sizes}")
        _check(first.count(i) == second.count(j) == 1, f"dim {i if first.count(i) > 1 else j} appears multiple times in the list of dims")
        others[j] = i
    return contract([a, b], [names, others], [name for name in [*names, *others] if name not in first]).to(a.dtype)


def kron(input, other):
    """Kronecker's product: every element of `input` times the whole of `other`, laid out in blocks."""
    ndim = max(input.ndim, other.ndim)
    shapes = [(1,) * (ndim - each.ndim) + tuple(each.shape) for each in (input, other)]
    blocks = mul(
        reshape(input, tuple(n for length in shapes[0] for n in (length, 1))),
        reshape(other, tuple(n for length in shapes[1] for n in (1, length))),
    )
    return reshape(blocks, tuple(m * n for m, n in zip(*shapes, strict=True)))


def trace(input):
    """The sum of a matrix's diagonal."""
    _check(input.ndim == 2, f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    refuse("b", "trace", input)
    return sum(diagonal(input))


def cross(input, other, dim=None):
    """The vector product, x[i+1] y[i+2] - x[i+2] y[i+1], along a dimension of length 3: `dim`, or the first such."""
    _check(input.ndim == other.ndim, "linalg.cross: inputs must have the same number of dimensions.")
    _same_dtype("linalg.cross", input, other)
    refuse("b", "cross", input)
    if dim is None:
        dim = next((i for i, length in enumerate(input.shape) if length == 3), None)
        _check(dim is not None, "no dimension of size 3 in input")
    m, n = (each.shape[normalize(dim, each.ndim)] for each in (input, other))
    _check(m == n == 3, f"linalg.cross: inputs dimension {dim} must have length 3. Got {m} and {n}")
    return mul(roll(input, -1, dim), roll(other, 1, dim)) - mul(roll(input, 1, dim), roll(other, -1, dim))

"""Linear algebra: what is refused and how, and where formulas have corners: singular matrices, equal values, points at no distance."""

import numpy as np
import pytest

import framework
from tests.samples.matrices import quietly
from tests.samples.table import assert_same

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

REFUSED = {
    "mm of a vector": (lambda T, o: T.mm(o(3), o(3, 2)), r"mm: expected tensors of \(2, 2\) dimensions, but got \(1, 2\)"),
    "mm shapes": (lambda T, o: T.mm(o(2, 3), o(2, 3)), "mat1 and mat2 shapes cannot be multiplied"),
    "bmm of matrices": (lambda T, o: T.bmm(o(2, 3), o(3, 2)), r"bmm: expected tensors of \(3, 3\) dimensions, but got \(2, 2\)"),
    "bmm batch": (lambda T, o: T.bmm(o(2, 2, 3), o(3, 3, 2)), "bmm: expected batches of one size, but got 2 and 3"),
    "mv": (lambda T, o: T.mv(o(2, 3), o(2, 3)), r"mv: expected tensors of \(2, 1\) dimensions, but got \(2, 2\)"),
    "mv size": (lambda T, o: T.mv(o(2, 3), o(2)), r"shapes cannot be multiplied \(2x3 and 2x1\)"),
    "dot": (lambda T, o: T.dot(o(2, 3), o(3)), r"dot: expected tensors of \(1, 1\) dimensions, but got \(2, 1\)"),
    "dot size": (lambda T, o: T.dot(o(3), o(2)), r"shapes cannot be multiplied \(1x3 and 2x1\)"),
    "dot types": (lambda T, o: T.dot(o(3), o(3).double()), "same dtype"),
    "dot of halves": (lambda T, o: T.dot(o(3).half(), o(3)), "same dtype, but got: float16 != float32"),
    "mm of halves": (lambda T, o: T.mm(o(2, 2), o(2, 2).bfloat16()), "same dtype, but got: float32 != bfloat16"),
    "matmul of halves": (lambda T, o: o(2, 2).half() @ o(2), "same dtype"),
    "bmm of halves": (lambda T, o: T.bmm(o(1, 2, 2).half(), o(1, 2, 2)), "same dtype"),
    "linear of halves": (lambda T, o: T.nn.Linear(2, 2)(o(2, 2).half()), "same dtype"),
    "bias types": (lambda T, o: T.nn.functional.linear(o(2, 2), o(2, 2), o(2).double()), "same dtype"),
    "bilinear types": (lambda T, o: T.nn.functional.bilinear(o(2, 2), o(2, 2).half(), o(2, 2, 2)), "float32 and float16"),
    "attention types": (lambda T, o: T.nn.functional.scaled_dot_product_attention(o(2, 2), o(2, 2), o(2, 2).half()), "same dtype"),
    "heads of halves": (lambda T, o: T.nn.MultiheadAttention(2, 1)(*[o(2, 2).half()] * 3), "same dtype"),
    "inner": (lambda T, o: T.inner(o(2, 3), o(4, 2)), r"the last dimensions must be of one length, but are \(3, 2\)"),
    "outer": (lambda T, o: T.outer(o(2, 3), o(2)), r"outer: expected tensors of \(1, 1\) dimensions, but got \(2, 1\)"),
    "addmm types": (lambda T, o: T.addmm(o(2, 2).double(), o(2, 3), o(3, 2)), "dtype"),
    "addmm size": (lambda T, o: T.addmm(o(3, 2), o(2, 3), o(3, 2)), r"\[3, 2\] cannot be expanded to \[2, 2\]"),
    "addmm dims": (lambda T, o: T.addmm(o(3, 2, 2), o(2, 3), o(3, 2)), "cannot be expanded"),
    "addr alpha": (lambda T, o: T.addr(o(2, 3).long(), o(2).long(), o(3).long(), alpha=1.5), "beta and alpha must be integers"),
    "tensordot": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), 1), "has size 2, which does not broadcast"),
    "tensordot dims": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), 3), "dims=3 for tensors of 2 and 2 dimensions"),
    "tensordot negative": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), -1), "dims=-1 for tensors of 2 and 2"),
    "tensordot lists": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), ([0], [0, 1])), "should have the same length"),
    "tensordot twice": (lambda T, o: T.tensordot(o(2, 3), o(3, 2), ([0, 0], [1, 1])), "appears multiple times"),
    "trace": (lambda T, o: T.trace(o(2, 2, 2)), r"trace: expected tensors of \(2,\) dimensions, but got \(3,\)"),
    "cross": (lambda T, o: T.linalg.cross(o(2, 2), o(2, 2)), "expected two tensors of length 3 in one dimension"),
    "cross dims": (lambda T, o: T.linalg.cross(o(2, 3), o(3)), r"but got the shapes \(2, 3\) and \(3,\)"),
    "inv of a vector": (lambda T, o: T.linalg.inv(o(2)), "Array must be at least two-dimensional"),
    "inv not square": (lambda T, o: T.linalg.inv(o(2, 3)), "must be square"),
    "det of integers": (lambda T, o: T.det(o(2, 2).long()), "expected matrices of float32 or float64, but got int64"),
    "inv of halves": (lambda T, o: T.linalg.inv(o(2, 2).half()), "expected matrices of float32 or float64, but got float16"),
    "inv singular": (lambda T, o: T.linalg.inv(o(2, 2)), "inv: Singular matrix"),
    "solve singular": (lambda T, o: T.linalg.solve(o(2, 2), o(2)), "Singular matrix"),
    "solve shapes": (lambda T, o: T.linalg.solve(o(2, 2), o(3)), "size 3 is different from 2"),
    "solve right": (lambda T, o: T.linalg.solve(o(2, 2), o(2), left=False), "size 1 is different from 2"),
    "solve types": (lambda T, o: T.linalg.solve(o(2, 2), o(2).double()), "expected tensors of one dtype"),
    "cholesky": (lambda T, o: T.linalg.cholesky(-o(2, 2)), "cholesky: Matrix is not positive definite"),
    "eigh": (lambda T, o: T.linalg.eigh(o(2, 2), "X"), "eigh: UPLO argument must be 'L' or 'U'"),
    "qr": (lambda T, o: T.linalg.qr(o(2, 2), "x"), "must be 'reduced', 'complete' or 'r', but is 'x'"),
    "qr gradient": (lambda T, o: T.linalg.qr(o(2, 2).requires_grad_(), "r")[1].sum().backward(), "not differentiable with mode='r'"),
    "qr tall": (lambda T, o: T.linalg.qr(o(3, 2).requires_grad_(), "complete")[1].sum().backward(), "with mode='complete'"),
    "power": (lambda T, o: T.linalg.matrix_power(o(2, 3), 2), "expected square matrices"),
    "power of half": (lambda T, o: T.linalg.matrix_power(o(2, 2), 0.5), "n must be int, not float"),
    "one of multi_dot": (lambda T, o: T.linalg.multi_dot([o(2, 3)]), r"expected two or more matrices, but got the shapes \[\(2, 3\)\]"),
    "multi_dot shapes": (lambda T, o: T.linalg.multi_dot([o(2, 3), o(2, 3)]), r"shapes cannot be multiplied \(2x3 and 2x3\)"),
    "multi_dot dims": (lambda T, o: T.linalg.multi_dot([o(2, 3), o(3, 2, 2), o(2, 3)]), "expected two or more matrices"),
    "multi_dot ends": (lambda T, o: T.linalg.multi_dot([o(2, 2, 3), o(3, 2)]), "expected two or more matrices"),
    "matrix_norm order": (lambda T, o: T.linalg.matrix_norm(o(2, 3), 3), "Order 3 not supported."),
    "matrix_norm dim": (lambda T, o: T.linalg.matrix_norm(o(2, 3), dim=(0,)), "dim must be two dimensions"),
    "matrix_norm dims": (lambda T, o: T.linalg.matrix_norm(o(2, 3), dim=(0, 0)), "appears multiple times"),
    "vector_norm type": (lambda T, o: T.linalg.vector_norm(o(2).int()), "not implemented for .int32"),
    "vector_norm order": (lambda T, o: T.linalg.vector_norm(o(2), "fro"), "ord must be a number, not 'fro'"),
    "vector_norm integers": (lambda T, o: T.linalg.vector_norm(o(2), dtype=T.int32), "not implemented for .int32"),
    "norm of three": (lambda T, o: T.linalg.norm(o(2, 2, 2), 2), "order 2 is that of a vector or a matrix"),
    "norm dims": (lambda T, o: T.linalg.norm(o(2, 2, 2), 1, dim=(0, 1, 2)), r"but the dimensions are \(0, 1, 2\)"),
    "cdist of vectors": (lambda T, o: T.cdist(o(2), o(4, 2)), r"cdist: expected rows of one length, but got the shapes \(2,\)"),
    "cdist columns": (lambda T, o: T.cdist(o(3, 2), o(4, 3)), "cdist: expected rows of one length"),
    "cdist p": (lambda T, o: T.cdist(o(3, 2), o(4, 2), -1), "only non-negative p values, but got -1"),
    "cdist integers": (lambda T, o: T.cdist(o(3, 2).int(), o(4, 2).int()), "not implemented for .int32"),
    "cdist types": (lambda T, o: T.cdist(o(3, 2), o(4, 2).double()), "expected tensors of one dtype"),
    "pdist dims": (lambda T, o: T.nn.functional.pdist(o(3)), "pdist: expected a matrix, but got 1D"),
    "cosine of integers": (lambda T, o: T.nn.functional.cosine_similarity(o(2, 2).int(), o(2, 2).int()), "expected common dtype to be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_pytorch_refuses(name):
    call, message = REFUSED[name]
    for namespace in (framework, torch):
        kinds = (RuntimeError, TypeError, ValueError)
        with pytest.raises(kinds, match=message if namespace is framework else None) as found:
            call(namespace, namespace.ones)
        kind = next(each for each in kinds if isinstance(found.value, each))
        if namespace is framework:
            ours = kind
    assert ours is kind


def value_and_gradient(call, namespace, array):
    leaf = namespace.tensor(array, requires_grad=True)
    out = call(namespace, leaf)
    return [out, *namespace.autograd.grad(out.sum(), leaf)]


CORNERS = {
    "det of zeros": (lambda T, x: T.det(x), np.zeros((2, 2))),
    "det of the identity": (lambda T, x: T.det(x), np.eye(3)),
    "singular values that are equal": (lambda T, x: T.linalg.svd(x)[1], 2 * np.eye(3)),
    "eigenvalues that are equal": (lambda T, x: T.linalg.eigh(x)[0], np.eye(3)),
    "nuclear norm": (lambda T, x: T.linalg.matrix_norm(x, "nuc"), np.eye(2)),
    "norm of zeros": (lambda T, x: T.linalg.vector_norm(x), np.zeros(3)),
    "dist": (lambda T, x: T.dist(x, x.detach()), np.ones((2, 2))),
    "cdist": (lambda T, x: T.cdist(x, x.detach()), np.ones((2, 2))),
    "cdist p": (lambda T, x: T.cdist(x, x.detach(), 1.0), np.ones((2, 2))),
    "pdist": (lambda T, x: T.nn.functional.pdist(x), np.ones((3, 2))),
    "cosine of zeros": (lambda T, x: T.nn.functional.cosine_similarity(x, T.ones_like(x)), np.zeros((2, 3))),
    "logdet negative": (lambda T, x: T.logdet(x), np.diag([1.0, -1])),
    "logdet beside a singular one": (lambda T, x: T.logdet(x)[0], np.stack([np.diag([1.0, 2]), np.ones((2, 2))])),
    "slogdet beside a singular one": (lambda T, x: T.linalg.slogdet(x)[1][0], np.stack([np.diag([1.0, 2]), np.ones((2, 2))])),
}


@pytest.mark.parametrize("name", CORNERS)
def test_corners(name):
    call, array = CORNERS[name]
    assert_same(*(value_and_gradient(call, namespace, array) for namespace in (framework, torch)), rtol=1e-10)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (2, 3, 0), (0, 2, 3)])
@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2, np.inf])
def test_norms_of_empty_matrices(order, shape):
    ours, theirs = (namespace.linalg.matrix_norm(namespace.zeros(shape), order) for namespace in (framework, torch))
    assert ours.shape == theirs.shape and ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("matrix", [[[1.0, 2, 3], [2, 4, 6], [0, 1, 5]], [[1.0, 2], [2, 4]], [[0.0]]])
def test_gradient_of_a_singular_determinant(matrix):
    """The cofactors, where PyTorch gives zeros."""
    assert framework.autograd.gradcheck(framework.det, framework.tensor(matrix, dtype=framework.float64, requires_grad=True))


@pytest.mark.parametrize("ord", [1, 2, float("inf"), "nuc", "fro"])
@pytest.mark.parametrize("shape", [(4, 0), (0, 4), (2, 0, 3)])
def test_norms_of_empty_matrices_are_zero(shape, ord):
    assert_same(*(namespace.linalg.matrix_norm(namespace.ones(shape), ord) for namespace in (framework, torch)))


def test_beta_zero_does_not_look_at_the_input():
    for namespace in (framework, torch):
        out = namespace.addmm(namespace.full((2, 2), float("nan")), namespace.ones(2, 3), namespace.ones(3, 2), beta=0)
        assert out.tolist() == [[3, 3], [3, 3]]


def test_integers_cut_off_what_scales_them():
    for namespace in (framework, torch):
        ones = namespace.ones(2, 2, dtype=namespace.int64)
        assert namespace.addmm(ones, ones, ones, alpha=1.9, beta=2.5).tolist() == [[4, 4], [4, 4]]


def test_results_have_names():
    x = np.random.default_rng(0).standard_normal((3, 2))
    for namespace in (framework, torch):
        t = namespace.tensor(x)
        u, s, v = (getattr(quietly(namespace.svd)(t), name) for name in "USV")
        np.testing.assert_allclose((u * s @ v.mT).numpy(), x, atol=1e-12)
        full = namespace.linalg.svd(t)
        assert [tuple(each.shape) for each in (full.U, full.S, full.Vh)] == [(3, 3), (2,), (2, 2)]
        assert tuple(namespace.linalg.qr(t).Q.shape) == (3, 2)
        assert tuple(namespace.linalg.eigh(t.mT @ t).eigenvalues.shape) == (2,)
        assert namespace.linalg.slogdet(t.mT @ t).sign.item() == 1
        quiet = quietly(namespace.svd)(t, compute_uv=False)
        assert not quiet.U.any() and tuple(quiet.U.shape) == (3, 3) and tuple(quiet.V.shape) == (2, 2)
        assert [tuple(each.shape) for each in quietly(namespace.svd)(t, some=False)] == [(3, 3), (2,), (2, 2)]

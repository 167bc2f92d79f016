"""Linear algebra: what is refused and how, and where formulas have corners: singular matrices, equal values, points at no distance."""

import numpy as np
import pytest

import framework
from tests.samples.matrices import quietly
from tests.samples.table import assert_same

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

REFUSED = {
    "mm of a vector": (lambda T, o: T.mm(o(3), o(3, 2)), "self must be a matrix"),
    "mm shapes": (lambda T, o: T.mm(o(2, 3), o(2, 3)), "mat1 and mat2 shapes cannot be multiplied"),
    "bmm of matrices": (lambda T, o: T.bmm(o(2, 3), o(3, 2)), "batch1 must be a 3D tensor"),
    "bmm batch": (lambda T, o: T.bmm(o(2, 2, 3), o(3, 3, 2)), r"Expected size for first two dimensions of batch2 tensor to be: \[2, 3\]"),
    "mv": (lambda T, o: T.mv(o(2, 3), o(2, 3)), "vector . matrix @ vector expected"),
    "mv size": (lambda T, o: T.mv(o(2, 3), o(2)), r"size mismatch, got input \(2\), mat \(2x3\), vec \(2\)"),
    "dot": (lambda T, o: T.dot(o(2, 3), o(3)), "1D tensors expected, but got 2D and 1D tensors"),
    "dot size": (lambda T, o: T.dot(o(3), o(2)), r"inconsistent tensor size, expected tensor \[3\] and src \[2\]"),
    "dot types": (lambda T, o: T.dot(o(3), o(3).double()), "same dtype"),
    "inner": (lambda T, o: T.inner(o(2, 3), o(4, 2)), "last dimension must match on both input tensors but got shapes"),
    "outer": (lambda T, o: T.outer(o(2, 3), o(2)), "outer: Expected 1-D argument self, but got 2-D"),
    "addmm types": (lambda T, o: T.addmm(o(2, 2).double(), o(2, 3), o(3, 2)), "dtype"),
    "addmm size": (lambda T, o: T.addmm(o(3, 2), o(2, 3), o(3, 2)), "expand"),
    "addmm dims": (lambda T, o: T.addmm(o(3, 2, 2), o(2, 3), o(3, 2)), "expand"),
    "addr alpha": (lambda T, o: T.addr(o(2, 3).long(), o(2).long(), o(3).long(), alpha=1.5), "argument alpha must not be a floating point"),
    "tensordot": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), 1), "contracted dimensions need to match, but first has size 3"),
    "tensordot dims": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), 3), "tensordot expects dims < ndim_a or ndim_b, but got dims=3"),
    "tensordot negative": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), -1), "tensordot expects dims >= 0, but got dims=-1"),
    "tensordot lists": (lambda T, o: T.tensordot(o(2, 3), o(2, 3), ([0], [0, 1])), "both dimension lists should have same length"),
    "tensordot twice": (lambda T, o: T.tensordot(o(2, 3), o(3, 2), ([0, 0], [1, 1])), "dim 0 appears multiple times"),
    "trace": (lambda T, o: T.trace(o(2, 2, 2)), "trace: expected a matrix, but got tensor with dim 3"),
    "cross": (lambda T, o: T.linalg.cross(o(2, 2), o(2, 2)), "must have length 3. Got 2 and 2"),
    "cross dims": (lambda T, o: T.linalg.cross(o(2, 3), o(3)), "inputs must have the same number of dimensions"),
    "inv of a vector": (lambda T, o: T.linalg.inv(o(2)), "linalg.inv: The input tensor A must have at least 2 dimensions."),
    "inv not square": (lambda T, o: T.linalg.inv(o(2, 3)), "A must be batches of square matrices, but they are 2 by 3 matrices"),
    "det of integers": (lambda T, o: T.det(o(2, 2).long()), "linalg.det: Expected a floating point or complex tensor as input"),
    "inv of halves": (lambda T, o: T.linalg.inv(o(2, 2).half()), "linalg.inv: Low precision dtypes not supported"),
    "inv singular": (lambda T, o: T.linalg.inv(o(2, 2)), "inversion could not be completed because the input matrix is singular"),
    "solve singular": (lambda T, o: T.linalg.solve(o(2, 2), o(2)), "The solver failed because the input matrix is singular"),
    "solve shapes": (lambda T, o: T.linalg.solve(o(2, 2), o(3)), r"Incompatible shapes of A and B for the equation AX = B \(2x2 and 3x1\)"),
    "solve right": (lambda T, o: T.linalg.solve(o(2, 2), o(2), left=False), r"for the equation XA = B \(2x2 and 2x1\)"),
    "solve types": (lambda T, o: T.linalg.solve(o(2, 2), o(2).double()), "Expected A and B to have the same dtype"),
    "cholesky": (lambda T, o: T.linalg.cholesky(-o(2, 2)), "could not be completed because the input is not positive-definite"),
    "eigh": (lambda T, o: T.linalg.eigh(o(2, 2), "X"), "Expected UPLO argument to be 'L' or 'U', but got X"),
    "qr": (lambda T, o: T.linalg.qr(o(2, 2), "x"), "qr received unrecognized mode 'x'"),
    "qr gradient": (lambda T, o: T.linalg.qr(o(2, 2).requires_grad_(), "r")[1].sum().backward(), "The derivative of linalg.qr depends"),
    "qr tall": (lambda T, o: T.linalg.qr(o(3, 2).requires_grad_(), "complete")[1].sum().backward(), "not differentiable when"),
    "power": (lambda T, o: T.linalg.matrix_power(o(2, 3), 2), "linalg.matrix_power: A must be batches of square matrices"),
    "power of half": (lambda T, o: T.linalg.matrix_power(o(2, 2), 0.5), r"argument 'n' \(position 2\) must be int, not float"),
    "one of multi_dot": (lambda T, o: T.linalg.multi_dot([o(2, 3)]), r"multi_dot\(\): expected at least 2 tensors but got 1"),
    "multi_dot shapes": (lambda T, o: T.linalg.multi_dot([o(2, 3), o(2, 3)]), r"tensors 0 and 1 with shapes \[2, 3\] and \[2, 3\]"),
    "multi_dot dims": (lambda T, o: T.linalg.multi_dot([o(2, 3), o(3, 2, 2), o(2, 3)]), r"multi_dot\(\): tensor 1 must be 2D but got 3D"),
    "multi_dot ends": (lambda T, o: T.linalg.multi_dot([o(2, 2, 3), o(3, 2)]), "the first tensor must be 1D or 2D but got 3D"),
    "matrix_norm order": (lambda T, o: T.linalg.matrix_norm(o(2, 3), 3), "linalg.matrix_norm: Order 3 not supported."),
    "matrix_norm dim": (lambda T, o: T.linalg.matrix_norm(o(2, 3), dim=(0,)), "linalg.matrix_norm: dim must be a 2-tuple"),
    "matrix_norm dims": (lambda T, o: T.linalg.matrix_norm(o(2, 3), dim=(0, 0)), "linalg.matrix_norm: dims must be different"),
    "vector_norm type": (lambda T, o: T.linalg.vector_norm(o(2).int()), "linalg.vector_norm: Expected a floating point or complex"),
    "vector_norm order": (lambda T, o: T.linalg.vector_norm(o(2), "fro"), r"argument 'ord' \(position 2\) must be Number, not str"),
    "vector_norm narrows": (lambda T, o: T.linalg.vector_norm(o(2), dtype=T.float16), "should be convertible without narrowing"),
    "vector_norm integers": (lambda T, o: T.linalg.vector_norm(o(2), dtype=T.int32), "dtype should be floating point or complex"),
    "norm of three": (lambda T, o: T.linalg.norm(o(2, 2, 2), 2), "the input must be 1D or 2D. Got 3D"),
    "norm dims": (lambda T, o: T.linalg.norm(o(2, 2, 2), dim=(0, 1, 2)), "it must be of length 1 or 2"),
    "cdist of vectors": (lambda T, o: T.cdist(o(2), o(4, 2)), "cdist only supports at least 2D tensors, X1 got: 1D"),
    "cdist columns": (lambda T, o: T.cdist(o(3, 2), o(4, 3)), "X1 and X2 must have the same number of columns. X1: 2 X2: 3"),
    "cdist p": (lambda T, o: T.cdist(o(3, 2), o(4, 2), -1), "cdist only supports non-negative p values"),
    "cdist integers": (lambda T, o: T.cdist(o(3, 2).int(), o(4, 2).int()), "cdist only supports floating-point dtypes"),
    "cdist types": (lambda T, o: T.cdist(o(3, 2), o(4, 2).double()), "expected scalar type"),
    "cdist mode": (lambda T, o: T.cdist(o(3, 2), o(4, 2), compute_mode="x"), "x is not a valid value for compute_mode"),
    "pdist dims": (lambda T, o: T.nn.functional.pdist(o(3)), "pdist only supports 2D tensors, got: 1D"),
    "cosine of integers": (lambda T, o: T.nn.functional.cosine_similarity(o(2, 2).int(), o(2, 2).int()), "expected common dtype to be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_pytorch_refuses(name):
    call, message = REFUSED[name]
    for namespace in (framework, torch):
        kinds = (RuntimeError, TypeError, ValueError)
        with pytest.raises(kinds, match=message) as found:
            call(namespace, namespace.ones)
        kind = next(each for each in kinds if isinstance(found.value, each))
        if namespace is framework:
            ours = kind
    assert ours is kind


def test_singular_matrices_have_an_error_of_their_own():
    assert issubclass(framework.linalg.LinAlgError, RuntimeError)
    for call in (framework.linalg.inv, framework.linalg.cholesky):
        with pytest.raises(framework.linalg.LinAlgError):
            call(framework.zeros(2, 2))


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
}


@pytest.mark.parametrize("name", CORNERS)
def test_corners(name):
    call, array = CORNERS[name]
    assert_same(*(value_and_gradient(call, namespace, array) for namespace in (framework, torch)), rtol=1e-10)


@pytest.mark.parametrize("matrix", [[[1.0, 2, 3], [2, 4, 6], [0, 1, 5]], [[1.0, 2], [2, 4]], [[0.0]]])
def test_gradient_of_a_singular_determinant(matrix):
    """The cofactors, where PyTorch gives zeros."""
    assert framework.autograd.gradcheck(framework.det, framework.tensor(matrix, dtype=framework.float64, requires_grad=True))


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

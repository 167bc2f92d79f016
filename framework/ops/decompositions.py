"""Matrices taken apart: factorisations by LAPACK and what follows from them, for batches (…, M, N).

Their gradients: Giles, 2008, Collected matrix derivative results for forward and reverse mode algorithmic differentiation; Townsend, 2016,
Differentiating the singular value decomposition; Seeger et al., 2017, Auto-differentiating linear algebra.
"""

import functools
from collections import namedtuple

import numpy as np

from .. import dtypes
from ..autograd.op import op
from ..autograd.variable import Variable
from ..device import array_module
from .elementwise import where
from .scan import product_of_others
from .shape import cat, tril, unsqueeze

Slogdet = namedtuple("Slogdet", ("sign", "logabsdet"))
Eigh = namedtuple("Eigh", ("eigenvalues", "eigenvectors"))
QR = namedtuple("QR", ("Q", "R"))
LinalgSVD = namedtuple("LinalgSVD", ("U", "S", "Vh"))
SVD = namedtuple("SVD", ("U", "S", "V"))


class LinAlgError(RuntimeError):
    """A matrix is singular, or not what a factorisation needs."""


def check_matrices(name, input, square=True, any_type=False):
    """RuntimeError unless `input` is a batch of (square) matrices, of a type that LAPACK knows unless `any_type` will do."""
    array = input._array if isinstance(input, Variable) else input
    dtype = dtypes.of_numpy(array.dtype)
    if array.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if square and array.shape[-1] != array.shape[-2]:
        shape = " by ".join(map(str, array.shape[-2:]))
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {shape} matrices")
    if any_type:
        return
    if not dtype.is_floating_point:
        raise NotImplementedError(f"{name}: Expected a floating point or complex tensor as input. Got {dtype.name}")
    if dtype.itemsize == 2:
        raise NotImplementedError(f"{name}: Low precision dtypes not supported. Got {dtype.name}")


def lapack(name, failure="", square=True):
    """Declare the decorated forward as an op on float32 and float64 matrices; LinAlgError says `failure` where NumPy gives up."""

    def declare(forward):
        @functools.wraps(forward)
        def run(*args):
            try:
                return forward(*args)
            except np.linalg.LinAlgError as error:
                raise LinAlgError(f"{name}: {failure}") from error

        return op(run, promote=lambda args: check_matrices(name, args[0], square) or args)

    return declare


def identity(n, like):
    """The (n, n) identity, an array or a tensor in the type of `like`."""
    array = like._array if isinstance(like, Variable) else like
    eye = array_module(array).eye(n, dtype=array.dtype)
    return Variable.wrap(eye) if isinstance(like, Variable) else eye


@lapack("linalg.inv", "The inversion could not be completed because the input matrix is singular.")
def inv(A):
    """The inverse of square matrices."""
    return np.linalg.inv(A)


inv.rule("A")(lambda grad, out: -out.mT @ grad @ out.mT)


@lapack("torch.linalg.solve", "The solver failed because the input matrix is singular.")
def solve_matrices(A, B):
    return np.linalg.solve(A, B)


@solve_matrices.rule("A", "B")
def _(grad, A, out):
    back = solve_matrices(A.mT, grad)
    return -back @ out.mT, back


def solve(A, B, *, left=True):
    """X with A X = B (or X A = B if not `left`), for A (…, N, N) and B (…, N, K), or a vector (…, N) for each matrix."""
    if A.dtype is not B.dtype:
        found = f"found A of type {A.dtype.name} and B of type {B.dtype.name} instead"
        raise RuntimeError(f"linalg.solve: Expected A and B to have the same dtype, but {found}")
    check_matrices("linalg.solve", A)
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))
    right = unsqueeze(B, -1) if vector else B
    if A.shape[-1] != right.shape[-2 if left else -1]:
        (m, n), equation = right.shape[-2:], "AX = B" if left else "XA = B"
        k = A.shape[-1]
        raise RuntimeError(f"linalg.solve: Incompatible shapes of A and B for the equation {equation} ({k}x{k} and {m}x{n})")
    out = solve_matrices(A, right) if left else solve_matrices(A.mT, right.mT).mT
    return out.squeeze(-1) if vector else out


@lapack("linalg.cholesky", "The factorization could not be completed because the input is not positive-definite.")
def lower_cholesky(A):
    return np.linalg.cholesky(A)


@lower_cholesky.rule("A")
def _(grad, out):
    product = out.mT @ grad
    half = solve_matrices(out.mT, tril(product) + tril(product, -1).mT)
    return 0.5 * solve_matrices(out.mT, half.mT)  # which is symmetric


def cholesky(input, upper=False):
    """The lower triangular L with input = L L^T (or, if `upper`, U = L^T) of symmetric positive-definite matrices."""
    return lower_cholesky(input.mT).mT if upper else lower_cholesky(input)


@lapack("linalg.det")
def det(A):
    """The determinants of square matrices."""
    return np.linalg.det(A)


det.rule("A")(lambda grad, A: grad[..., None, None] * cofactors(A))


@lapack("linalg.det")
def cofactors(A):
    """det(A) A^-T, from the singular values so that A may be singular: det(U V^T) U diag(the product of the other values) V^T."""
    u, s, vh = np.linalg.svd(A)
    return np.linalg.det(u @ vh)[..., None, None] * (u * product_of_others(s, -1)[..., None, :]) @ vh


@cofactors.rule("A")
def _(grad, A, out):
    total = (grad * out).sum((-2, -1))[..., None, None]
    return (total * identity(A.shape[-1], A) - out @ grad.mT) @ inv(A).mT


@lapack("linalg.slogdet")
def slogdet(A):
    """(sign, log |det|) of square matrices: their determinants where those would overflow."""
    return Slogdet(*np.linalg.slogdet(A))


slogdet.rule("A")(lambda grad, A: None if grad[1] is None else grad[1][..., None, None] * inv(A).mT)


def logdet(input):
    """log det; nan where the determinant is negative."""
    check_matrices("logdet", input)
    sign, logabsdet = slogdet(input)
    return where(sign < 0, float("nan"), logabsdet)


@lapack("linalg.eigh", "The algorithm failed to converge.")
def symmetric_eigen(A, UPLO="L"):
    return Eigh(*np.linalg.eigh(A, UPLO))


@symmetric_eigen.rule("A")
def _(grad, out):
    (values, vectors), (grad_values, grad_vectors) = out, grad
    eye = identity(values.shape[-1], values)
    inner = 0.0 if grad_values is None else grad_values[..., None] * eye
    if grad_vectors is not None:
        gaps = values[..., None, :] - values[..., None] + eye
        inner = inner + (1 - eye) * (vectors.mT @ grad_vectors) / gaps
    return vectors @ inner @ vectors.mT


def eigh(A, UPLO="L"):
    """The eigenvalues, rising, and eigenvectors (the columns) of symmetric matrices, of which only the triangle `UPLO` is read."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return symmetric_eigen(A, UPLO.upper())


@lapack("linalg.svd", "The algorithm failed to converge.", square=False)
def singular_values(A, full_matrices=True):
    return LinalgSVD(*np.linalg.svd(A, full_matrices))


@singular_values.rule("A")
def _(grad, out):
    s, k = out[1], out[1].shape[-1]
    u, vh = out[0][..., :k], out[2][..., :k, :]
    row, column, eye = s[..., None, :], s[..., None], identity(k, s)
    gaps = row * row - column * column + eye
    inner = 0.0 if grad[1] is None else grad[1][..., None] * eye
    beyond = 0.0  # what U and V tell of the space that the singular vectors leave out
    if grad[0] is not None:
        grad_u = grad[0][..., :k]
        turn = u.mT @ grad_u
        inner = inner + (turn - turn.mT) / gaps * row
        if u.shape[-2] > k:
            beyond = beyond + (grad_u / row - u @ (turn / row)) @ vh
    if grad[2] is not None:
        grad_vh = grad[2][..., :k, :]
        turn = vh @ grad_vh.mT
        inner = inner + column * (turn - turn.mT) / gaps
        if vh.shape[-1] > k:
            beyond = beyond + u @ (grad_vh / column - (turn.mT / column) @ vh)
    return u @ inner @ vh + beyond


def svd(input, some=True, compute_uv=True):
    """(U, S, V) with input = U diag(S) V^T, S falling; `some` leaves out the columns of U and V that meet no singular value."""
    u, s, vh = singular_values(input, not (some and compute_uv))
    return SVD(u, s, vh.mT) if compute_uv else SVD(u.detach() * 0, s, vh.detach() * 0)


@lapack("linalg.qr", square=False)
def orthogonal_triangular(A, mode):
    if mode == "r":
        return QR(array_module(A).empty(0, A.dtype), np.linalg.qr(A, "r"))
    return QR(*np.linalg.qr(A, mode))


@orthogonal_triangular.rule("A")
def _(grad, out, mode):
    (q, r), (rows, columns) = out, out[1].shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and rows > columns:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    grad_q, grad_r = (part * 0 if each is None else each for each, part in zip(grad, out, strict=True))
    beyond = q @ grad_r[..., rows:]  # of the columns of A = [X Y] after the first square: X = Q U, Y = Q V
    grad_q = grad_q + q @ (r[..., rows:] @ grad_r[..., rows:].mT)
    inner = r[..., :rows] @ grad_r[..., :rows].mT - grad_q.mT @ q
    inner = tril(inner) + tril(inner, -1).mT
    first = solve_matrices(r[..., :rows], (grad_q + q @ inner).mT).mT
    return cat([first, beyond], -1)


def qr(A, mode="reduced"):
    """(Q, R) with A = Q R, Q orthogonal, R upper triangular; "complete" fills Q up to a square, "r" leaves it out."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    return orthogonal_triangular(A, mode)

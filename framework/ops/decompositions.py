"""Matrices taken apart: factorisations by LAPACK and what follows from them, for batches (…, M, N) of float32 or float64.

Their gradients: Giles, 2008, Collected matrix derivative results for forward and reverse mode algorithmic differentiation; Townsend, 2016,
Differentiating the singular value decomposition; Seeger et al., 2017, Auto-differentiating linear algebra.
"""

from functools import partial

import numpy as np

from ..autograd.op import op
from ..autograd.variable import Variable
from ..device import array_module
from .elementwise import where
from .promotion import expect, same_type
from .results import result_type
from .scan import product_of_others
from .shape import cat, tril, unsqueeze

_Slogdet = result_type("slogdet", "sign logabsdet")
_Eigh = result_type("linalg_eigh", "eigenvalues eigenvectors")
_QR = result_type("linalg_qr", "Q R")
_SVD = result_type("svd", "U S V")
_LinalgSVD = result_type("linalg_svd", "U S Vh")


def _lapack(args):
    """`args`, if the first is of a type that LAPACK knows; NumPy checks the shapes."""
    array = getattr(args[0], "_array", args[0])
    expect(array.dtype in (np.float32, np.float64), f"expected matrices of float32 or float64, but got {array.dtype}", NotImplementedError)
    return args


factorisation = partial(op, promote=_lapack)


def _identity(like):
    """The identity for square matrices, as bools: a tensor beside tensors, an array beside arrays."""
    eye = array_module(getattr(like, "_array", like)).eye(like.shape[-1], dtype=bool)
    return Variable.wrap(eye) if isinstance(like, Variable) else eye


@factorisation(A=lambda grad, out: -out.mT @ grad @ out.mT)
def inv(A):
    """The inverse of square matrices."""
    return np.linalg.inv(A)


@factorisation
def solve_matrices(A, B):
    return np.linalg.solve(A, B)


@solve_matrices.rule("A", "B")
def _(grad, A, out):
    back = solve_matrices(A.mT, grad)
    return -back @ out.mT, back


def solve(A, B, *, left=True):
    """X with A X = B (or X A = B if not `left`), for A (…, N, N) and B (…, N, K), or a vector (…, N) for each matrix."""
    same_type(A, B)
    vector = B.ndim == 1 or B.shape == A.shape[:-1]
    right = unsqueeze(B, -1) if vector else B
    out = solve_matrices(A, right) if left else solve_matrices(A.mT, right.mT).mT
    return out.squeeze(-1) if vector else out


@factorisation
def cholesky(input, upper=False):
    """The lower triangular L with input = L L^T (or, if `upper`, U = L^T) of symmetric positive-definite matrices."""
    return np.linalg.cholesky(input.mT).mT if upper else np.linalg.cholesky(input)


@cholesky.rule("input")
def _(grad, out, upper):
    lower, grad = (out.mT, grad.mT) if upper else (out, grad)
    product = lower.mT @ grad
    half = solve_matrices(lower.mT, tril(product) + tril(product, -1).mT)
    return 0.5 * solve_matrices(lower.mT, half.mT)  # which is symmetric


@factorisation(A=lambda grad, A: grad[..., None, None] * cofactors(A))
def det(A):
    """The determinants of square matrices."""
    return np.linalg.det(A)


@factorisation
def cofactors(A):
    """det(A) A^-T, from the singular values so that A may be singular: det(U V^T) U diag(the product of the other values) V^T."""
    u, s, vh = np.linalg.svd(A)
    return np.linalg.det(u @ vh)[..., None, None] * (u * product_of_others(s, -1)[..., None, :]) @ vh


@cofactors.rule("A")
def _(grad, A, out):
    back = inv(A).mT
    return (grad * out).sum((-2, -1))[..., None, None] * back - out @ grad.mT @ back


@factorisation(A=lambda grad, A, out: None if grad[1] is None else (  # of a singular matrix nan
    grad[1][..., None, None] * inv(where((out[0] == 0)[..., None, None], float("nan"), A)).mT))  # fmt: skip
def slogdet(A):
    """(sign, log |det|) of square matrices: their determinants where those would overflow."""
    return _Slogdet(*np.linalg.slogdet(A))


def logdet(input):
    """log det; nan where the determinant is negative."""
    sign, logabsdet = slogdet(input)
    return where(sign < 0, float("nan"), logabsdet)


@factorisation
def eigh(A, UPLO="L"):
    """The eigenvalues, rising, and eigenvectors (the columns) of symmetric matrices, of which only the triangle `UPLO` is read."""
    return _Eigh(*np.linalg.eigh(A, UPLO))


@eigh.rule("A")
def _(grad, out):
    (values, vectors), (grad_values, grad_vectors) = out, grad
    total = 0.0 if grad_values is None else (vectors * grad_values[..., None, :]) @ vectors.mT
    if grad_vectors is not None:
        eye = _identity(vectors)
        gaps = values[..., None, :] - values[..., None] + eye
        total = total + vectors @ (vectors.mT @ grad_vectors / gaps * ~eye) @ vectors.mT
    return total


@factorisation
def linalg_svd(A, full_matrices=True):
    """(U, S, Vh) with A = U diag(S) Vh, S falling; without `full_matrices`, as many columns and rows as there are singular values."""
    return _LinalgSVD(*np.linalg.svd(A, full_matrices))


@linalg_svd.rule("A")
def _(grad, out):
    (u, s, vh), (grad_u, grad_s, grad_vh) = out, grad
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    total = 0.0 if grad_s is None else (u * grad_s[..., None, :]) @ vh
    if grad_u is not None:
        total = total + _by_left_vectors(u, s, vh, grad_u[..., :k])
    if grad_vh is not None:  # V is the U of A^T
        total = total + _by_left_vectors(vh.mT, s, u.mT, grad_vh[..., :k, :].mT).mT
    return total


def _by_left_vectors(u, s, vh, grad_u):
    """What arrives at A = U diag(S) Vh from the gradient of U: by turning U within its columns, and out of them if U is tall."""
    row, turn = s[..., None, :], u.mT @ grad_u
    inner = u @ ((turn - turn.mT) / (row * row - (s * s)[..., None] + _identity(turn)) * row)
    return (inner + (grad_u - u @ turn) / row if u.shape[-2] > u.shape[-1] else inner) @ vh


def svd(input, some=True, compute_uv=True):
    """(U, S, V) with input = U diag(S) V^T, S falling; `some` leaves out the columns of U and V that meet no singular value."""
    u, s, vh = linalg_svd(input, not (some and compute_uv))
    return _SVD(u, s, vh.mT) if compute_uv else _SVD(u.detach() * 0, s, vh.detach() * 0)


@factorisation
def linalg_qr(A, mode="reduced"):
    """(Q, R) with A = Q R, Q orthogonal, R upper triangular; "complete" fills Q up to a square, "r" leaves it out."""
    expect(mode in ("reduced", "complete", "r"), f"qr: the mode must be 'reduced', 'complete' or 'r', but is {mode!r}")
    return _QR(array_module(A).empty(0, A.dtype), np.linalg.qr(A, mode)) if mode == "r" else _QR(*np.linalg.qr(A, mode))


@linalg_qr.rule("A")
def _(grad, out, mode):
    (q, r), (rows, columns) = out, out[1].shape[-2:]
    thin = mode == "reduced" or mode == "complete" and rows <= columns
    expect(thin, f"qr is not differentiable with mode={mode!r}, but with mode='reduced'")
    grad_q, grad_r = (part * 0 if each is None else each for each, part in zip(grad, out, strict=True))
    beyond = q @ grad_r[..., rows:]  # of the columns of A = [X Y] after the first square: X = Q U, Y = Q V
    grad_q = grad_q + q @ (r[..., rows:] @ grad_r[..., rows:].mT)
    inner = r[..., :rows] @ grad_r[..., :rows].mT - grad_q.mT @ q
    inner = tril(inner) + tril(inner, -1).mT
    return cat([solve_matrices(r[..., :rows], (grad_q + q @ inner).mT).mT, beyond], -1)


def qr(input, some=True):
    """(Q, R) with input = Q R; without `some`, Q is filled up to a square."""
    return linalg_qr(input, "reduced" if some else "complete")

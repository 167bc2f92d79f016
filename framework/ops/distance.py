"""How far apart vectors are, and in which direction they point."""

import numpy as np

from .elementwise import clamp, sub
from .forms import broadcast_tensors
from .promotion import common, expect, same_type
from .reduce import norm, sum
from .shape import unsqueeze


def dist(input, other, p=2):
    """The p-norm of the difference of two tensors."""
    return norm(sub(input, other), p)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """||x1 - x2 + eps||_p along the last dimension."""
    return norm(sub(x1, x2) + eps, p, -1, keepdim)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 . x2 / (max(||x1||, eps) max(||x2||, eps)) along `dim`."""
    x1, x2 = broadcast_tensors(*common((x1, x2)))
    expect(x1.is_floating_point(), f"expected common dtype to be floating point, yet common dtype is {x1.dtype.name}")
    return sum((x1 / clamp(norm(x1, 2, dim, True), eps)) * (x2 / clamp(norm(x2, 2, dim, True), eps)), dim)


def cdist(x1, x2, p=2.0):
    """The p-norm of the difference of every row of `x1` (…, P, M) with every row of `x2` (…, R, M): (…, P, R)."""
    same_type(x1, x2)
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"cdist: expected rows of one length, but got the shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    return _norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p)


def pdist(input, p=2.0):
    """The p-norm of the difference of every two rows of `input` (N, M), row i with the rows j > i: (N (N - 1) / 2)."""
    expect(input.ndim == 2, f"pdist: expected a matrix, but got {input.ndim}D")
    i, j = np.triu_indices(len(input), 1)
    return _norm(input[i] - input[j], p)


def _norm(difference, p):
    expect(p >= 0, f"cdist and pdist support only non-negative p values, but got {p}")
    return norm(difference, p, -1)

"""How far apart vectors are, and in which direction they point."""

import numpy as np

from .elementwise import clamp, sub
from .promotion import common
from .reduce import norm, sum
from .shape import broadcast_to, unsqueeze


def dist(input, other, p=2):
    """The p-norm of the difference of two tensors."""
    return norm(sub(input, other), p)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """||x1 - x2 + eps||_p along the last dimension."""
    return norm(sub(x1, x2) + eps, p, -1, keepdim)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 . x2 / (max(||x1||, eps) max(||x2||, eps)) along `dim`."""
    both = common((x1, x2))
    if not both[0].is_floating_point():
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {both[0].dtype.name}")
    shape = np.broadcast_shapes(tuple(x1.shape), tuple(x2.shape))
    x1, x2 = (broadcast_to(each, shape) for each in both)
    return sum((x1 / clamp(norm(x1, 2, dim, True), eps)) * (x2 / clamp(norm(x2, 2, dim, True), eps)), dim)


def _check(name, p, *inputs) -> None:
    for i, each in enumerate(inputs):
        if not each.is_floating_point():
            raise RuntimeError(f"{name} only supports floating-point dtypes, X{i + 1} got: {each.dtype.name}")
    if p < 0:
        raise RuntimeError(f"{name} only supports non-negative p values")


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The p-norm of the difference of every row of `x1` (…, P, M) with every row of `x2` (…, R, M): (…, P, R)."""
    if compute_mode not in ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    _check("cdist", p, x1, x2)
    for i, each in enumerate((x1, x2)):
        if each.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i + 1} got: {each.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if x1.dtype is not x2.dtype:
        raise RuntimeError(f"expected scalar type {x1.dtype.name} but found {x2.dtype.name}")
    return norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1)


def pdist(input, p=2.0):
    """The p-norm of the difference of every two rows of `input` (N, M), row i with the rows j > i: (N (N - 1) / 2)."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    _check("pdist", p, input)
    i, j = np.triu_indices(len(input), 1)
    return norm(input[i] - input[j], p, -1)

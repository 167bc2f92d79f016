"""Padding."""

import numpy as np

from ...ops.resample import Taps, resample
from ...ops.shape import constant_pad

_NUMPYS_NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input, pad, mode: str = "constant", value=None):
    """Add elements around the last dimensions: `pad` = (before last, after last, before second last, …); negative numbers cut off.

    They are `value`, or with mode "reflect" mirrored at the edge, "replicate" the edge's own, "circular" those of the other end.
    """
    dims = len(pad) // 2
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if dims > input.ndim:
        raise RuntimeError(f"Padding length should be less than or equal to two times the input dimension ({input.ndim}) but is {len(pad)}")
    untouched = [0] * (input.ndim - dims)
    before, after = [*untouched, *pad[-2::-2]], [*untouched, *pad[-1::-2]]
    if mode == "constant":
        return constant_pad(input, before, after, 0 if value is None else value)
    if mode not in _NUMPYS_NAMES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if dims not in (1, 2, 3) or input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.")
    for dim in range(input.ndim - dims, input.ndim):
        input = resample(input, dim, Taps(_repeated(input.shape, dim, before[dim], after[dim], mode)[:, None]))
    return input


def _repeated(shape, dim, before, after, mode):
    """The places along a dimension of n elements from which the padded one takes its own."""
    n, left = shape[dim], shape[dim] + min(before, 0) + min(after, 0)
    added, removed = (max(before, 0), max(after, 0)), (max(-before, 0), max(-after, 0))
    if n < 1 or n + before + after < 1:
        raise RuntimeError(f"input of size {list(shape)} is too small: dimension {dim} would have {n + before + after} elements")
    if mode == "reflect" and max(added) >= n:
        raise RuntimeError("Padding size should be less than the corresponding input dimension, "
                           f"but got: padding ({before}, {after}) at dimension {dim} of input {list(shape)}")  # fmt: skip
    if mode == "circular":  # goes round what is left
        if max(added) > left:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        return np.pad(np.arange(removed[0], removed[0] + left), added, "wrap")
    return np.pad(np.arange(n), added, _NUMPYS_NAMES[mode])[removed[0] : n + sum(added) - removed[1]]

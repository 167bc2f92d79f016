"""Padding."""

import numpy as np

from ...ops.promotion import refuse
from ...ops.resample import Taps, resample
from ...ops.shape import constant_pad_nd

_NUMPYS_NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input, pad, mode: str = "constant", value=None):
    """Add elements around the last dimensions: `pad` = (before last, after last, before second last, …); negative numbers cut off.

    They are `value`, or with mode "reflect" mirrored at the edge, "replicate" the edge's own, "circular" those of the other end.
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in _NUMPYS_NAMES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(pad) not in (2, 4, 6) or input.ndim - len(pad) // 2 not in (1, 2):
        raise NotImplementedError(f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.")
    refuse("" if mode == "circular" else "b", f"pad {mode}", input)
    for dim, before, after in zip(range(-1, -4, -1), pad[::2], pad[1::2], strict=False):
        places = _places(input.shape[dim], before, after, mode)
        input = resample(input, input.ndim + dim, Taps(places[:, None]))
    return input


def _places(n, before, after, mode):
    """Where, among the n elements along a dimension, the padded one takes its own from."""
    added, removed = (max(before, 0), max(after, 0)), (max(-before, 0), max(-after, 0))
    if n < 1 or n + before + after < 1:
        raise RuntimeError(f"padding ({before}, {after}): the input is too small, a dimension of length {n}")
    if mode == "reflect" and max(added) >= n:
        raise RuntimeError(f"Padding size should be less than the corresponding input dimension, but got ({before}, {after}) of {n}")
    if mode == "circular":  # goes round what is left
        left = n - sum(removed)
        if max(added) > left:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        return np.pad(np.arange(removed[0], removed[0] + left), added, "wrap")
    return np.pad(np.arange(n), added, _NUMPYS_NAMES[mode])[removed[0] : n + sum(added) - removed[1]]

"""Resampling along neighbouring dimensions, one by one: along each, every output is a weighted sum of a few inputs, its taps.

Stretching, shrinking, padding by repetition, cutting into windows and the mean of windows are all this, with other taps.  It is linear
in its input, so its gradient is a resampling too, by the transposed taps.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from ..autograd.op import op
from ..device import array_module, constant


class Taps(NamedTuple):
    """Output i is the sum over k of weights[i, k] * input[places[i, k]]: the rows of a sparse matrix.  No weights: all are 1."""

    places: np.ndarray
    weights: np.ndarray | None = None

    def transposed(self, n: int) -> "Taps":
        """For each of the n inputs, the outputs that it goes to, filled up with weights of 0."""
        weights = np.ones(self.places.shape) if self.weights is None else self.weights
        outputs, k = np.nonzero(weights)
        inputs, weights = self.places[outputs, k], weights[outputs, k]
        order = np.argsort(inputs, kind="stable")
        count = np.bincount(inputs, minlength=n)
        slot = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)  # 0, 1, … for each input
        places = np.zeros((n, count.max(initial=1)), np.int64)
        filled = np.zeros(places.shape)
        places[inputs[order], slot], filled[inputs[order], slot] = outputs[order], weights[order]
        return Taps(places, filled)


@op(input=lambda grad, dim, taps, input_shape: resample(grad, dim, list(map(Taps.transposed, taps, input_shape[dim:]))))
def resample(input, dim, taps):  # from `dim` on, each dimension by its own
    for along, each in enumerate(taps, start=dim):
        input = _resampled(input, along, each)
    return input


def _resampled(input, dim, taps):
    module, shape = array_module(input), (-1,) + (1,) * (input.ndim - 1 - dim)

    def tap(k):
        seen = module.take(input, constant(taps.places[:, k], input), dim)
        if taps.weights is None:
            return seen
        weights = taps.weights[:, k].astype(input.dtype).reshape(shape)
        weight = constant(weights, input)
        return seen * weight if weights.all() else np.where(weight, seen * weight, weight)  # inf and nan that weigh nothing do not count

    return reduce(np.add, map(tap, range(taps.places.shape[1])))


def area_taps(n: int, out: int) -> Taps:
    """The means of `out` windows that cover the n inputs: window i is [i n / out, (i + 1) n / out), rounded outwards."""
    i = np.arange(out)[:, None]
    start, end = i * n // out, -((-(i + 1) * n) // out)
    place = start + np.arange((end - start).max(initial=1))
    return Taps(np.minimum(place, end - 1), (place < end) / (end - start))


def mean_taps(place, n: int, count) -> Taps:
    """The means of windows whose elements are at `place` (out, kernel), outside of [0, n) zeros: their sum divided by `count`."""
    return Taps(np.clip(place, 0, n - 1), ((place >= 0) & (place < n)) / count)


def _step(n, out, scale, real):
    """How far apart neighbouring outputs are, in inputs."""
    return float(real(1 / scale) if scale else real(n) / real(out))


def _sources(n, out, scale, align_corners, real):
    """Where the middle of each output falls among the middles of the inputs; with `align_corners` the first and the last coincide."""
    i = np.arange(out)
    if align_corners:
        return i * real((n - 1) / (out - 1) if out > 1 else 0)
    return ((i + 0.5) * _step(n, out, scale, real) - 0.5).astype(real)  # rounded once, as a fused multiply-add does


def nearest_taps(n: int, out: int, scale, align_corners: bool, real, exact: bool = False) -> Taps:
    """The input in which each output begins, or with `exact` its middle falls; `real` is the precision, as PyTorch's."""
    source = _sources(n, out, scale, False, real) + real(0.5) if exact else np.arange(out) * _step(n, out, scale, real)
    place = np.floor(source.astype(np.float32)).astype(np.int64)
    return Taps(np.minimum(place, n - 1)[:, None])


def linear_taps(n: int, out: int, scale, align_corners: bool, real) -> Taps:
    """The two inputs around each output, the nearer one with more weight."""
    source = np.clip(_sources(n, out, scale, align_corners, real), 0, n - 1)
    left = np.floor(source).astype(np.int64)
    right = source - left
    return Taps(np.stack([left, np.minimum(left + 1, n - 1)], 1), np.stack([1 - right, right], 1))


def cubic_taps(n: int, out: int, scale, align_corners: bool, real, a: float = -0.75) -> Taps:
    """Four inputs around each output, by cubic convolution (Keys, 1981)."""
    source = _sources(n, out, scale, align_corners, real)
    first = np.floor(source).astype(np.int64)
    x = np.abs((source - first)[:, None] - np.arange(-1, 3))  # distances
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return Taps(np.clip(first[:, None] + np.arange(-1, 3), 0, n - 1), np.where(x <= 1, near, far))

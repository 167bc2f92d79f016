"""Batch, instance and group norm on a CPU: plane by plane, what a plane needs from others in a few numbers between two passes.

A plane is one channel of one sample.  Forward reads every plane twice (moments; scaled) and backward too (sums; combined), where the
formula goes over memory once an op.
"""

import math

import numba as nb
import numpy as np

from ..ops import norm
from .cpu import compiled, contiguous, floats, kernel, large, parallel, run

_BLOCK = 4096  # elements summed in their own type; the blocks' sums are added in float64

_in_any_order = {"reassoc", "contract"}  # sums, so that they are vectorised; a nan stays a nan


@compiled(inline="always")
def sum_of(x):
    """sum x."""
    total = 0.0
    for start in range(0, x.size, _BLOCK):
        part, block = x[start : start + _BLOCK], x.dtype.type(0)
        for i in range(part.size):
            block += part[i]
        total += block
    return total


@compiled(inline="always")
def sum_of_squares(x, center):
    """sum (x - center)^2."""
    total = 0.0
    for start in range(0, x.size, _BLOCK):
        part, block = x[start : start + _BLOCK], x.dtype.type(0)
        for i in range(part.size):
            block += (part[i] - center) ** 2
        total += block
    return total


@compiled(inline="always")
def _sum_of_products(g, x, center):
    """sum g (x - center)."""
    total = 0.0
    for start in range(0, x.size, _BLOCK):
        part, factor, block = x[start : start + _BLOCK], g[start : start + _BLOCK], x.dtype.type(0)
        for i in range(part.size):
            block += factor[i] * (part[i] - center)
        total += block
    return total


@parallel(fastmath=_in_any_order)
def _moments(planes, mean, squares):
    """The mean of every plane (R, P), and its sum (x - mean)^2."""
    for r in nb.prange(planes.shape[0]):
        plane = planes[r]
        mean[r] = plane.dtype.type(sum_of(plane) / plane.size)
        squares[r] = sum_of_squares(plane, plane.dtype.type(mean[r]))


@parallel()
def _scale(planes, center, scale, shift, out):
    """(x - center) * scale + shift, the three a number a plane."""
    for r in nb.prange(planes.shape[0]):
        c, s, t = center[r], scale[r], shift[r]
        for i in range(planes.shape[1]):
            out[r, i] = (planes[r, i] - c) * s + t


@parallel(fastmath=_in_any_order)
def _sums(grad, planes, center, plain, weighted):
    """sum g and sum g (x - center) of every plane."""
    for r in nb.prange(planes.shape[0]):
        plain[r] = sum_of(grad[r])
        weighted[r] = _sum_of_products(grad[r], planes[r], center[r])


@parallel()
def _combine(grad, planes, center, by_grad, by_input, shift, out):
    """g * by_grad + (x - center) * by_input + shift, the four a number a plane."""
    for r in nb.prange(planes.shape[0]):
        c, a, b, t = center[r], by_grad[r], by_input[r], shift[r]
        for i in range(planes.shape[1]):
            out[r, i] = grad[r, i] * a + (planes[r, i] - c) * b + t


class _Planes:
    """An input (N, C, …) as planes (N * C, P), and numbers for each of them as float64 (N, C)."""

    def __init__(self, input):
        self.input = input
        self.numbers = input.shape[:2]
        self.planes = input.reshape(math.prod(self.numbers), -1)

    def moments(self) -> tuple:
        mean, squares = np.empty((2, *self.numbers))
        run(_moments, self.planes, mean.reshape(-1), squares.reshape(-1))
        return mean, squares

    def scaled(self, center, scale, shift):
        out = np.empty_like(self.input)
        run(_scale, self.planes, *self._each(center, scale, shift), out.reshape(self.planes.shape))
        return out

    def sums(self, grad, center) -> tuple:
        plain, weighted = np.empty((2, *self.numbers))
        run(_sums, self._flat(grad), self.planes, *self._each(center), plain.reshape(-1), weighted.reshape(-1))
        return plain, weighted

    def combined(self, grad, center, by_grad, by_input, shift):
        out = np.empty_like(self.input)
        run(_combine, self._flat(grad), self.planes, *self._each(center, by_grad, by_input, shift), out.reshape(self.planes.shape))
        return out

    def _flat(self, grad):
        return np.ascontiguousarray(grad).reshape(self.planes.shape)

    def _each(self, *numbers) -> list:
        return [np.broadcast_to(each, self.numbers).astype(self.input.dtype).reshape(-1) for each in numbers]


def _fits(input, *vectors) -> bool:
    return input.ndim > 2 and contiguous(input) and floats(input, *vectors) and large(input)


def _affine(input, weight, bias) -> tuple:
    """Weight and bias in float64, 1 and 0 where there are none."""
    return 1.0 if weight is None else weight.astype(np.float64), 0.0 if bias is None else bias.astype(np.float64)


def _normalise(input, weight, bias, eps, together: tuple):
    """Normalise over groups of planes; `together`: the shape of the planes (N, C) in which all of a group lie along its last axis.

    Returns y, the group's mean and variance, and the backward of all three.
    """
    planes, (scale, shift) = _Planes(input), _affine(input, weight, bias)

    def over_group(numbers):
        """The mean of `numbers` (N, C) over each group, (N, C) again."""
        grouped = numbers.T if together is None else numbers.reshape(together)
        means = np.broadcast_to(grouped.mean(-1, keepdims=True), grouped.shape)
        return means.T if together is None else means.reshape(numbers.shape)

    pixels = planes.planes.shape[1]
    means, squares = planes.moments()
    center = over_group(means)
    var = over_group(squares / pixels + np.square(means - center))
    rstd = 1 / np.sqrt(var + eps)
    out = planes.scaled(center, rstd * scale, shift)

    def backward(grad, grad_center, grad_var, needs):
        """dx = rstd w g - (mean of rstd w g) - x^ (mean of rstd w g x^), and what the statistics' own gradients add."""
        plain, weighted = planes.sums(grad, center)
        wanted_weight = (weighted * rstd).sum(0).astype(input.dtype) if needs[1] else None
        wanted_bias = plain.sum(0).astype(input.dtype) if needs[2] else None
        if not needs[0]:
            return None, wanted_weight, wanted_bias
        from_mean = over_group(rstd * scale * plain / pixels) - grad_center
        from_var = np.square(rstd) * over_group(rstd * scale * weighted / pixels) - grad_var
        return planes.combined(grad, center, rstd * scale, -from_var, -from_mean), wanted_weight, wanted_bias

    return out, center, var, backward


@kernel(norm.batch_norm_train)
def planewise_batch_norm_train(input, weight, bias, eps):
    if not _fits(input, weight, bias):
        return NotImplemented
    out, center, var, backward = _normalise(input, weight, bias, eps, None)
    count = input.size // input.shape[1]

    def with_statistics(grads, *needs):
        grad, grad_center, grad_var = grads
        grad = np.zeros_like(input) if grad is None else grad
        from_center = 0.0 if grad_center is None else grad_center / count
        from_var = 0.0 if grad_var is None else 2 * grad_var / count  # d var / dx = 2 (x - mean) / n
        return backward(grad, from_center, from_var, needs)

    return (out, center[0].astype(input.dtype), var[0].astype(input.dtype)), with_statistics


@kernel(norm.group_norm)
def planewise_group_norm(input, groups, weight, bias, eps):
    if not _fits(input, weight, bias):
        return NotImplemented
    out, _, _, backward = _normalise(input, weight, bias, eps, (input.shape[0], groups, input.shape[1] // groups))
    return out, lambda grad, needs_input, *needs: backward(grad, 0.0, 0.0, (needs_input, *needs))


@kernel(norm.batch_norm_eval)
def planewise_batch_norm_eval(input, mean, var, weight, bias, eps):
    if not _fits(input, mean, var, weight, bias):
        return NotImplemented
    planes, (scale, shift) = _Planes(input), _affine(input, weight, bias)
    rstd = 1 / np.sqrt(var.astype(np.float64) + eps)

    def backward(grad, *needs):
        plain, weighted = planes.sums(grad, mean) if any(needs[1:]) else (None, None)
        return (
            planes.combined(grad, mean, rstd * scale, 0.0, 0.0) if needs[0] else None,
            (weighted.sum(0) * rstd).astype(input.dtype) if needs[1] else None,
            plain.sum(0).astype(input.dtype) if needs[2] else None,
        )

    return planes.scaled(mean, rstd * scale, shift), backward

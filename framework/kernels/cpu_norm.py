"""Batch, instance and group norm on a CPU, and the ReLU that follows: plane by plane, what planes need of each other in a few numbers.

A plane is one channel of one sample.  Forward reads every plane twice (moments; scaled) and backward too (sums; combined), where the
formulas go over memory once an op.  The second pass forward is put off until it is known what its result is for: a ReLU is taken along.
Back through that ReLU, neither pass needs another array, for the planes tell where the ReLU's input was positive.
"""

import math

import numpy as np

from ..ops import activation, norm
from .cpu import compiled, contiguous, floats, kernel, large, run
from .later import Later

BLOCK = 4096  # elements summed in their own type; the blocks' sums are added in float64

_in_any_order = {"reassoc", "contract"}  # sums, so that they are vectorised; a nan stays a nan


@compiled(inline="always")
def sum_of(x):
    """sum x."""
    total = 0.0
    for start in range(0, x.size, BLOCK):
        block = x.dtype.type(0)
        for i in range(start, min(start + BLOCK, x.size)):
            block += x[i]
        total += block
    return total


@compiled(inline="always")
def dot_of(x, y):
    """sum x y."""
    total = 0.0
    for start in range(0, x.size, BLOCK):
        block = x.dtype.type(0)
        for i in range(start, min(start + BLOCK, x.size)):
            block += x[i] * y[i]
        total += block
    return total


@compiled(inline="always")
def sum_of_squares(x, center):
    """sum (x - center)^2."""
    total = 0.0
    for start in range(0, x.size, BLOCK):
        block = x.dtype.type(0)
        for i in range(start, min(start + BLOCK, x.size)):
            block += (x[i] - center) ** 2
        total += block
    return total


@compiled(inline="always")
def _bent(value, sign, slope):
    """`value` where `sign` is positive, elsewhere `value` times `slope`: a (leaky) ReLU and its gradient; nothing for a slope of 1."""
    low = slope if slope == 0 else value * slope  # no nan from an infinite value
    return low if sign <= 0 else value


@compiled(fastmath=_in_any_order)
def _moments(planes, mean, squares, share, first, last):
    """The mean of every plane (R, P), and its sum (x - mean)^2."""
    for r in range(first, last):
        plane = planes[r]
        mean[r] = plane.dtype.type(sum_of(plane) / plane.size)
        squares[r] = sum_of_squares(plane, plane.dtype.type(mean[r]))


@compiled()
def _scale(planes, center, scale, shift, slope, out, share, first, last):
    """y = (x - center) * scale + shift, the three a number a plane, and a ReLU of it."""
    for r in range(first, last):
        c, s, t = center[r], scale[r], shift[r]
        for i in range(planes.shape[1]):
            y = (planes[r, i] - c) * s + t
            out[r, i] = _bent(y, y, slope)


@compiled()
def _scale_and_add(planes, center, scale, shift, other, out, share, first, last):
    """y = (x - center) * scale + shift, and something added to it."""
    for r in range(first, last):
        c, s, t = center[r], scale[r], shift[r]
        for i in range(planes.shape[1]):
            out[r, i] = (planes[r, i] - c) * s + t + other[r, i]


@compiled()
def _bend(grad, planes, center, scale, shift, slope, out, share, first, last):
    """The gradient of y from that of its ReLU."""
    for r in range(first, last):
        c, s, t = center[r], scale[r], shift[r]
        for i in range(planes.shape[1]):
            out[r, i] = _bent(grad[r, i], (planes[r, i] - c) * s + t, slope)


@compiled(fastmath=_in_any_order)
def _sums(grad, planes, center, scale, shift, slope, plain, weighted, share, first, last):
    """sum g and sum g (x - center) of every plane, with g the gradient of y from that of its ReLU."""
    zero = planes.dtype.type(0)
    for r in range(first, last):
        c, s, t = center[r], scale[r], shift[r]
        plain[r] = weighted[r] = 0.0
        for start in range(0, planes.shape[1], BLOCK):
            x, g = planes[r, start : start + BLOCK], grad[r, start : start + BLOCK]
            some, more = zero, zero
            for i in range(x.size):
                far = x[i] - c
                bent = _bent(g[i], far * s + t, slope)
                some += bent
                more += bent * far
            plain[r] += some
            weighted[r] += more


@compiled()
def _combine(grad, planes, center, scale, shift, slope, by_grad, by_input, more, out, share, first, last):
    """g * by_grad + (x - center) * by_input + more, all a number a plane, with g the gradient of y from that of its ReLU."""
    for r in range(first, last):
        c, s, t, a, b, d = center[r], scale[r], shift[r], by_grad[r], by_input[r], more[r]
        for i in range(planes.shape[1]):
            far = planes[r, i] - c
            out[r, i] = _bent(grad[r, i], far * s + t, slope) * a + far * b + d


def _moments_of(input) -> tuple:
    """Of every plane (N, C): its mean, and its sum (x - mean)^2; in float64."""
    mean, squares = np.empty((2, *input.shape[:2]))
    run(_moments, mean.size, _planes(input), mean.reshape(-1), squares.reshape(-1))
    return mean, squares


def _planes(array):
    """(N, C, …) as planes (N C, P)."""
    return np.ascontiguousarray(array).reshape(math.prod(array.shape[:2]), -1)


class Normalised(Later):
    """y = (x - center) * scale + shift, put off; the three are given for every plane (N, C), or broadcast to that."""

    def __init__(self, input, center, scale, shift):
        super().__init__(input.shape, input.dtype)
        self.planes, self.numbers = _planes(input), (self._each(center), self._each(scale), self._each(shift))

    def _each(self, numbers):
        """A number for every plane (N C), in the planes' type."""
        return np.broadcast_to(numbers, self.shape[:2]).astype(self.dtype).reshape(-1)

    def bent(self, slope):
        """y, and what is negative in it multiplied by `slope`."""
        out = np.empty(self.shape, self.dtype)
        run(_scale, len(self.planes), self.planes, *self.numbers, self.dtype.type(slope), _planes(out))
        return out

    def array(self):
        return self.bent(1)

    def plus(self, other):
        """y + other, of its shape: a residual's sum."""
        out = np.empty(self.shape, self.dtype)
        run(_scale_and_add, len(self.planes), self.planes, *self.numbers, _planes(other), _planes(out))
        return out

    def sums(self, grad) -> tuple:
        """sum g and sum g (x - center) of every plane (N, C), in float64."""
        plain, weighted = np.empty((2, *self.shape[:2]))
        run(_sums, len(self.planes), *self._of(grad), plain.reshape(-1), weighted.reshape(-1))
        return plain, weighted

    def combined(self, grad, by_grad, by_input, more):
        """g * by_grad + (x - center) * by_input + more."""
        out = np.empty(self.shape, self.dtype)
        run(_combine, len(self.planes), *self._of(grad), self._each(by_grad), self._each(by_input), self._each(more), _planes(out))
        return out

    def _of(self, grad) -> tuple:
        """The arguments by which `_sums` and `_combine` know the gradient of y: an array, or put off by the ReLU of y."""
        grad, slope = (grad.grad, grad.slope) if isinstance(grad, Bent) else (grad, 1)
        return _planes(grad), self.planes, *self.numbers, self.dtype.type(slope)


class Bent(Later):
    """The gradient of y from that of its ReLU, put off: `grad`, and where y is negative `grad * slope`."""

    def __init__(self, grad, slope, normalised: Normalised):
        super().__init__(grad.shape, grad.dtype)
        self.grad, self.slope, self.normalised = grad, slope, normalised

    def array(self):
        out = np.empty(self.shape, self.dtype)
        run(_bend, len(self.normalised.planes), *self.normalised._of(self), _planes(out))
        return out


@kernel(activation.relu, Normalised)
def normalised_relu(normalised):
    return normalised.bent(0), lambda grad, needs_input: (Bent(grad, 0, normalised),)


@kernel(activation.leaky_relu, Normalised)
def normalised_leaky_relu(normalised, negative_slope):
    return normalised.bent(negative_slope), lambda grad, needs_input: (Bent(grad, negative_slope, normalised),)


def _fits(input, *vectors) -> bool:
    return input.ndim > 2 and contiguous(input) and floats(input, *vectors) and large(input)


def _affine(input, weight, bias) -> tuple:
    """Weight and bias in float64, 1 and 0 where there are none."""
    return 1.0 if weight is None else weight.astype(np.float64), 0.0 if bias is None else bias.astype(np.float64)


def _normalise(input, weight, bias, eps, together: tuple):
    """Normalise over groups of planes: all of one channel, or those that `together`, a shape for (N, C), has along its last axis.

    Returns y, the group's mean and variance, and the backward of all three.
    """
    scale, shift = _affine(input, weight, bias)
    pixels = math.prod(input.shape[2:])

    def over_group(numbers):
        """The mean of `numbers` (N, C) over each group, (N, C) again or (1, C)."""
        if together is None:
            return numbers.mean(0, keepdims=True)
        grouped = numbers.reshape(together)
        return np.broadcast_to(grouped.mean(-1, keepdims=True), grouped.shape).reshape(numbers.shape)

    means, squares = _moments_of(input)
    center = over_group(means)
    var = over_group(squares / pixels + np.square(means - center))
    rstd = 1 / np.sqrt(var + eps)
    out = Normalised(input, center, rstd * scale, shift)

    def backward(grad, grad_center, grad_var, needs):
        """dx = rstd w g - (mean of rstd w g) - x^ (mean of rstd w g x^), and what the statistics' own gradients add."""
        plain, weighted = out.sums(grad)
        wanted_weight = (weighted * rstd).sum(0).astype(input.dtype) if needs[1] else None
        wanted_bias = plain.sum(0).astype(input.dtype) if needs[2] else None
        if not needs[0]:
            return None, wanted_weight, wanted_bias
        from_mean = over_group(rstd * scale * plain / pixels) - grad_center
        from_var = np.square(rstd) * over_group(rstd * scale * weighted / pixels) - grad_var
        return out.combined(grad, rstd * scale, -from_var, -from_mean), wanted_weight, wanted_bias

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
    scale, shift = _affine(input, weight, bias)
    rstd = 1 / np.sqrt(var.astype(np.float64) + eps)
    out = Normalised(input, mean, rstd * scale, shift)

    def backward(grad, *needs):
        plain, weighted = out.sums(grad) if any(needs[1:]) else (None, None)
        return (
            out.combined(grad, rstd * scale, 0.0, 0.0) if needs[0] else None,
            (weighted.sum(0) * rstd).astype(input.dtype) if needs[1] else None,
            plain.sum(0).astype(input.dtype) if needs[2] else None,
        )

    return out, backward

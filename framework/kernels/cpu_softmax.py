"""Softmax, its logarithm and their losses on a CPU: row by row, each read as often as its cache holds it."""

import math

import numpy as np

from ..ops import activation, loss
from .cpu import compiled, contiguous, floats, kernel, large, one_pass_pays, run
from .cpu_math import exp
from .cpu_norm import BLOCK, dot_of, sum_of

_in_any_order = {"reassoc"}  # sums, so that many are added at once


@compiled()
def largest(row):
    """The largest element: of every fourth, that four comparisons may run at once. A nan may be passed over: its exp will show it."""
    a = b = c = d = row[0]
    whole = row.size // 4 * 4
    for i in range(0, whole, 4):
        a = row[i] if row[i] > a else a
        b = row[i + 1] if row[i + 1] > b else b
        c = row[i + 2] if row[i + 2] > c else c
        d = row[i + 3] if row[i + 3] > d else d
    for i in range(whole, row.size):
        a = row[i] if row[i] > a else a
    return max(max(a, b), max(c, d))


@compiled(inline="always")
def _log_sum_exp(row, top):
    """log sum exp(x - top)."""
    total = 0.0
    for start in range(0, row.size, BLOCK):
        block = row.dtype.type(0)
        for c in range(start, min(start + BLOCK, row.size)):
            block += exp(row[c] - top)
        total += block
    return row.dtype.type(math.log(total))


@compiled()
def _log_share(x, top, total):
    """log(exp(x) / sum exp(x)): in this order, for x and top may be large and their difference small."""
    return x - top - total


@compiled(fastmath=_in_any_order)
def _log_softmax(input, out, share, first, last):
    """x - max - log sum exp(x - max) of every row (N, C)."""
    for row in range(first, last):
        top = largest(input[row])
        total = _log_sum_exp(input[row], top)
        for c in range(input.shape[1]):
            out[row, c] = _log_share(input[row, c], top, total)


@compiled(fastmath=_in_any_order)
def _log_softmax_backward(grad, output, out, share, first, last):
    """g - exp(out) sum g of every row."""
    for row in range(first, last):
        total = grad.dtype.type(sum_of(grad[row]))
        for c in range(grad.shape[1]):
            out[row, c] = grad[row, c] - exp(output[row, c]) * total


@compiled(inline="always")
def softmax_of(x, top, out):
    """exp(x - top) / sum exp(x - top) of a row, which `out` may be; returns the sum."""
    for c in range(x.size):
        out[c] = exp(x[c] - top)
    total = sum_of(out)
    scale = x.dtype.type(1 / total)
    for c in range(x.size):
        out[c] *= scale
    return total


@compiled(fastmath=_in_any_order)
def _softmax(input, out, share, first, last):
    """exp(x - max) / sum exp(x - max) of every row (N, C)."""
    for row in range(first, last):
        x = input[row]
        softmax_of(x, largest(x), out[row])


@compiled(fastmath=_in_any_order)
def _softmax_backward(grad, output, out, share, first, last):
    """out (g - sum g out) of every row."""
    for row in range(first, last):
        g, shares = grad[row], output[row]
        mean = g.dtype.type(dot_of(g, shares))
        for c in range(g.size):
            out[row, c] = shares[c] * (g[c] - mean)


def _by_rows(forward, backward, input, dim):
    """Two functions of rows, as a kernel for `dim`, the last dimension."""
    if input.ndim == 0 or dim not in (-1, input.ndim - 1) or not one_pass_pays(input):
        return NotImplemented
    rows = (-1, input.shape[-1])
    out, count = np.empty_like(input), math.prod(input.shape[:-1])
    run(forward, count, input.reshape(rows), out.reshape(rows))

    def gradient(grad, needs_input):
        input_grad = np.empty_like(out)
        run(backward, count, np.ascontiguousarray(grad).reshape(rows), out.reshape(rows), input_grad.reshape(rows))
        return (input_grad,)

    return out, gradient


@kernel(activation.log_softmax_op)
def by_rows_log_softmax(input, dim):
    return _by_rows(_log_softmax, _log_softmax_backward, input, dim)


@kernel(activation.softmax_op)
def by_rows_softmax(input, dim):
    return _by_rows(_softmax, _softmax_backward, input, dim)


def _reduced(losses, counted, reduction):
    """The losses (N,) reduced, and what makes of the result's gradient theirs."""
    if reduction == "none":
        return losses, lambda grad: grad
    count = losses.dtype.type(np.count_nonzero(counted) if reduction == "mean" else 1)
    return np.asarray(losses.sum() / count, losses.dtype), lambda grad: np.full_like(losses, grad / count)


def _fits(input, weight, reduction) -> bool:
    return input.ndim == 2 and weight is None and reduction in ("none", "mean", "sum") and floats(input) and large(input)


@compiled()
def _picked_backward(grad, target, ignore_index, out, share, first, last):
    """-g where a row's class is, 0 elsewhere: (N, C)."""
    for row in range(first, last):
        out[row] = 0
        if target[row] != ignore_index:
            out[row, target[row]] = -grad[row]


@kernel(loss.negative_log_likelihood)
def picked_nll(input, target, weight, ignore_index, reduction):
    """Reads one element a row, where the formula makes several arrays of them."""
    if not _fits(input, weight, reduction):
        return NotImplemented
    counted, target = target != ignore_index, target.astype(np.int64)
    losses = np.where(counted, -input[np.arange(len(input)), np.where(counted, target, 0)], input.dtype.type(0))
    out, of_losses = _reduced(losses, counted, reduction)

    def backward(grad, needs_input):
        input_grad = np.empty(input.shape, input.dtype)
        run(_picked_backward, len(input), of_losses(grad), target, ignore_index, input_grad)
        return (input_grad,)

    return out, backward


@compiled(fastmath=_in_any_order)
def _cross_entropy(input, target, ignore_index, tops, totals, losses, share, first, last):
    """-log softmax(x) at each row's class; what the backward pass needs to make softmax(x) again: max, log sum exp(x - max)."""
    for row in range(first, last):
        losses[row] = 0
        if target[row] != ignore_index:
            tops[row] = largest(input[row])
            totals[row] = _log_sum_exp(input[row], tops[row])
            losses[row] = -_log_share(input[row, target[row]], tops[row], totals[row])


@compiled()
def _cross_entropy_backward(grad, input, target, ignore_index, tops, totals, out, share, first, last):
    """(softmax(x) - 1 at the class) g."""
    for row in range(first, last):
        if target[row] == ignore_index:
            out[row] = 0
        else:
            top, total = tops[row], totals[row]
            for c in range(input.shape[1]):
                out[row, c] = exp(input[row, c] - top - total) * grad[row]
            out[row, target[row]] -= grad[row]


@kernel(loss.softmax_cross_entropy)
def by_rows_cross_entropy(input, target, weight, ignore_index, reduction):
    """Writes no array of the input's size but its gradient."""
    if not _fits(input, weight, reduction) or not contiguous(input):
        return NotImplemented
    counted, target = target != ignore_index, target.astype(np.int64)
    tops, totals, losses = np.empty((3, len(input)), input.dtype)
    run(_cross_entropy, len(input), input, target, ignore_index, tops, totals, losses)
    out, of_losses = _reduced(losses, counted, reduction)

    def backward(grad, needs_input):
        input_grad = np.empty_like(input)
        run(_cross_entropy_backward, len(input), of_losses(grad), input, target, ignore_index, tops, totals, input_grad)
        return (input_grad,)

    return out, backward

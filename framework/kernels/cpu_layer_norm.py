"""Layer norm and RMS norm on a CPU: row by row, each read again while it is in the cache."""

import math

import numpy as np

from ..ops import norm
from .cpu import compiled, contiguous, floats, kernel, large, run, run_shares
from .cpu_norm import BLOCK, sum_of, sum_of_squares
from .threads import get_num_threads

_ROWS = 32  # whose gradients of weights are summed in their own type, before they are added in float64
_in_any_order = {"reassoc", "contract"}  # sums, so that they are vectorised; a nan stays a nan


@compiled(fastmath=_in_any_order)
def _forward(rows, weight, bias, eps, centered, center, rstd, out, share, first, last):
    """(x - mean) / sqrt(mean (x - mean)^2 + eps) * w + b of every row (R, C); not `centered`: with 0 for the mean."""
    for r in range(first, last):
        x, y = rows[r], out[r]
        mean = x.dtype.type(sum_of(x) / x.size if centered else 0)
        scale = x.dtype.type(1 / math.sqrt(sum_of_squares(x, mean) / x.size + eps))
        for c in range(x.size):
            y[c] = (x[c] - mean) * scale * weight[c] + bias[c]
        center[r], rstd[r] = mean, scale


@compiled(fastmath=_in_any_order)
def _backward(grad, rows, weight, centered, center, rstd, out, weight_grads, bias_grads, share, first_row, last_row):
    """dx = rstd (w g - mean w g - x^ mean w g x^), the first mean only if `centered`; dw = sum g x^ and db = sum g, share by share."""
    of_weight, of_bias, width, zero = weight_grads[share], bias_grads[share], rows.shape[1], rows.dtype.type(0)
    some_of_weight, some_of_bias = np.empty_like(weight), np.empty_like(weight)  # sums of a few rows, in their own type
    for start in range(first_row, last_row, _ROWS):
        some_of_weight[:] = some_of_bias[:] = 0
        for r in range(start, min(start + _ROWS, last_row)):
            g, x, dx, mean, scale, plain, weighted = grad[r], rows[r], out[r], center[r], rstd[r], 0.0, 0.0
            for first in range(0, width, BLOCK):
                last, some, more = min(first + BLOCK, width), zero, zero
                for c in range(first, last):
                    some += g[c] * weight[c]
                    more += g[c] * weight[c] * (x[c] - mean)
                plain += some
                weighted += more
            shift = x.dtype.type(scale * plain / width if centered else 0)
            slope = x.dtype.type(scale * scale * scale * weighted / width)
            for c in range(width):
                dx[c] = g[c] * weight[c] * scale - shift - (x[c] - mean) * slope
            for c in range(width):
                some_of_weight[c] += g[c] * (x[c] - mean) * scale
                some_of_bias[c] += g[c]
        for c in range(width):
            of_weight[c] += some_of_weight[c]
            of_bias[c] += some_of_bias[c]


def _by_rows(input, dims, weight, bias, eps, centered):
    if not floats(input, weight, bias) or not contiguous(input) or not large(input):
        return NotImplemented
    width = math.prod(input.shape[input.ndim - dims :])
    rows = input.reshape(-1, width)
    scale = np.ones(width, input.dtype) if weight is None else np.ascontiguousarray(weight).reshape(-1)
    shift = np.zeros(width, input.dtype) if bias is None else np.ascontiguousarray(bias).reshape(-1)
    out, (center, rstd) = np.empty_like(input), np.empty((2, len(rows)), input.dtype)
    run(_forward, len(rows), rows, scale, shift, eps, centered, center, rstd, out.reshape(rows.shape))

    def backward(grad, needs_input, needs_weight, needs_bias=False):
        input_grad, sums = np.empty_like(input), np.zeros((2, get_num_threads(), width))
        grad = np.ascontiguousarray(grad).reshape(rows.shape)
        run_shares(_backward, len(rows), grad, rows, scale, centered, center, rstd, input_grad.reshape(rows.shape), *sums)
        of_weight, of_bias = sums.sum(1).astype(input.dtype)
        return (
            input_grad if needs_input else None,
            of_weight.reshape(weight.shape) if needs_weight else None,
            of_bias.reshape(bias.shape) if needs_bias else None,
        )

    return out, backward


@kernel(norm.layer_norm)
def by_rows_layer_norm(input, dims, weight, bias, eps):
    return _by_rows(input, dims, weight, bias, eps, True)


@kernel(norm.rms_norm)
def by_rows_rms_norm(input, dims, weight, eps):
    out = _by_rows(input, dims, weight, None, eps, False)
    return out if out is NotImplemented else (out[0], lambda grad, *needs: out[1](grad, *needs)[:2])

"""Layer norm and RMS norm on a CPU: row by row, each read again while it is in the cache."""

import math

import numpy as np

from ..ops import norm
from ..threads import get_num_threads
from .cpu import compiled, contiguous, floats, kernel, large, run, run_shares
from .cpu_norm import sum_of, sum_of_squares

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
    of_weight, of_bias = weight_grads[share], bias_grads[share]  # (C,)
    for r in range(first_row, last_row):
        g, x, dx, mean, scale, plain, weighted = grad[r], rows[r], out[r], center[r], rstd[r], 0.0, 0.0
        for c in range(x.size):
            plain += g[c] * weight[c]
            weighted += g[c] * weight[c] * (x[c] - mean)
        shift = x.dtype.type(scale * plain / x.size if centered else 0)
        slope = x.dtype.type(scale * scale * scale * weighted / x.size)
        for c in range(x.size):
            dx[c] = g[c] * weight[c] * scale - shift - (x[c] - mean) * slope
            of_weight[c] += g[c] * (x[c] - mean) * scale
            of_bias[c] += g[c]


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

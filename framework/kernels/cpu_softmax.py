"""Log-softmax and the negative log-likelihood on a CPU: row by row, each read as often as its cache holds it."""

import numba as nb
import numpy as np

from ..ops import activation, loss
from .cpu import contiguous, floats, kernel, large, parallel, run


@parallel()
def _log_softmax(input, out):
    """x - max - log sum exp(x - max) of every row (N, C)."""
    for row in nb.prange(input.shape[0]):
        top = input[row].max()
        total = input.dtype.type(0)
        for c in range(input.shape[1]):
            out[row, c] = input[row, c] - top
            total += np.exp(out[row, c])
        total = np.log(total)
        for c in range(input.shape[1]):
            out[row, c] -= total


@parallel()
def _log_softmax_backward(grad, output, out):
    """g - exp(out) sum g of every row."""
    for row in nb.prange(grad.shape[0]):
        total = grad[row].sum()
        for c in range(grad.shape[1]):
            out[row, c] = grad[row, c] - np.exp(output[row, c]) * total


@kernel(activation.log_softmax_op)
def by_rows_log_softmax(input, dim):
    if input.ndim == 0 or dim not in (-1, input.ndim - 1) or not floats(input) or not contiguous(input) or not large(input):
        return NotImplemented
    rows = (-1, input.shape[-1])
    out = np.empty_like(input)
    run(_log_softmax, input.reshape(rows), out.reshape(rows))

    def backward(grad, needs_input):
        input_grad = np.empty_like(out)
        run(_log_softmax_backward, np.ascontiguousarray(grad).reshape(rows), out.reshape(rows), input_grad.reshape(rows))
        return (input_grad,)

    return out, backward


@kernel(loss.negative_log_likelihood)
def picked_nll(input, target, weight, ignore_index, reduction):
    """Reads and writes one element a row, where the formula makes several arrays of them."""
    if input.ndim != 2 or weight is not None or reduction != "mean" or not floats(input) or not large(input):
        return NotImplemented
    counted = target != ignore_index
    rows, classes = np.nonzero(counted)[0], target[counted]
    n = input.dtype.type(len(rows))
    out = np.asarray(-input[rows, classes].sum() / n, input.dtype)

    def backward(grad, needs_input):
        input_grad = np.zeros_like(input)
        input_grad[rows, classes] = -grad / n
        return (input_grad,)

    return out, backward

"""LSTM layers on a CPU: whole sequences in one call, each thread with sequences of its own, so that none waits at a time step.

What x adds to the gates, W_i x + b_i + b_h, is one product over all time steps, and so are the gradients of input and weights.  In
between, step by step, with a = W_i x + b_i + b_h + W_h h cut into i, f, g, o (see ops/recurrent.py):

    forward    c' = sigmoid(f) c + sigmoid(i) tanh(g)        h' = sigmoid(o) tanh(c')
    backward   dc' += dh' o (1 - tanh(c')^2)                 dc = dc' f        dh = W_h^T da
               da = [dc' g i (1 - i), dc' c f (1 - f), dc' i (1 - g^2), dh' tanh(c') o (1 - o)]

where backwards i, f, g, o are what the gates let through.  Batches lie packed, as in ops/recurrent.py: S rows, of which sizes[t] from row
offsets[t] on are step t of the first sizes[t] sequences.  A sequence that has ended, or has not begun, keeps its state.
"""

import numpy as np

from ..ops import recurrent as ops
from ..threads import get_num_threads
from .cpu import compiled, contiguous, floats, kernel, run_shares
from .cpu_blas import gemm
from .cpu_math import exp, tanh
from .cpu_matmul import product

_WORTH_THREADS = 1 << 16  # numbers in the gates: with fewer, one thread is done before another has started


@compiled(inline="always")
def _let_through(gates):
    """sigmoid, sigmoid, tanh, sigmoid of the four gates in a row (4H), in place."""
    height = gates.size // 4
    one = gates.dtype.type(1)
    for j in range(2 * height):
        gates[j] = one / (one + exp(-gates[j]))
    for j in range(2 * height, 3 * height):
        gates[j] = tanh(gates[j])
    for j in range(3 * height, 4 * height):
        gates[j] = one / (one + exp(-gates[j]))


@compiled()
def _forward(gates, weight, h, c, out, cells, offsets, sizes, reverse, bounds, share, first_item, last_item):
    """gates (S, 4H): from what x adds to what they let through; h, c (N, H): from the first states to the last; out, cells (S, H): all."""
    steps, height = len(sizes), c.shape[1]
    first, last = bounds[share], bounds[share + 1]
    for k in range(steps):
        t = steps - 1 - k if reverse else k
        end = min(last, sizes[t])
        if end <= first:
            continue
        start = offsets[t]
        gemm(h[first:end], weight.T, gates[start + first : start + end], 1)
        for n in range(first, end):
            row = gates[start + n]
            _let_through(row)
            i, f, g, o = row[:height], row[height : 2 * height], row[2 * height : 3 * height], row[3 * height :]
            memory, cell, shown, state = c[n], cells[start + n], out[start + n], h[n]
            for j in range(height):
                memory[j] = f[j] * memory[j] + i[j] * g[j]
            for j in range(height):
                shown[j] = o[j] * tanh(memory[j])
            cell[:] = memory
            state[:] = shown


@compiled()
def _backward(grads, gates, cells, first_cells, weight, dh, dc, dgates, offsets, sizes, reverse, bounds, share, first_item, last_item):
    """grads (S, H): of all outputs; dh, dc (N, H): from the gradients of the last states to those of the first; dgates (S, 4H): found."""
    steps, height = len(sizes), dc.shape[1]
    one = dc.dtype.type(1)
    first, last = bounds[share], bounds[share + 1]
    seen = np.empty(height, dc.dtype)
    for k in range(steps):
        t = k if reverse else steps - 1 - k
        earlier = t + 1 if reverse else t - 1
        end = min(last, sizes[t])
        if end <= first:
            continue
        start = offsets[t]
        for n in range(first, end):
            row, found = gates[start + n], dgates[start + n]
            i, f, g, o = row[:height], row[height : 2 * height], row[2 * height : 3 * height], row[3 * height :]
            di, df, dg, do = found[:height], found[height : 2 * height], found[2 * height : 3 * height], found[3 * height :]
            cell, arrived, dstate, dcell = cells[start + n], grads[start + n], dh[n], dc[n]
            before = first_cells[n] if earlier < 0 or earlier == steps or n >= sizes[earlier] else cells[offsets[earlier] + n]
            for j in range(height):
                seen[j] = tanh(cell[j])
            for j in range(height):
                dstate[j] += arrived[j]
            for j in range(height):
                dcell[j] += dstate[j] * o[j] * (one - seen[j] * seen[j])
            for j in range(height):
                do[j] = dstate[j] * seen[j] * o[j] * (one - o[j])
            for j in range(height):
                di[j] = dcell[j] * g[j] * i[j] * (one - i[j])
            for j in range(height):
                df[j] = dcell[j] * before[j] * f[j] * (one - f[j])
            for j in range(height):
                dg[j] = dcell[j] * i[j] * (one - g[j] * g[j])
            for j in range(height):
                dcell[j] *= f[j]
        gemm(dgates[start + first : start + end], weight, dh[first:end], 0)


@compiled()
def _states_before(out, first_states, offsets, sizes, reverse, before):
    """before (S, H): the state h that each time step began with."""
    steps = len(sizes)
    for t in range(steps):
        earlier = t + 1 if reverse else t - 1
        for n in range(sizes[t]):
            begins = earlier < 0 or earlier == steps or n >= sizes[earlier]
            before[offsets[t] + n] = first_states[n] if begins else out[offsets[earlier] + n]


def _shared(sizes, numbers) -> np.ndarray:
    """Which sequences [bounds[i], bounds[i + 1]) thread i has: about as many time steps for each."""
    shares = get_num_threads() if numbers >= _WORTH_THREADS else 1
    if shares == 1:
        return np.array([0, sizes[0] if len(sizes) == 1 else sizes.max()])
    lengths = np.cumsum((sizes[:, None] > np.arange(sizes.max())).sum(0))  # of sequences 0 … n together
    inner = np.searchsorted(lengths, lengths[-1] * np.arange(1, shares) / shares)
    return np.array([0, *inner, sizes.max()])


class _Recurrence:
    """What happens step by step, forward and backward, for gates (S, 4H) to which x has already added its part."""

    def __init__(self, gates, h, c, weight, sizes, reverse):
        self.gates, self.first_h, self.first_c, self.weight = gates, np.ascontiguousarray(h), np.ascontiguousarray(c), weight
        self.steps = np.cumsum(sizes) - sizes, sizes, reverse
        self.bounds = _shared(sizes, gates.size)
        self.out, self.cells = np.empty((2, len(gates), c.shape[1]), c.dtype)
        self.last_h, self.last_c = h.copy(), c.copy()
        self._run(_forward, gates, weight, self.last_h, self.last_c, self.out, self.cells)

    def backward(self, grads):
        """The gradients of the gates, of the first h and of the first c, from those of the outputs, the last h and the last c."""
        shapes = self.out.shape, self.last_h.shape, self.last_c.shape
        found = zip(grads, shapes, strict=True)
        out, h, c = (np.zeros(shape, self.out.dtype) if grad is None else grad.reshape(shape).copy() for grad, shape in found)
        gates = np.empty_like(self.gates)
        self._run(_backward, out, self.gates, self.cells, self.first_c, self.weight, h, c, gates)
        return gates, h, c

    def weight_grad(self, gates):
        """That of W_h, from the gates' gradient."""
        before = np.empty_like(self.out)
        _states_before(self.out, self.first_h, *self.steps, before)
        return product(gates.T, before)

    def _run(self, function, *args) -> None:
        shares = len(self.bounds) - 1
        if shares == 1:
            function(*args, *self.steps, self.bounds, 0, 0, 1)
        else:
            run_shares(function, shares, *args, *self.steps, self.bounds)


@kernel(ops.lstm_layer)
def whole_lstm(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse):
    if w_hr is not None or not floats(input, h, c, w_ih, w_hh, b_ih, b_hh) or not contiguous(w_ih, w_hh) or not input.size:
        return NotImplemented
    sizes = np.array(batch_sizes or (input.shape[1],) * input.shape[0])
    rows = np.ascontiguousarray(input).reshape(-1, input.shape[-1])  # (S, I)
    gates = product(rows, w_ih.T, None if b_ih is None else b_ih + b_hh)  # (S, 4H)
    layer = _Recurrence(gates, h, c, w_hh, sizes, reverse)

    def backward(grads, needs_input, needs_h, needs_c, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh, needs_w_hr):
        dgates, dh, dc = layer.backward(grads)
        bias_grad = dgates.sum(0) if needs_b_ih or needs_b_hh else None
        return (
            product(dgates, w_ih).reshape(input.shape) if needs_input else None,
            dh,
            dc,
            product(dgates.T, rows) if needs_w_ih else None,
            layer.weight_grad(dgates) if needs_w_hh else None,
            bias_grad,
            bias_grad,
            None,
        )

    return (layer.out.reshape(*input.shape[:-1], -1), layer.last_h, layer.last_c), backward

"""LSTM and GRU layers on a CPU: whole sequences in one call, each thread with sequences of its own, so that none waits at a time step.

What x adds to the gates, W_i x + b_i, is computed step by step too, so that the gates stay in the caches from there to h; the gradients of
the weights are products over all time steps.  The gates are those of ops/recurrent.py, and backwards stand for what they let through:

    LSTM   forward    c' = f c + i g                                            h' = o tanh(c')
           backward   dc' += dh' o (1 - tanh(c')^2)            dc = dc' f       dh = W_h^T da
                      da = [dc' g i (1 - i), dc' c f (1 - f), dc' i (1 - g^2), dh' tanh(c') o (1 - o)]
    GRU    forward    n = tanh(n + r n_h)                                       h' = n + z (h - n)
           backward   dn = dh' (1 - z) (1 - n^2)                                dh = dh' z + W_h^T da_h
                      da = [dn n_h r (1 - r), dh' (h - n) z (1 - z), dn], and da_h the same with dn r in the place of dn

Batches lie packed, as in ops/recurrent.py: S rows, of which sizes[t] from row offsets[t] on are step t of the first sizes[t] sequences.
A sequence that has ended, or has not begun, keeps its state.
"""

import functools

import numpy as np

from ..ops import recurrent as ops
from .cpu import compiled, contiguous, floats, kernel, run
from .cpu_gemm import gemm, in_panels
from .cpu_math import exp, tanh
from .threads import get_num_threads

_WORTH_THREADS = 1 << 19  # multiplications: with fewer, one thread is done before another has begun
_MANY = 512  # rows of all time steps: with fewer, backwards a weight is read where it lies


@compiled(inline="always")
def step_of(k, backwards, offsets, sizes, last):
    """Of the time step t that is computed as number k: t, where its rows begin, and where this thread's sequences end that have one."""
    t = len(sizes) - 1 - k if backwards else k
    return t, offsets[t], min(last, sizes[t])


@compiled()
def begin(given, first, last, out):
    """Rows [first, last) of `given` to `out`, and where nothing is given zeros."""
    for n in range(first, last):
        row = out[n]
        for j in range(row.size):
            row[j] = given[n, j] if given.size else 0


@compiled()
def gates_of(x, w_i, bias, first, last, gates):
    """What x adds to the gates: some rows of W_i x + b."""
    for row in range(first, last):
        for j in range(bias.size):  # an assignment of a whole row takes two seconds to compile, for its errors
            gates[row, j] = bias[j]
    gemm(x[first:last], w_i, gates[first:last], 1)


@compiled()
def laid(weight, rows):
    """`weight` in panels, if a product with so many rows is worth it; else none."""
    return in_panels(weight if rows >= _MANY else weight[:0], False)


@compiled()
def back(da, weight, panels, out, add):
    """out (+)= da W: a gradient through a product with W."""
    if panels.size:
        gemm(da, panels, out, add)
    else:
        gemm(da, weight, out, add)


@compiled(inline="always")
def _let_through(gates):
    """sigmoid, sigmoid, tanh, sigmoid of the four gates in a row (4H), in place."""
    height = gates.size // 4
    one = gates.dtype.type(1)
    input_and_forget, candidate, output = gates[: 2 * height], gates[2 * height : 3 * height], gates[3 * height :]
    for j in range(2 * height):
        input_and_forget[j] = one / (one + exp(-input_and_forget[j]))
    for j in range(height):
        candidate[j] = tanh(candidate[j])
    for j in range(height):
        output[j] = one / (one + exp(-output[j]))


@compiled()
def _lstm(x, w_ih, w_hh, bias, first_h, first_c, h, c, gates, out, cells, offsets, sizes, reverse, bounds, share,
          first_item, last_item):  # fmt: skip
    """gates (S, 4H): what they let through; h, c (N, H): the last states; out, cells (S, H): all."""
    steps, height = len(sizes), c.shape[1]
    first, last = bounds[share], bounds[share + 1]
    w_i, w_h = in_panels(w_ih, True), in_panels(w_hh, True)  # each thread's own, in the cache of its core
    begin(first_h, first, last, h)
    begin(first_c, first, last, c)
    for k in range(steps):
        _, start, end = step_of(k, reverse, offsets, sizes, last)
        if end <= first:
            continue
        gates_of(x, w_i, bias, start + first, start + end, gates)
        gemm(h[first:end], w_h, gates[start + first : start + end], 1)
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
def _lstm_backward(grads, last_dh, last_dc, gates, cells, first_cells, w_i, w_h, dh, dc, dgates, dx, offsets, sizes, reverse, bounds,
                   share, first_item, last_item):  # fmt: skip
    """grads (S, H): of all outputs; last_dh, last_dc (N, H): of the last states; each may be empty; dh, dc: of the first; dgates, dx."""
    steps, height = len(sizes), dc.shape[1]
    one = dc.dtype.type(1)
    first, last = bounds[share], bounds[share + 1]
    seen, panels_i, panels_h = np.empty(height, dc.dtype), laid(w_i, len(dx)), laid(w_h, len(gates))
    begin(last_dh, first, last, dh)
    begin(last_dc, first, last, dc)
    for k in range(steps):
        t, start, end = step_of(k, not reverse, offsets, sizes, last)
        if end <= first:
            continue
        earlier = t + 1 if reverse else t - 1
        for n in range(first, end):
            row, found = gates[start + n], dgates[start + n]
            i, f, g, o = row[:height], row[height : 2 * height], row[2 * height : 3 * height], row[3 * height :]
            di, df, dg, do = found[:height], found[height : 2 * height], found[2 * height : 3 * height], found[3 * height :]
            cell, dstate, dcell = cells[start + n], dh[n], dc[n]
            before = first_cells[n] if earlier < 0 or earlier == steps or n >= sizes[earlier] else cells[offsets[earlier] + n]
            for j in range(height):
                seen[j] = tanh(cell[j])
            if grads.size:
                arrived = grads[start + n]
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
        back(dgates[start + first : start + end], w_h, panels_h, dh[first:end], 0)
        if dx.size:
            back(dgates[start + first : start + end], w_i, panels_i, dx[start + first : start + end], 0)


@compiled()
def _gru(x, w_ih, w_hh, bias_i, bias_h, first_h, h, gates, out, from_h, offsets, sizes, reverse, bounds, share, first_item, last_item):
    """gates (S, 3H): r, z, n; h (N, H): the last states; out (S, H): all; from_h (S, H): n_h."""
    steps, height = len(sizes), h.shape[1]
    one = h.dtype.type(1)
    first, last = bounds[share], bounds[share + 1]
    added = np.empty((len(h), 3 * height), h.dtype)  # W_h h + b_h
    w_i, w_h = in_panels(w_ih, True), in_panels(w_hh, True)
    begin(first_h, first, last, h)
    for k in range(steps):
        _, start, end = step_of(k, reverse, offsets, sizes, last)
        if end <= first:
            continue
        gates_of(x, w_i, bias_i, start + first, start + end, gates)
        gates_of(h, w_h, bias_h, first, end, added)
        for n in range(first, end):
            row, more, kept, shown, state = gates[start + n], added[n], from_h[start + n], out[start + n], h[n]
            z, candidate = row[height : 2 * height], row[2 * height :]
            for j in range(2 * height):
                row[j] = one / (one + exp(-row[j] - more[j]))
            kept[:] = more[2 * height :]
            for j in range(height):
                candidate[j] = tanh(candidate[j] + row[j] * kept[j])
            for j in range(height):
                shown[j] = candidate[j] + z[j] * (state[j] - candidate[j])
            state[:] = shown


@compiled()
def _gru_backward(grads, last_dh, gates, from_h, before, w_i, w_h, dh, da, da_h, dx, offsets, sizes, reverse, bounds, share,
                  first_item, last_item):  # fmt: skip
    """grads (S, H): of all outputs; last_dh (N, H): of the last state; each may be empty; da, da_h (S, 3H): of W_i x and of W_h h."""
    steps, height = len(sizes), dh.shape[1]
    one = dh.dtype.type(1)
    first, last = bounds[share], bounds[share + 1]
    kept = np.empty((max(0, last - first), height), dh.dtype)  # what passes the step without a product
    panels_i, panels_h = laid(w_i, len(dx)), laid(w_h, len(gates))
    begin(last_dh, first, last, dh)
    for k in range(steps):
        _, start, end = step_of(k, not reverse, offsets, sizes, last)
        if end <= first:
            continue
        for n in range(first, end):
            row, found, found_h = gates[start + n], da[start + n], da_h[start + n]
            r, z, candidate = row[:height], row[height : 2 * height], row[2 * height :]
            dr, dz, dn, dn_h = found[:height], found[height : 2 * height], found[2 * height :], found_h[2 * height :]
            state, dstate, n_h, passed = before[start + n], dh[n], from_h[start + n], kept[n - first]
            if grads.size:
                arrived = grads[start + n]
                for j in range(height):
                    dstate[j] += arrived[j]
            for j in range(height):
                passed[j] = dstate[j] * z[j]
            for j in range(height):
                dn[j] = dstate[j] * (one - z[j]) * (one - candidate[j] * candidate[j])
            for j in range(height):
                dz[j] = dstate[j] * (state[j] - candidate[j]) * z[j] * (one - z[j])
            for j in range(height):
                dr[j] = dn[j] * n_h[j] * r[j] * (one - r[j])
            for j in range(height):
                dn_h[j] = dn[j] * r[j]
            found_h[: 2 * height] = found[: 2 * height]
            dstate[:] = passed
        back(da_h[start + first : start + end], w_h, panels_h, dh[first:end], 1)
        if dx.size:
            back(da[start + first : start + end], w_i, panels_i, dx[start + first : start + end], 0)


@compiled()
def _sum(da, db, first, last):
    """Elements [first, last) of the gradient of a bias, a sum over all time steps; db may be empty."""
    total = db[first:last]
    for j in range(total.size):
        total[j] = 0
    for row in range(len(da) if db.size else 0):
        each = da[row, first:last]
        for j in range(each.size):
            total[j] += each[j]


@compiled()
def _weight_gradients(da, x, dw, db, da_h, before, dw_h, db_h, share, first, last):
    """Rows [first, last) of the gradients of W_i and W_h, products over all time steps, and of their biases; each may be empty."""
    if dw.size:
        gemm(da[:, first:last].T, x, dw[first:last], 0)
    if dw_h.size:
        gemm(da_h[:, first:last].T, before, dw_h[first:last], 0)
    _sum(da, db, first, last)
    _sum(da_h, db_h, first, last)


@compiled()
def _states_before(out, first_states, offsets, sizes, reverse, before):
    """before (S, H): the state h that each time step began with."""
    steps = len(sizes)
    for t in range(steps):
        earlier = t + 1 if reverse else t - 1
        for n in range(sizes[t]):
            begins = earlier < 0 or earlier == steps or n >= sizes[earlier]
            before[offsets[t] + n] = first_states[n] if begins else out[offsets[earlier] + n]


@functools.lru_cache(64)
def _layout(sizes: tuple, shares: int) -> tuple:
    """Where each step's rows begin, how many they are, and each share's sequences, [bounds[i], bounds[i + 1]), of about as many steps."""
    steps = np.array(sizes)
    lengths = np.cumsum((steps[:, None] > np.arange(sizes[0])).sum(0))  # of sequences 0 … n together
    inner = np.searchsorted(lengths, lengths[-1] * np.arange(1, shares) / shares)
    return np.cumsum(steps) - steps, steps, np.array([0, *inner, sizes[0]])


class Steps:
    """A batch's time steps, and how many threads work at them."""

    def __init__(self, input, batch_sizes, reverse, w_ih, w_hh):
        multiplications = input[..., 0].size * (w_ih.size + w_hh.size)
        self.shares = get_num_threads() if multiplications >= _WORTH_THREADS else 1
        offsets, sizes, bounds = _layout(tuple(batch_sizes or (input.shape[1],) * input.shape[0]), self.shares)
        self.where = offsets, sizes, reverse, bounds

    def run(self, function, *args) -> None:
        """Each thread with its own sequences; on the calling one alone, if there is little to do."""
        run(function, self.shares, *args, *self.where, shared=self.shares > 1)

    def weight_gradients(self, needs, da, x, w_ih, da_h, before, w_hh) -> tuple:
        """Those of W_i, b_i, W_h and b_h as far as they are needed, a share of the rows to each thread."""
        rows = [len(w_ih) if needed else 0 for needed in needs]
        dw, dw_h = np.empty((rows[0], x.shape[1]), x.dtype), np.empty((rows[2], before.shape[1]), x.dtype)
        db, db_h = np.empty(rows[1], x.dtype), np.empty(rows[3], x.dtype)
        if any(needs):
            run(_weight_gradients, len(w_ih), da, x, dw, db, da_h, before, dw_h, db_h, shared=self.shares > 1)
        return tuple([grad if needed else None for grad, needed in zip((dw, db, dw_h, db_h), needs, strict=True)])

    def states_before(self, out, first_states):
        """(S, H): the state h that each time step began with."""
        if len(out) == len(first_states):
            return first_states  # there is one step
        before = np.empty_like(out)
        _states_before(out, first_states, *self.where[:3], before)
        return before


def empty_for_none(grads, *like) -> list:
    """Gradients as arrays: of none of them no rows."""
    return [each[:0] if grad is None else np.ascontiguousarray(grad).reshape(each.shape) for grad, each in zip(grads, like, strict=True)]


def fits(input, *others) -> bool:
    return floats(input, *others) and contiguous(*(each for each in others if each is not None)) and input.size > 0


def given(out, first_states, shape):
    """The outputs, which may be changed in place: a copy if `states_before` will read them."""
    return (out if len(out) == len(first_states) else out.copy()).reshape(*shape[:-1], -1)


def bias_of(given, weight):
    return np.zeros(len(weight), weight.dtype) if given is None else given


@kernel(ops.lstm_layer)
def whole_lstm(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, lengths):
    h, c = np.ascontiguousarray(h), np.ascontiguousarray(c)
    if w_hr is not None or lengths is not None or not fits(input, h, c, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    steps = Steps(input, batch_sizes, reverse, w_ih, w_hh)
    x = np.ascontiguousarray(input).reshape(-1, input.shape[-1])  # (S, I)
    gates = np.empty((len(x), len(w_hh)), x.dtype)  # (S, 4H)
    out, cells = np.empty((2, len(x), c.shape[1]), x.dtype)
    last_h, last_c = np.empty_like(h), np.empty_like(c)
    bias = bias_of(None if b_ih is None else b_ih + b_hh, w_ih)
    steps.run(_lstm, x, w_ih, w_hh, bias, h, c, last_h, last_c, gates, out, cells)

    def backward(grads, needs_input, needs_h, needs_c, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh, needs_w_hr):
        da, dx = np.empty_like(gates), np.empty_like(x if needs_input else x[:0])
        dh, dc = np.empty_like(h), np.empty_like(c)
        steps.run(_lstm_backward, *empty_for_none(grads, out, h, c), gates, cells, c, w_ih, w_hh, dh, dc, da, dx)
        needs = needs_w_ih, needs_b_ih or needs_b_hh, needs_w_hh, False
        dw_ih, db, dw_hh, _ = steps.weight_gradients(needs, da, x, w_ih, da, steps.states_before(out, h), w_hh)
        return dx.reshape(input.shape) if needs_input else None, dh, dc, dw_ih, dw_hh, db, db, None

    return (given(out, h, input.shape), last_h, last_c), backward


@kernel(ops.gru_layer)
def whole_gru(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, lengths):
    h = np.ascontiguousarray(h)
    if lengths is not None or not fits(input, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    steps = Steps(input, batch_sizes, reverse, w_ih, w_hh)
    x = np.ascontiguousarray(input).reshape(-1, input.shape[-1])  # (S, I)
    gates = np.empty((len(x), len(w_hh)), x.dtype)  # (S, 3H)
    out, from_h = np.empty((2, len(x), h.shape[1]), x.dtype)
    last = np.empty_like(h)
    steps.run(_gru, x, w_ih, w_hh, bias_of(b_ih, w_ih), bias_of(b_hh, w_hh), h, last, gates, out, from_h)

    def backward(grads, needs_input, needs_h, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh):
        before, dh = steps.states_before(out, h), np.empty_like(h)
        (da, da_h), dx = np.empty((2, *gates.shape), x.dtype), np.empty_like(x if needs_input else x[:0])
        steps.run(_gru_backward, *empty_for_none(grads, out, h), gates, from_h, before, w_ih, w_hh, dh, da, da_h, dx)
        needs = needs_w_ih, needs_b_ih, needs_w_hh, needs_b_hh
        dw_ih, db_ih, dw_hh, db_hh = steps.weight_gradients(needs, da, x, w_ih, da_h, before, w_hh)
        return dx.reshape(input.shape) if needs_input else None, dh, dw_ih, dw_hh, db_ih, db_hh

    return (given(out, h, input.shape), last), backward

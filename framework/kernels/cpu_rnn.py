"""Plain RNN layers on a CPU: whole sequences in one call, as LSTM's and GRU's are (cpu_recurrent.py, whose batches and names these are).

    forward    h' = f(W_i x + b_i + W_h h + b_h)
    backward   da = dh' (1 - h'^2) for f = tanh, dh' but where h' <= 0 for f = relu;  dh = W_h^T da
"""

import numpy as np

from ..ops import recurrent as ops
from .cpu import compiled, kernel
from .cpu_gemm import gemm, in_panels
from .cpu_math import tanh
from .cpu_recurrent import Steps, back, begin, bias_of, empty_for_none, fits, gates_of, given, laid, step_of


@compiled()
def _rnn(x, w_ih, w_hh, bias, first_h, relu, h, out, offsets, sizes, reverse, bounds, share, first_item, last_item):
    """h (N, H): the last states; out (S, H): all."""
    steps, first, last = len(sizes), bounds[share], bounds[share + 1]
    w_i, w_h = in_panels(w_ih, True), in_panels(w_hh, True)  # each thread's own, in the cache of its core
    begin(first_h, first, last, h)
    for k in range(steps):
        _, start, end = step_of(k, reverse, offsets, sizes, last)
        if end <= first:
            continue
        gates_of(x, w_i, bias, start + first, start + end, out)
        gemm(h[first:end], w_h, out[start + first : start + end], 1)
        for n in range(first, end):
            row, state = out[start + n], h[n]
            if relu:
                for j in range(row.size):
                    row[j] = 0 if row[j] <= 0 else row[j]  # a nan stays
            else:
                for j in range(row.size):
                    row[j] = tanh(row[j])
            state[:] = row


@compiled()
def _rnn_backward(grads, last_dh, out, w_i, w_h, relu, dh, da, dx, offsets, sizes, reverse, bounds, share, first_item, last_item):
    """grads (S, H): of all outputs; last_dh (N, H): of the last states; each may be empty; dh: of the first; da (S, H), dx."""
    steps, first, last, one = len(sizes), bounds[share], bounds[share + 1], dh.dtype.type(1)
    panels_i, panels_h = laid(w_i, len(dx)), laid(w_h, len(out))
    begin(last_dh, first, last, dh)
    for k in range(steps):
        _, start, end = step_of(k, not reverse, offsets, sizes, last)
        if end <= first:
            continue
        for n in range(first, end):
            found, state, dstate = da[start + n], out[start + n], dh[n]
            if grads.size:
                arrived = grads[start + n]
                for j in range(found.size):
                    dstate[j] += arrived[j]
            if relu:
                for j in range(found.size):
                    found[j] = 0 if state[j] <= 0 else dstate[j]
            else:
                for j in range(found.size):
                    found[j] = dstate[j] * (one - state[j] * state[j])
        back(da[start + first : start + end], w_h, panels_h, dh[first:end], 0)
        if dx.size:
            back(da[start + first : start + end], w_i, panels_i, dx[start + first : start + end], 0)


@kernel(ops.rnn_layer)
def whole_rnn(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, lengths, nonlinearity):
    h, relu = np.ascontiguousarray(h), nonlinearity == "relu"
    if lengths is not None or not fits(input, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    steps = Steps(input, batch_sizes, reverse, w_ih, w_hh)
    x = np.ascontiguousarray(input).reshape(-1, input.shape[-1])  # (S, I)
    out, last = np.empty((len(x), h.shape[1]), x.dtype), np.empty_like(h)
    steps.run(_rnn, x, w_ih, w_hh, bias_of(None if b_ih is None else b_ih + b_hh, w_ih), h, relu, last, out)

    def backward(grads, needs_input, needs_h, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh):
        da, dh, dx = np.empty_like(out), np.empty_like(h), np.empty_like(x if needs_input else x[:0])
        steps.run(_rnn_backward, *empty_for_none(grads, out, h), out, w_ih, w_hh, relu, dh, da, dx)
        needs = needs_w_ih, needs_b_ih or needs_b_hh, needs_w_hh, False
        dw_ih, db, dw_hh, _ = steps.weight_gradients(needs, da, x, w_ih, da, steps.states_before(out, h), w_hh)
        return dx.reshape(input.shape) if needs_input else None, dh, dw_ih, dw_hh, db, db

    return (given(out, h, input.shape), last), backward

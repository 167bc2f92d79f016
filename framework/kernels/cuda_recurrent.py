"""LSTM and GRU layers on a GPU: for what x adds to the gates one product over all time steps, and then a product and a kernel a step.

A step's product adds W_h h to the gates' sums; its kernel makes of them what the gates let through, which is kept for backward, and the new
states.  Backwards a step is a kernel, which makes the gradients da of the gates' sums, and the product W_h^T da; the gradients of the
weights are products over all time steps.  The formulas are those of cpu_recurrent.py.

Batches lie packed, as in ops/recurrent.py: S rows, of which a step has some, those of the first so many sequences.  The states h and c
(N, H) are written over from step to step; a sequence that has ended, or has not begun, keeps its own.  Where the sequences' lengths lie on
the GPU, unknown to the host, every step has all rows, and it is the kernels that leave the states of such a sequence alone.
"""

from itertools import accumulate

from ..ops import recurrent as ops
from .cuda import Source, by_row, contiguous, cupy, floats, gpu_kernel
from .cuda_matmul import product
from .cuda_weights import bias_gradient, weight_gradient

UNIT = r"""
__device__ S at(const T* array, Index i) { return array ? (S)array[i] : 0; }

// What the gates of an LSTM's unit let through: i, f, g, o, which lie `height` apart.
struct Unit {
    S i, f, g, o;
    __device__ static Unit of(const S* sums) { return {sigmoid(sums[0]), sigmoid(sums[1]), tanh(sums[2]), sigmoid(sums[3])}; }
    __device__ static Unit read(const T* gate, Index height) { return {gate[0], gate[height], gate[2 * height], gate[3 * height]}; }
    __device__ void write(T* gate, Index height) const {
        gate[0] = i;
        gate[height] = f;
        gate[2 * height] = g;
        gate[3 * height] = o;
    }
    __device__ S cell(S before) const { return f * before + i * g; }
    // From the gradients of h and c after a step those of the gates' sums, and of c before it.
    __device__ S back(S before, S dh, S dc, S* sums) const {
        const S seen = tanh(cell(before)), of_cell = dc + dh * o * (1 - seen * seen);
        sums[0] = of_cell * g * i * (1 - i);
        sums[1] = of_cell * before * f * (1 - f);
        sums[2] = of_cell * i * (1 - g * g);
        sums[3] = dh * seen * o * (1 - o);
        return of_cell * f;
    }
};
"""

_kernels = Source(
    UNIT
    + r"""

// In all of these a thread takes elements k = n H + j of a step's states (N, H), whose rows are those from `start` on among all S rows: in
// what is kept of all steps (S, H) that is element start H + k.  The gates of an element lie H apart.  `lengths` (N), which may be null: a
// sequence of fewer steps than t + 1 keeps its states, and the gradients go to those before.
#define KEEPS (lengths && lengths[k / height] <= t)

// gates (S, 4H): W_i x + W_h h, without the biases, and then what they let through.  The states are read where they were and written where
// they are to be, which may be the same place; if it is, they are kept in h_before and c_before.
extern "C" __global__ void lstm(T* gates, const T* b_i, const T* b_h, const T* h_was, const T* c_was, T* h, T* c, T* out,
                                T* h_before, T* c_before, Index start, Index height, Index count, const Index* lengths, Index t) {
    for (Index k = first(); k < count; k += step()) {
        const Index n = k / height, j = k % height, kept = start * height + k;
        T* gate = gates + (start + n) * 4 * height + j;
        if (h_before) {
            h_before[kept] = h_was[k];
            c_before[kept] = c_was[k];
        }
        if (KEEPS) {
            h[k] = out[kept] = h_was[k];
            c[k] = c_was[k];
            continue;
        }
        S sums[4];
        for (int q = 0; q < 4; q++) sums[q] = (S)gate[q * height] + at(b_i, q * height + j) + at(b_h, q * height + j);
        const Unit unit = Unit::of(sums);
        const S cell = unit.cell(c_was[k]);
        c[k] = cell;
        h[k] = out[kept] = unit.o * tanh(cell);
        unit.write(gate, height);
    }
}

// dh_after, dc_after: the gradients of the states after this step; dh, dc: those of the states before, of h what it has without the
// product, in the same place or another.  da (S, 4H): of the gates' sums
extern "C" __global__ void lstm_backward(const T* gates, const T* c_before, const T* grads, const T* dh_after, const T* dc_after, T* dh,
                                         T* dc, T* da, Index start, Index height, Index count, const Index* lengths, Index t) {
    for (Index k = first(); k < count; k += step()) {
        const Index n = k / height, j = k % height, kept = start * height + k, at_gates = (start + n) * 4 * height + j;
        const S shown = at(dh_after, k) + at(grads, kept), of_c = at(dc_after, k);
        S sums[4] = {};
        const bool keeps = KEEPS;
        dc[k] = keeps ? of_c : Unit::read(gates + at_gates, height).back(c_before[kept], shown, of_c, sums);
        dh[k] = keeps ? shown : 0;
        for (int q = 0; q < 4; q++) da[at_gates + q * height] = sums[q];
    }
}

// gates (S, 3H): W_i x, without the bias, and then what they let through; added (N, 3H): W_h h, without the bias; n_h (S, H).  h as above.
extern "C" __global__ void gru(T* gates, const T* added, const T* b_i, const T* b_h, const T* h_was, T* h, T* out, T* h_before, T* n_h,
                               Index start, Index height, Index count, const Index* lengths, Index t) {
    for (Index k = first(); k < count; k += step()) {
        const Index n = k / height, j = k % height, kept = start * height + k;
        T* gate = gates + (start + n) * 3 * height + j;
        S of_x[3], of_h[3];
        for (int q = 0; q < 3; q++) {
            of_x[q] = (S)gate[q * height] + at(b_i, q * height + j);
            of_h[q] = (S)added[n * 3 * height + q * height + j] + at(b_h, q * height + j);
        }
        const S r = sigmoid(of_x[0] + of_h[0]), z = sigmoid(of_x[1] + of_h[1]), candidate = tanh(of_x[2] + r * of_h[2]);
        n_h[kept] = of_h[2];
        const S was = h_was[k];
        if (h_before) h_before[kept] = was;
        h[k] = out[kept] = KEEPS ? was : candidate + z * (was - candidate);
        gate[0] = r;
        gate[height] = z;
        gate[2 * height] = candidate;
    }
}

// dh_after: the gradient of h after this step; dh: what of it h before has without the product, in the same place or another.  da, da_h
// (S, 3H): of what x and what h add to the gates' sums
extern "C" __global__ void gru_backward(const T* gates, const T* n_h, const T* h_before, const T* grads, const T* dh_after, T* dh, T* da,
                                        T* da_h, Index start, Index height, Index count, const Index* lengths, Index t) {
    for (Index k = first(); k < count; k += step()) {
        const Index n = k / height, j = k % height, kept = start * height + k, at_gates = (start + n) * 3 * height + j;
        const T* gate = gates + at_gates;
        T *of_x = da + at_gates, *of_h = da_h + at_gates;
        const S r = gate[0], z = gate[height], candidate = gate[2 * height], shown = at(dh_after, k) + at(grads, kept);
        const bool keeps = KEEPS;
        const S used = keeps ? 0 : shown, grad = used * (1 - z) * (1 - candidate * candidate);
        of_x[0] = of_h[0] = grad * (S)n_h[kept] * r * (1 - r);
        of_x[height] = of_h[height] = used * ((S)h_before[kept] - candidate) * z * (1 - z);
        of_x[2 * height] = grad;
        of_h[2 * height] = grad * r;
        dh[k] = keeps ? shown : shown * z;
    }
}
"""
)


def _steps(input, batch_sizes, reverse) -> list:
    """(t, the first of its rows, how many) of each time step, in the order in which they are taken."""
    sizes = batch_sizes or (input.shape[1],) * input.shape[0]
    return list(zip(range(len(sizes)), accumulate(sizes, initial=0), sizes, strict=False))[:: -1 if reverse else 1]


def _for_all_steps(count, x, height) -> list:
    """`count` new arrays (S, H)."""
    return [cupy().empty((len(x), height), x.dtype) for _ in range(count)]


def _places(steps, x, *states) -> tuple:
    """Where the states (N, H) are read, where they are written, and where a step keeps what they were, for all steps (S, H).

    A single step, a cell's, reads those that are given, which stay as they are and need not be kept.
    """
    given = list(map(by_row, states))
    if len(steps) == 1:
        return given, list(map(cupy().empty_like, given)), [None] * len(states), given
    states, kept = [state.copy() for state in states], _for_all_steps(len(states), x, states[0].shape[1])
    return states, states, kept, kept


def _arrived(grads, steps, *states) -> tuple:
    """The gradients of all outputs, None if there are none; those of the last states; and where those of the states before are written."""
    first, *last = grads
    if len(steps) == 1:
        after, before = [None if grad is None else by_row(grad) for grad in last], list(map(cupy().empty_like, states))
    else:
        after = before = [cupy().zeros_like(state) if grad is None else grad.copy() for grad, state in zip(last, states, strict=True)]
    return None if first is None else by_row(first), after, before


def _fits(input, *others, biases) -> bool:
    return floats(input, *others, *biases) and contiguous(*biases) and input.size > 0


@gpu_kernel(ops.lstm_layer)
def lstm_by_steps(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, lengths):
    if w_hr is not None or not _fits(input, h, c, w_ih, w_hh, biases=(b_ih, b_hh)):
        return NotImplemented
    steps, height, to_gates = _steps(input, batch_sizes, reverse), h.shape[1], w_hh.T
    x, lengths = by_row(input).reshape(-1, input.shape[-1]), None if lengths is None else by_row(lengths)  # (S, I), (N,)
    gates, (out,) = product(x, w_ih.T), _for_all_steps(1, x, height)
    was, (h, c), keep, (h_before, c_before) = _places(steps, x, h, c)
    for t, start, rows in steps:
        count = rows * height
        product(was[0][:rows], to_gates, gates[start : start + rows], add=True)
        _kernels.each("lstm", count, gates, b_ih, b_hh, *was, h, c, out, *keep, start, height, count, lengths, t)

    def backward(grads, needs_input, needs_h, needs_c, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh, needs_w_hr):
        (arrived, after, (dh, dc)), da = _arrived(grads, steps, h, c), cupy().empty_like(gates)
        for t, start, rows in reversed(steps):
            count = rows * height
            _kernels.each("lstm_backward", count, gates, c_before, arrived, *after, dh, dc, da, start, height, count, lengths, t)
            product(da[start : start + rows], w_hh, dh[:rows], add=True)
        dx = product(da, w_ih).reshape(input.shape) if needs_input else None
        dw_ih, dw_hh = weight_gradient(da, x) if needs_w_ih else None, weight_gradient(da, h_before) if needs_w_hh else None
        return dx, dh, dc, dw_ih, dw_hh, bias_gradient(da) if needs_b_ih else None, bias_gradient(da) if needs_b_hh else None, None

    return (out.reshape(*input.shape[:-1], height), h, c), backward


@gpu_kernel(ops.gru_layer)
def gru_by_steps(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, lengths):
    if not _fits(input, h, w_ih, w_hh, biases=(b_ih, b_hh)):
        return NotImplemented
    steps, height, to_gates = _steps(input, batch_sizes, reverse), h.shape[1], w_hh.T
    x, lengths = by_row(input).reshape(-1, input.shape[-1]), None if lengths is None else by_row(lengths)  # (S, I), (N,)
    gates, (out, n_h) = product(x, w_ih.T), _for_all_steps(2, x, height)
    was, (h,), keep, (h_before,) = _places(steps, x, h)
    added = cupy().empty((len(h), 3 * height), x.dtype)  # W_h h
    for t, start, rows in steps:
        count = rows * height
        product(was[0][:rows], to_gates, added[:rows])
        _kernels.each("gru", count, gates, added, b_ih, b_hh, *was, h, out, *keep, n_h, start, height, count, lengths, t)

    def backward(grads, needs_input, needs_h, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh):
        (arrived, after, (dh,)), da, da_h = _arrived(grads, steps, h), cupy().empty_like(gates), cupy().empty_like(gates)
        for t, start, rows in reversed(steps):
            count = rows * height
            _kernels.each("gru_backward", count, gates, n_h, h_before, arrived, *after, dh, da, da_h, start, height, count, lengths, t)
            product(da_h[start : start + rows], w_hh, dh[:rows], add=True)
        dx = product(da, w_ih).reshape(input.shape) if needs_input else None
        dw_ih, dw_hh = weight_gradient(da, x) if needs_w_ih else None, weight_gradient(da_h, h_before) if needs_w_hh else None
        return dx, dh, dw_ih, dw_hh, bias_gradient(da) if needs_b_ih else None, bias_gradient(da_h) if needs_b_hh else None

    return (out.reshape(*input.shape[:-1], height), h), backward

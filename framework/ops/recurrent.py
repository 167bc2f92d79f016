"""Recurrent networks: one step, and one layer in one direction over whole sequences, padded or packed; a cell is a layer over one step.

With x the input, h the hidden state, W_i b_i the weight and bias of x, W_h b_h those of h:

    RNN    h' = f(W_i x + b_i + W_h h + b_h), f = tanh or relu                              (Elman, 1990)
    LSTM   i, f, g, o = W_i x + b_i + W_h h + b_h, cut in four                               (Hochreiter and Schmidhuber, 1997;
           c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c')                  the forget gate f: Gers et al., 2000)
    GRU    r, z, n = W_i x + b_i and r_h, z_h, n_h = W_h h + b_h, cut in three               (Cho et al., 2014)
           h' = (1 - s(z + z_h)) tanh(n + s(r + r_h) n_h) + s(z + z_h) h, s = sigmoid

The reset gate of Cho et al. multiplies h before the product with W_h; PyTorch's, and so ours, what comes out of it.  An LSTM may project
its h' to fewer numbers, W_r h' (Sak et al., 2014).  What x adds, W_i x + b_i, does not depend on h: a layer computes it for all time
steps at once, and a step is given it as `sums`.
"""

from ..autograd.fusable import fusable
from ..autograd.op import op
from .activation import relu
from .elementwise import sigmoid, tanh
from .elementwise import where_op as where
from .linalg import linear
from .shape import cat, reshape, split_with_sizes, stack

# As split_with_sizes, without noting that the pieces are views, which costs time in a loop
pieces = op(split_with_sizes.forward, name="split", input=split_with_sizes.rules[0].function)
NONLINEARITIES = {"tanh": tanh, "relu": relu}


def _gates(sums, count):
    return pieces(sums, (sums.shape[-1] // count,) * count, -1)


def rnn_step(sums, h, w_hh, b_hh, nonlinearity="tanh"):
    """One step of a plain RNN: W_i x + b_i (N, H), h (N, H) -> (h',)."""
    return (NONLINEARITIES[nonlinearity](sums + linear(h, w_hh, b_hh)),)


def lstm_step(sums, h, c, w_hh, b_hh, w_hr=None):
    """One step of an LSTM: W_i x + b_i (N, 4H), h and c (N, H) -> (h', c')."""
    i, f, g, o = _gates(sums + linear(h, w_hh, b_hh), 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h if w_hr is None else linear(h, w_hr)), c


def gru_step(sums, h, w_hh, b_hh):
    """One step of a GRU: W_i x + b_i (N, 3H), h (N, H) -> (h',)."""
    r, z, n = _gates(sums, 3)
    r_h, z_h, n_h = _gates(linear(h, w_hh, b_hh), 3)
    n = tanh(n + sigmoid(r + r_h) * n_h)
    return (n + sigmoid(z + z_h) * (h - n),)


def _over_time(step, input, start, w_ih, b_ih, weights, batch_sizes, reverse, lengths):
    """(the outputs of all time steps, *the last states): `step(sums, *states, *weights)` gives the next states, the output first."""
    # packed (sum of batch_sizes, I): step 1 of all sequences, the longest first, then step 2 of those that have one, …; or padded with
    # `lengths` (N), that the host does not know
    sizes = batch_sizes or (input.shape[1],) * input.shape[0]  # a padded (T, N, I) is a packed one whose batch sizes are all N
    sums = pieces(linear(input if batch_sizes else reshape(input, (-1, input.shape[-1])), w_ih, b_ih), sizes, 0)
    states, outputs = list(start), [None] * len(sizes)
    for t in range(len(sizes))[:: -1 if reverse else 1]:
        before, now = states, sizes[t]  # the others have ended or, backwards in time, not begun: they keep their states
        states = step(sums[t], *(before if now == len(before[0]) else [state[:now] for state in before]), *weights)
        if lengths is not None:
            states = [where(reshape(lengths > t, (-1, 1)), *each) for each in zip(states, before, strict=True)]
        outputs[t] = states[0]
        if now < len(before[0]):
            states = [cat([state, was[now:]]) for state, was in zip(states, before, strict=True)]
    return (cat(outputs) if batch_sizes else stack(outputs), *states)


@fusable("input", "h", "w_ih", "w_hh", "b_ih", "b_hh")
def rnn_layer(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes=None, reverse=False, lengths=None, nonlinearity="tanh"):
    """A plain RNN over (T, N, I), or a packed (sum of batch_sizes, I), from h (N, H): all h (T, N, H), and each sequence's last."""
    return _over_time(rnn_step, input, (h,), w_ih, b_ih, (w_hh, b_hh, nonlinearity), batch_sizes, reverse, lengths)


@fusable("input", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
def lstm_layer(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr=None, batch_sizes=None, reverse=False, lengths=None):
    """An LSTM over (T, N, I), or a packed (sum of batch_sizes, I), from h and c (N, H): all h (T, N, H), each sequence's last h and c."""
    return _over_time(lstm_step, input, (h, c), w_ih, b_ih, (w_hh, b_hh, w_hr), batch_sizes, reverse, lengths)


@fusable("input", "h", "w_ih", "w_hh", "b_ih", "b_hh")
def gru_layer(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes=None, reverse=False, lengths=None):
    """A GRU over (T, N, I), or a packed (sum of batch_sizes, I), from h (N, H): all h (T, N, H), and each sequence's last."""
    return _over_time(gru_step, input, (h,), w_ih, b_ih, (w_hh, b_hh), batch_sizes, reverse, lengths)

"""Recurrent layers and cells; the formulas stand in framework/ops/recurrent.py."""

from functools import partial

from ..autograd.mode import mode
from ..creation import zeros
from ..ops import recurrent as ops
from ..ops.promotion import expect
from ..ops.shape import cat, squeeze, stack, transpose, unbind, unsqueeze
from . import functional as F
from .layer import Weighted
from .utils.rnn import PackedSequence

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_MODES = {  # how many times hidden_size rows the weights have, and the formula
    **{f"RNN_{f.upper()}": (1, partial(ops.rnn_layer, nonlinearity=f)) for f in ops.NONLINEARITIES},
    "LSTM": (4, ops.lstm_layer),
    "GRU": (3, ops.gru_layer),
}


class _Recurrent(Weighted):
    """What layers and cells share: parameters, which all start as U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), and states."""

    mode, proj_size = "RNN_TANH", 0

    def _shapes(self, input_size, suffix="") -> dict:
        """Those of one layer's W_i, W_h and their biases, and, if its h is projected, W_r."""
        rows = _MODES[self.mode][0] * self.hidden_size
        bias, projection = self.bias and (rows,), self.proj_size and (self.proj_size, self.hidden_size)
        shapes = (rows, input_size), (rows, self.proj_size or self.hidden_size), bias, bias, projection
        return {name + suffix: shape for name, shape in zip(_WEIGHTS, shapes, strict=True)}

    def _weights(self, suffix="") -> list:
        """W_ih, W_hh, b_ih and b_hh of one layer, None for those it has not, and W_hr if it is an LSTM's."""
        return [getattr(self, name + suffix) for name in _WEIGHTS[: 5 if self.mode == "LSTM" else 4]]

    def _states(self, input, hx, *batch) -> list:
        """The states h, or h and c, of shape (*batch, H), found to fit; zeros if not given."""
        heights = (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
        shapes = [(*batch, height) for height in heights]
        if hx is None:
            return [zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        states = list(hx) if self.mode == "LSTM" else [hx]
        for i, (state, shape) in enumerate(zip(states, shapes, strict=True)):
            expect(tuple(state.shape) == shape, f"Expected hidden{[i] if len(shapes) > 1 else ''} size {shape}, got {list(state.shape)}")
        return states


class RNNBase(_Recurrent):
    """`num_layers` layers, each over the outputs of the one below; if `bidirectional` each twice, the second time from the end.

    Input (T, N, input_size), or (N, T, input_size) if `batch_first`, or (T, input_size), or a PackedSequence; returns the outputs of the
    last layer, in the same form, and the last state (num_layers * directions, N, H) of every layer and direction.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
                 proj_size=0, device=None, dtype=None):  # fmt: skip
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional, self.proj_size = batch_first, float(dropout), bidirectional, proj_size
        if not (isinstance(bias, bool) and isinstance(batch_first, bool)):
            raise TypeError(f"bias and batch_first should be of type bool, got: {bias!r} and {batch_first!r}")
        expect(min(input_size, hidden_size, num_layers) > 0, "input_size, hidden_size, num_layers must be greater than zero", ValueError)
        expect(dropout is not True and 0 <= dropout <= 1, f"dropout should be a number in range [0, 1], got {dropout}", ValueError)
        if not 0 <= proj_size < (hidden_size if self.mode == "LSTM" else 1):
            raise ValueError(f"proj_size should be 0, or of an LSTM a positive integer smaller than hidden_size, got {proj_size}")
        directions = ("", "_reverse") if bidirectional else ("",)
        self._suffixes = [[f"_l{layer}{direction}" for direction in directions] for layer in range(num_layers)]
        shapes = {}
        for layer, suffixes in enumerate(self._suffixes):
            for suffix in suffixes:
                shapes |= self._shapes(len(directions) * (proj_size or hidden_size) if layer else input_size, suffix)
        self._make(hidden_size, device, dtype, **shapes)

    def flatten_parameters(self) -> None:
        """Nothing to do: it arranges memory for PyTorch's use of cuDNN."""

    def forward(self, input, hx=None):
        rows = self.num_layers * len(self._suffixes[0])
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            sizes, lengths = (None, batch_sizes) if batch_sizes.is_cuda else (tuple(batch_sizes.tolist()), None)  # see utils/rnn.py
            states = self._states(data, hx, rows, data.shape[1] if sizes is None else sizes[0])
            states = states if hx is None or order is None else [each[:, order] for each in states]
            out, last = self._through_layers(data, states, sizes, lengths)
            out, last = PackedSequence(out, *input[1:]), last if back is None else [each[:, back] for each in last]
        elif input.ndim == 2:  # one sequence: a batch of one
            states = self._states(input, hx, rows)
            out, last = self._through_layers(unsqueeze(input, 1), [unsqueeze(each, 1) for each in states])
            out, last = squeeze(out, 1), [squeeze(each, 1) for each in last]
        elif input.ndim == 3:
            input = transpose(input, 0, 1) if self.batch_first else input
            out, last = self._through_layers(input, self._states(input, hx, rows, input.shape[1]))
            out = transpose(out, 0, 1) if self.batch_first else out
        else:
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        return out, last[0] if len(last) == 1 else tuple(last)

    def _through_layers(self, input, states, batch_sizes=None, lengths=None):
        """The outputs of the last layer over (T, N, I), or over a packed (sum of batch_sizes, I), and the last states of all layers."""
        if input.dtype is not self.weight_ih_l0.dtype and not mode.casts:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({self.weight_ih_l0.dtype})")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}")
        expect(input.shape[0], "Expected sequence length to be larger than 0 in RNN")
        run, last, starts = _MODES[self.mode][1], [], zip(*map(unbind, states), strict=True)
        for layer, suffixes in enumerate(self._suffixes):
            input, outs = F.dropout(input, self.dropout, self.training) if layer else input, []
            for suffix in suffixes:
                out, *ended = run(input, *next(starts), *self._weights(suffix), batch_sizes, suffix.endswith("_reverse"), lengths)
                outs.append(out)
                last.append(ended)
            input = cat(outs, -1) if self.bidirectional else out
        return input, [stack(each) for each in zip(*last, strict=True)]

    def extra_repr(self) -> str:
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        unusual = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unusual])


class RNN(RNNBase):
    """A plain RNN (Elman, 1990): h' = f(W_i x + b_i + W_h h + b_h), f `nonlinearity`, "tanh" or "relu"."""

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", *args, **kwargs):
        expect(nonlinearity in ops.NONLINEARITIES, f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.", ValueError)
        super().__init__(input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity, self.mode = nonlinearity, f"RNN_{nonlinearity.upper()}"


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); its state is (h, c), and h is projected to `proj_size` if not 0."""

    mode = "LSTM"


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014)."""

    mode = "GRU"


class _Cell(_Recurrent):
    """A layer over a single time step: input (N, input_size), or (input_size), and the state (N, hidden_size), zeros if not given."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._make(hidden_size, device, dtype, **self._shapes(input_size))

    def forward(self, input, hx=None):
        given = () if hx is None else hx if self.mode == "LSTM" else (hx,)
        for each in (input, *given):
            expect(each.ndim in (1, 2), f"{type(self).__name__}: Expected input and hidden to be 1D or 2D, got {each.ndim}D", ValueError)
        states = self._states(input, hx, *input.shape[:-1])
        alone = input.ndim == 1
        if alone:
            input, states = unsqueeze(input, 0), [unsqueeze(each, 0) for each in states]
        _, *states = _MODES[self.mode][1](input, *states, *self._weights(), input.shape[:1])
        states = [squeeze(each, 0) for each in states] if alone else states
        return states[0] if len(states) == 1 else tuple(states)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}"


class RNNCell(_Cell):
    """One step of an RNN: h -> h'."""

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        expect(nonlinearity in ops.NONLINEARITIES, f"Unknown nonlinearity: {nonlinearity}")
        self.nonlinearity, self.mode = nonlinearity, f"RNN_{nonlinearity.upper()}"

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of an LSTM: (h, c) -> (h', c')."""

    mode = "LSTM"


class GRUCell(_Cell):
    """One step of a GRU: h -> h'."""

    mode = "GRU"

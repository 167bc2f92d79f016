"""Recurrent layers and cells; the formulas stand in framework/ops/recurrent.py."""

import itertools
import math
import warnings

from ..creation import empty, zeros
from ..ops import recurrent as ops
from ..ops.scatter import index_select
from ..ops.shape import cat, squeeze, stack, transpose, unbind, unsqueeze
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


class _Recurrent(Module):
    """What layers and cells share: their parameters, which all start as U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""

    def _register(self, suffix, gates, input_size, out_size, options) -> None:
        """The parameters of one layer: W_i, W_h and their biases have `gates` times hidden_size rows; W_r projects to `out_size`."""
        rows = gates * self.hidden_size
        bias, projection = (rows,) if self.bias else None, (out_size, self.hidden_size) if out_size != self.hidden_size else None
        for name, shape in zip(_WEIGHTS, ((rows, input_size), (rows, out_size), bias, bias, projection), strict=True):
            self.register_parameter(name + suffix, None if shape is None else Parameter(empty(shape, **options)))

    def _weights(self, suffix="") -> list:
        """W_ih, W_hh, b_ih, b_hh and W_hr of one layer, None for those it has not."""
        return [getattr(self, name + suffix) for name in _WEIGHTS]

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)


class RNNBase(_Recurrent):
    """`num_layers` layers, each over the outputs of the one below; if `bidirectional` each twice, the second time from the end.

    Input (T, N, input_size), or (N, T, input_size) if `batch_first`, or (T, input_size), or a PackedSequence; returns the outputs of the
    last layer, in the same form, and the last state (num_layers * directions, N, H) of every layer and direction.
    """

    gates = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}

    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
                 proj_size=0, device=None, dtype=None):  # fmt: skip
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers, self.bias = mode, input_size, hidden_size, num_layers, bias
        self.batch_first, self.bidirectional, self.proj_size = batch_first, bidirectional, proj_size
        self._check_options(dropout)
        self.dropout, out_size = float(dropout), proj_size or hidden_size
        directions = ("", "_reverse") if bidirectional else ("",)
        self._layers = [[f"_l{layer}{direction}" for direction in directions] for layer in range(num_layers)]
        for layer, suffixes in enumerate(self._layers):
            for suffix in suffixes:
                below = out_size * len(directions) if layer else input_size
                self._register(suffix, self.gates[mode], below, out_size, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_options(self, dropout) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, "
                f"but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(getattr(self, name)).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.proj_size and self.mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")

    @property
    def all_weights(self) -> list:
        """The parameters, a list for each layer and direction."""
        return [[each for each in self._weights(suffix) if each is not None] for suffix in itertools.chain(*self._layers)]

    def flatten_parameters(self) -> None:
        """Nothing to do: it arranges memory for PyTorch's use of cuDNN."""

    def _run(self, input, states, weights, batch_sizes, reverse):
        """(outputs, *last states) of one layer in one direction."""
        raise NotImplementedError

    def forward(self, input, hx=None):
        states = None if hx is None else list(hx) if self.mode == "LSTM" else [hx]
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            out, last = self._through_layers(data, states, tuple(batch_sizes.tolist()), order, back)
            return PackedSequence(out, batch_sizes, order, back), last[0] if len(last) == 1 else tuple(last)
        self._check_dimensions(input, states or ())
        alone = input.ndim == 2  # one sequence: a batch of one
        if alone:
            input, states = unsqueeze(input, 1), None if states is None else [unsqueeze(state, 1) for state in states]
        elif self.batch_first:
            input = transpose(input, 0, 1)
        out, last = self._through_layers(input, states)
        if alone:
            out, last = squeeze(out, 1), [squeeze(state, 1) for state in last]
        elif self.batch_first:
            out = transpose(out, 0, 1)
        return out, last[0] if len(last) == 1 else tuple(last)

    def _through_layers(self, input, states, batch_sizes=None, order=None, back=None):
        """(T, N, I), or a packed (sum of batch_sizes, I) whose batch is in `order`: the states are brought to it, and `back` at the end."""
        states = self._checked(input, states, input.shape[1] if batch_sizes is None else batch_sizes[0])
        states = states if order is None else [index_select(state, 1, order) for state in states]
        last, starts = [], zip(*(unbind(state) for state in states), strict=True)
        for suffixes in self._layers:
            if last:  # between layers
                input = F.dropout(input, self.dropout, self.training)
            outs = []
            for suffix in suffixes:
                out, *ended = self._run(input, next(starts), self._weights(suffix), batch_sizes, suffix.endswith("_reverse"))
                outs.append(out)
                last.append(ended)
            input = cat(outs, -1) if self.bidirectional else out
        last = [stack(each) for each in zip(*last, strict=True)]
        return input, last if back is None else [index_select(state, 1, back) for state in last]

    def _check_dimensions(self, input, states) -> None:
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        if any(state.ndim != input.ndim for state in states):
            raise RuntimeError(
                f"For {'unbatched' if input.ndim == 2 else 'batched'} {input.ndim}-D input, {' and '.join(('hx', 'cx')[: len(states)])} "
                f"should also be {input.ndim}-D but got {' and '.join(f'{state.ndim}-D' for state in states)} tensors"
            )

    def _checked(self, input, states, n) -> list:
        """The states, zeros if not given, once they and the input have been found to fit."""
        wanted = self.weight_ih_l0.dtype
        if input.dtype is not wanted:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({wanted}). Convert input: input.to({wanted}), "
                             f"or convert model: model.to({input.dtype})")  # fmt: skip
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}")
        if not input.shape[0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        heights = (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
        shapes = [(self.num_layers * len(self._layers[0]), n, height) for height in heights]
        if states is None:
            return [zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        for i, (state, shape) in enumerate(zip(states, shapes, strict=True)):
            if tuple(state.shape) != shape:
                raise RuntimeError(f"Expected hidden{f'[{i}]' if len(shapes) > 1 else ''} size {shape}, got {list(state.shape)}")
        return states

    def extra_repr(self) -> str:
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        unusual = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unusual])


class RNN(RNNBase):
    """A plain RNN (Elman, 1990): h' = f(W_i x + b_i + W_h h + b_h), f `nonlinearity`, "tanh" or "relu"."""

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", *args, **kwargs):
        if nonlinearity not in ops.NONLINEARITIES:
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _run(self, input, states, weights, batch_sizes, reverse):
        return ops.rnn_layer(input, *states, *weights[:4], self.nonlinearity, batch_sizes, reverse)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); its state is (h, c), and h is projected to `proj_size` if not 0."""

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def _run(self, input, states, weights, batch_sizes, reverse):
        return ops.lstm_layer(input, *states, *weights, batch_sizes, reverse)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014)."""

    def __init__(self, *args, **kwargs):
        super().__init__("GRU", *args, **kwargs)

    def _run(self, input, states, weights, batch_sizes, reverse):
        return ops.gru_layer(input, *states, *weights[:4], batch_sizes, reverse)


class _Cell(_Recurrent):
    """One step of one layer: input (N, input_size), or (input_size), and the state (N, hidden_size), zeros if not given."""

    gates: int

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._register("", self.gates, input_size, hidden_size, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _arguments(self, input, *states) -> list:
        """What the formula takes: the input, the states and the weights, once they have been found to fit."""
        for what, each in (("input", input), *(("hidden", state) for state in states if state is not None)):
            if each.ndim not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {each.ndim}D instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {self.input_size}")
        shape = (*input.shape[:-1], self.hidden_size)
        for i, state in enumerate(each for each in states if each is not None):
            if state.shape[-1] != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.shape[-1]}, expected {self.hidden_size}")
            if tuple(state.shape) != shape:
                raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {state.shape[0]}")
        states = [zeros(shape, dtype=input.dtype, device=input.device) if state is None else state for state in states]
        return [input, *states, *self._weights()[:4]]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}"


class RNNCell(_Cell):
    """One step of an RNN: h -> h'."""

    gates = 1

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ops.NONLINEARITIES:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return ops.rnn_cell(*self._arguments(input, hx), self.nonlinearity)

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of an LSTM: (h, c) -> (h', c')."""

    gates = 4

    def forward(self, input, hx=None):
        return ops.lstm_cell(*self._arguments(input, *((None, None) if hx is None else hx)))


class GRUCell(_Cell):
    """One step of a GRU: h -> h'."""

    gates = 3

    def forward(self, input, hx=None):
        return ops.gru_cell(*self._arguments(input, hx))

"""Recurrent layers and cells; the formulas stand in framework/ops/recurrent.py."""

import math
import warnings

from ..creation import empty, zeros
from ..ops import recurrent as ops
from ..ops.index import index_select
from ..ops.shape import cat, stack, transpose
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def _shapes(gates, input_size, hidden_size, out_size, bias) -> dict:
    """The shapes of one layer's parameters, by their names; `gates` are the rows of its matrices in units of `hidden_size`."""
    rows = gates * hidden_size
    shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, out_size)}
    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
    return shapes | ({"weight_hr": (out_size, hidden_size)} if out_size != hidden_size else {})


class _Recurrent(Module):
    """A Module whose parameters all start as U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""

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
        self.dropout = float(dropout)
        out_size = proj_size or hidden_size
        self._layers = []  # a suffix for each layer and direction
        for layer in range(num_layers):
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]:
                below = input_size if layer == 0 else out_size * self.directions
                for name, shape in _shapes(self.gates[mode], below, hidden_size, out_size, bias).items():
                    self.register_parameter(name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
                self._layers.append(suffix)
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
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list:
        """The parameters, a list for each layer and direction."""
        return [[each for each in self._weights(suffix) if each is not None] for suffix in self._layers]

    def _weights(self, suffix) -> list:
        """W_ih, W_hh, b_ih, b_hh and W_hr of one layer and direction, None for those it has not."""
        return [getattr(self, name + suffix, None) for name in _WEIGHTS]

    def flatten_parameters(self) -> None:
        """Nothing to do: it arranges memory for PyTorch's use of cuDNN."""

    def _run(self, input, states, weights, batch_sizes, reverse):
        """(outputs, *last states) of one layer in one direction."""
        raise NotImplementedError

    def forward(self, input, hx=None):
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            out, last = self._forward(data, hx, tuple(batch_sizes.tolist()), order, back)
            return PackedSequence(out, batch_sizes, order, back), last
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        self._check_rank(input, hx)
        if input.ndim == 2:  # one sequence: a batch of one
            out, last = self._forward(input.unsqueeze(1), None if hx is None else _each(hx, lambda state: state.unsqueeze(1)))
            return out.squeeze(1), _each(last, lambda state: state.squeeze(1))
        out, last = self._forward(transpose(input, 0, 1) if self.batch_first else input, hx)
        return (transpose(out, 0, 1) if self.batch_first else out), last

    def _check_rank(self, input, hx) -> None:
        ranks = [] if hx is None else [state.ndim for state in _listed(hx)]
        if any(rank != input.ndim for rank in ranks):
            batch = f"{'un' * (input.ndim == 2)}batched {input.ndim}-D"
            got = f"{ranks[0]}-D tensor" if len(ranks) == 1 else f"({', '.join(f'{rank}-D' for rank in ranks)}) tensors"
            names = "hx" if len(ranks) == 1 else "hx and cx"
            raise RuntimeError(f"For {batch} input, {names} should also be {input.ndim}-D but got {got}")

    def _forward(self, input, hx, batch_sizes=None, order=None, back=None):
        """Input (T, N, I), or (sum of batch_sizes, I) with the batch in `order`, to which the states must be brought and from it back."""
        self._check_input(input)
        n = input.shape[1] if batch_sizes is None else batch_sizes[0]
        heights = (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
        shapes = [(len(self._layers), n, height) for height in heights]
        if hx is None:
            states = [zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        else:
            states = _listed(hx)
            for i, (state, shape) in enumerate(zip(states, shapes, strict=True)):
                if tuple(state.shape) != shape:
                    which = "" if len(shapes) == 1 else f"[{i}]"
                    raise RuntimeError(f"Expected hidden{which} size {shape}, got {list(state.shape)}")
            states = states if order is None else [index_select(state, 1, order) for state in states]
        last = []
        for layer in range(self.num_layers):
            outs = []
            for direction in range(self.directions):
                place = layer * self.directions + direction
                out, *ended = self._run(
                    input, [state[place] for state in states], self._weights(self._layers[place]), batch_sizes, direction == 1
                )
                outs.append(out)
                last.append(ended)
            input = cat(outs, -1) if self.bidirectional else out
            if layer < self.num_layers - 1:
                input = F.dropout(input, self.dropout, self.training)
        last = [stack(each) for each in zip(*last, strict=True)]
        last = last if back is None else [index_select(state, 1, back) for state in last]
        return input, last[0] if len(last) == 1 else tuple(last)

    def _check_input(self, input) -> None:
        wanted = self.weight_ih_l0.dtype
        if input.dtype is not wanted:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({wanted}). Convert input: input.to({wanted}), "
                f"or convert model: model.to({input.dtype})"
            )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}")
        if not input.shape[0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def extra_repr(self) -> str:
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        unusual = {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *(f"{name}={value}" for name, value in unusual.items())])


def _listed(hx) -> list:
    return list(hx) if isinstance(hx, (tuple, list)) else [hx]


def _each(hx, change):
    return tuple(change(state) for state in hx) if isinstance(hx, (tuple, list)) else change(hx)


class RNN(RNNBase):
    """A plain RNN (Elman, 1990): h' = f(W_i x + b_i + W_h h + b_h), f `nonlinearity`, "tanh" or "relu"."""

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, device=None, dtype=None, *, proj_size=0):  # fmt: skip
        if nonlinearity not in ops.NONLINEARITIES:
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         proj_size, device, dtype)  # fmt: skip
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


class RNNCellBase(_Recurrent):
    """One step of one layer: input (N, input_size), or (input_size), and the state (N, hidden_size), zeros if not given."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        shapes = _shapes(num_chunks, input_size, hidden_size, hidden_size, bias)
        for name in _WEIGHTS[:4]:
            self.register_parameter(name, Parameter(empty(shapes[name], device=device, dtype=dtype)) if name in shapes else None)
        self.reset_parameters()

    def _arguments(self, input, states) -> tuple:
        """What the formula takes: the input, the states and the weights, once they have been found to fit."""
        for what, each in (("input", input), *(("hidden", state) for state in states)):
            if each is not None and each.ndim not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {each.ndim}D instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {self.input_size}")
        shape = (*input.shape[:-1], self.hidden_size)
        for i, state in enumerate(states):
            if state is not None and state.shape[-1] != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.shape[-1]}, expected {self.hidden_size}")
            if state is not None and tuple(state.shape) != shape:
                raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {state.shape[0]}")
        states = [zeros(shape, dtype=input.dtype, device=input.device) if state is None else state for state in states]
        return (input, *states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def extra_repr(self) -> str:
        relu = ", nonlinearity=relu" if getattr(self, "nonlinearity", "tanh") == "relu" else ""
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}{relu}"


class RNNCell(RNNCellBase):
    """One step of an RNN: h -> h'."""

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ops.NONLINEARITIES:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return ops.rnn_cell(*self._arguments(input, (hx,)), self.nonlinearity)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (h, c) -> (h', c')."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return ops.lstm_cell(*self._arguments(input, (None, None) if hx is None else hx))


class GRUCell(RNNCellBase):
    """One step of a GRU: h -> h'."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return ops.gru_cell(*self._arguments(input, (hx,)))

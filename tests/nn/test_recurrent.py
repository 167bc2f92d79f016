"""RNN, LSTM, GRU and their cells: against PyTorch, against the formulas in NumPy, gradients of first and second order, bad input."""

import numpy as np
import pytest

import framework
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch
from tests.nn.comparing import check_gradients, compare

KINDS = ("RNN", "LSTM", "GRU")
LAYERS = [
    *((kind, (3, 4), options) for kind in KINDS for options in (
        {}, {"num_layers": 2}, {"bias": False}, {"batch_first": True}, {"bidirectional": True, "num_layers": 2}, {"dropout": 0.0},
    )),
    ("RNN", (3, 4), {"nonlinearity": "relu"}),
    ("RNN", (3, 4, 2, "relu", False, True, 0.0, True), {}),
    ("LSTM", (3, 4), {"proj_size": 2}),
    ("LSTM", (3, 4, 2, True, True, 0.0, True, 3), {}),
    ("LSTM", (1, 1), {}),
]  # fmt: skip
SHAPES = [(5, 2, 3), (5, 3), (1, 1, 3)]
CASES = [
    *((name, args, options, [(*shape[:-1], args[0])]) for name, args, options in LAYERS for shape in SHAPES),
    *((f"{kind}Cell", (3, 4), options, [shape]) for kind in KINDS for options in ({}, {"bias": False}) for shape in ((2, 3), (3,), (0, 3))),
    *(("RNNCell", (3, 4), {"nonlinearity": "relu"}, [shape, (*shape[:-1], 4)]) for shape in ((2, 3), (3,))),
    *((kind, (3, 4), {}, [(4, 0, 3)]) for kind in KINDS),
    ("GRUCell", (3, 4), {}, [(2, 3), (2, 4)]),
    ("RNN", (3, 4, 2), {}, [(5, 2, 3), (2, 2, 4)]),
    ("GRU", (3, 4), {"batch_first": True, "bidirectional": True}, [(2, 5, 3), (2, 2, 4)]),
    ("GRU", (3, 4), {"bidirectional": True}, [(5, 3), (2, 4)]),
]


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{identifier(case)}-{case[3]}")
def test_parity(case):
    same_as_pytorch(case)


@pytest.mark.parametrize("case", [case for case in CASES if 0 not in case[3][0]], ids=lambda case: f"{identifier(case)}-{case[3]}")
def test_gradients(case):
    right_gradients(case)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"proj_size": 2, "num_layers": 2}, {"bidirectional": True, "batch_first": True}], ids=str)
@pytest.mark.parametrize("batch", [(), (2,)], ids=["unbatched", "batched"])
def test_parity_of_lstm_states(options, batch):
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    input = (5, *batch, 3) if not (batch and options.get("batch_first")) else (*batch, 5, 3)
    inputs = [input, (rows, *batch, options.get("proj_size", 4)), (rows, *batch, 4)]
    compare(lambda library: library.nn.LSTM(3, 4, **options), lambda library, layer, x, h, c: layer(x, (h, c)), inputs)


@pytest.mark.parity
@pytest.mark.parametrize("batch", [(), (2,)], ids=["unbatched", "batched"])
def test_parity_of_lstm_cell_states(batch):
    inputs = [(*batch, 3), (*batch, 4), (*batch, 4)]
    compare(lambda library: library.nn.LSTMCell(3, 4), lambda library, layer, x, h, c: layer(x, (h, c)), inputs)


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("used", [lambda out: out[:2], lambda out: out[-1], lambda out: out[1:3]], ids=["first", "last", "middle"])
def test_parity_where_only_some_outputs_are_used(kind, used):
    build = lambda library: getattr(library.nn, kind)(3, 4, bidirectional=True)  # noqa: E731
    compare(build, lambda library, layer, x: used(layer(x)[0]), [(5, 2, 3)])


@pytest.mark.parametrize(
    "kind, options",
    [("RNN", {}), ("LSTM", {"bidirectional": True}), ("LSTM", {"proj_size": 1}), ("GRU", {"num_layers": 2}), ("GRUCell", {}),
     ("LSTMCell", {}), ("RNNCell", {"bias": False})],
)  # fmt: skip
def test_first_and_second_derivatives(kind, options):
    inputs = [(1, 2)] if "Cell" in kind else [(3, 1, 2)]
    check_gradients(lambda library: getattr(library.nn, kind)(2, 2, **options), lambda library, layer, x: layer(x), inputs)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, state, w_i, w_h, b_i, b_h):
    """The formulas, row by row."""
    from_x, from_h = x @ w_i.T + b_i, state[0] @ w_h.T + b_h
    if kind == "RNN":
        return (np.tanh(from_x + from_h),)
    if kind == "LSTM":
        i, f, g, o = np.split(from_x + from_h, 4, -1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (r, z, n), (r_h, z_h, n_h) = np.split(from_x, 3, -1), np.split(from_h, 3, -1)
    z = sigmoid(z + z_h)
    return ((1 - z) * np.tanh(n + sigmoid(r + r_h) * n_h) + z * state[0],)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_follow_their_formulas(kind):
    layer = getattr(nn, kind)(3, 4).double()
    cell = getattr(nn, f"{kind}Cell")(3, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): each for name, each in layer.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    state, expected = (np.zeros((2, 4)),) * (2 if kind == "LSTM" else 1), []
    for row in x:
        new = cell(framework.tensor(row), *((tuple(map(framework.tensor, state)),) if kind == "LSTM" else map(framework.tensor, state)))
        state = step(kind, row, state, *(each.detach().numpy() for each in layer.parameters()))
        expected.append(state[0])
        for a, b in zip(new if kind == "LSTM" else (new,), state, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-12)
    out, last = layer(framework.tensor(x))
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12)
    for a, b in zip(last if kind == "LSTM" else (last,), state, strict=True):
        np.testing.assert_allclose(a.detach().numpy()[0], b, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_floating_type(kind, dtype):
    layer, x = getattr(nn, kind)(3, 4), framework.randn(5, 2, 3)
    exact = layer(x)[0]
    low = layer.to(getattr(framework, dtype))(x.to(getattr(framework, dtype)))[0]
    assert low.dtype is getattr(framework, dtype)
    np.testing.assert_allclose(low.detach().float().numpy(), exact.detach().numpy(), atol=0.05)


def test_dropout_between_the_layers_and_in_training_only():
    layer, x = nn.GRU(3, 40, 2, dropout=0.5), framework.randn(5, 2, 3)
    framework.manual_seed(1)
    a = layer(x)[0]
    assert not framework.equal(a, layer(x)[0])
    framework.manual_seed(1)
    assert framework.equal(a, layer(x)[0])
    layer.eval()
    assert framework.equal(layer(x)[0], layer(x)[0])


def test_initial_values_and_weights():
    framework.manual_seed(0)
    layer = nn.LSTM(30, 100, 2, bidirectional=True)
    for each in layer.parameters():
        assert 0.095 < each.abs().max().item() <= 0.1
    assert layer.flatten_parameters() is None and isinstance(layer, nn.RNNBase)


def zeros(*shape):
    return framework.zeros(*shape)


PAIR = (zeros(1, 2, 4), zeros(1, 2, 4))


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: nn.LSTM(3, 4)(zeros(2, 2, 5)), RuntimeError, r"input.size\(-1\) must be equal to input_size. Expected 3, got 5"),
        (lambda: nn.LSTM(3, 4)(zeros(2, 2, 2, 3)), ValueError, "LSTM: Expected input to be 2D or 3D, got 4D"),
        (lambda: nn.LSTM(3, 4)(zeros(2, 2, 3), (zeros(1, 3, 4), PAIR[1])), RuntimeError,
         r"Expected hidden\[0\] size \(1, 2, 4\), got \[1, 3, 4\]"),
        (lambda: nn.LSTM(3, 4)(zeros(2, 2, 3), (PAIR[0], zeros(1, 3, 4))), RuntimeError, r"Expected hidden\[1\] size \(1, 2, 4\)"),
        (lambda: nn.LSTM(3, 4)(zeros(2, 3), PAIR), RuntimeError, r"Expected hidden\[0\] size \(1, 4\), got \[1, 2, 4\]"),
        (lambda: nn.GRU(3, 4)(zeros(2, 2, 3), zeros(1, 4)), RuntimeError, r"Expected hidden size \(1, 2, 4\), got \[1, 4\]"),
        (lambda: nn.GRU(3, 4)(zeros(2, 2, 3), zeros(1, 3, 4)), RuntimeError, r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
        (lambda: nn.RNN(3, 4)(zeros(2, 2, 3).double()), ValueError, "does not match weight dtype"),
        (lambda: nn.RNN(3, 4)(zeros(2, 2, 3), zeros(1, 2, 4).double()), RuntimeError, "same dtype"),
        (lambda: nn.RNN(3, 4)(zeros(0, 2, 3)), RuntimeError, "Expected sequence length to be larger than 0 in RNN"),
        (lambda: nn.GRU(3, 4, proj_size=2), ValueError, "proj_size should be 0, or of an LSTM"),
        (lambda: nn.RNN(3, 4, nonlinearity="x"), ValueError, "Unknown nonlinearity 'x'. Select from 'tanh' or 'relu'"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "smaller than hidden_size, got 4"),
        (lambda: nn.LSTM(3, 4, proj_size=-1), ValueError, r"a positive integer.*, got -1"),
        (lambda: nn.LSTM(3, 4, dropout=2), ValueError, r"dropout should be a number in range \[0, 1\]"),
        (lambda: nn.LSTM(3, 4, dropout=True), ValueError, r"dropout should be a number in range \[0, 1\]"),
        (lambda: nn.LSTM(3, 4, bias=1), TypeError, "should be of type bool, got: 1"),
        (lambda: nn.LSTM(3.0, 4), TypeError, "as an integer"),
        (lambda: nn.LSTM(3, 0), ValueError, "must be greater than zero"),
        (lambda: nn.LSTM(3, 4, 0), ValueError, "must be greater than zero"),
        (lambda: nn.LSTMCell(3, 4)(zeros(2, 5)), RuntimeError, "shapes cannot be multiplied"),
        (lambda: nn.LSTMCell(3, 4)(zeros(2, 2, 3)), ValueError, "LSTMCell: .* 1D or 2D, got 3D"),
        (lambda: nn.LSTMCell(3, 4)(zeros(2, 3), (zeros(3, 4), zeros(2, 4))), RuntimeError,
         r"Expected hidden\[0\] size \(2, 4\), got \[3, 4\]"),
        (lambda: nn.GRUCell(3, 4)(zeros(2, 3), zeros(4)), RuntimeError, r"Expected hidden size \(2, 4\), got \[4\]"),
        (lambda: nn.GRUCell(3, 4)(zeros(2, 3), zeros(2, 5)), RuntimeError, r"Expected hidden size \(2, 4\), got \[2, 5\]"),
        (lambda: nn.RNNCell(3, 4)(zeros(2, 3), zeros(2, 2, 4)), ValueError, "RNNCell: .* 1D or 2D, got 3D"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="x")(zeros(2, 3)), RuntimeError, "Unknown nonlinearity: x"),
    ],
)  # fmt: skip
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()


@pytest.mark.parity
def test_text_with_dropout():
    torch = pytest.importorskip("torch")
    texts = [repr(library.nn.LSTM(3, 4, 2, False, True, 0.25, True, 2)) for library in (framework, torch)]
    assert texts[0] == texts[1]

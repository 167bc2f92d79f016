"""Packed and padded sequences: the functions, and recurrent layers over packed input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework import nn, where
from framework.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence
from framework.ops import recurrent
from tests.nn.comparing import check_gradients, compare

LENGTHS = ([3, 2, 2], [1], [4, 4], [4, 1])
UNSORTED = ([2, 4, 1], [1, 3], [2, 2, 3, 1])


def packed_layer(lengths, options, enforce_sorted, states=False):
    """A call of a layer over a packed (T, N, 3): every output, and the last states."""

    def call(library, layer, x, *hx):
        tools = library.nn.utils.rnn
        x = x.transpose(0, 1) if options.get("batch_first") else x
        packed = tools.pack_padded_sequence(x, lengths, options.get("batch_first", False), enforce_sorted)
        out, last = layer(packed, *([hx[0] if len(hx) == 1 else hx] if hx else []))
        assert isinstance(out, tools.PackedSequence)
        return out.data, out.batch_sizes, tools.pad_packed_sequence(out, options.get("batch_first", False)), last

    return call


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}, {"batch_first": True, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("lengths", LENGTHS + UNSORTED, ids=str)
def test_layers_over_packed_sequences(kind, options, lengths):
    call = packed_layer(lengths, options, lengths not in UNSORTED)
    compare(lambda library: getattr(library.nn, kind)(3, 4, **options), call, [(max(lengths), len(lengths), 3)])


@pytest.mark.parity
@pytest.mark.parametrize("lengths", [[3, 2, 2], [2, 4, 1]], ids=str)
def test_states_of_packed_sequences(lengths):
    options = {"bidirectional": True, "num_layers": 2, "proj_size": 3}
    call = packed_layer(lengths, options, lengths not in UNSORTED)
    inputs = [(max(lengths), len(lengths), 3), (4, len(lengths), 3), (4, len(lengths), 4)]
    compare(lambda library: library.nn.LSTM(3, 4, **options), call, inputs)


@pytest.mark.parametrize("kind, options", [("LSTM", {"bidirectional": True}), ("GRU", {})])
def test_first_and_second_derivatives(kind, options):
    call = packed_layer([1, 3], options, False)
    check_gradients(lambda library: getattr(library.nn, kind)(2, 2, **options), call, [(3, 2, 2)])


@pytest.mark.parametrize("layer, states", [(recurrent.lstm_layer, 2), (recurrent.gru_layer, 1), (recurrent.rnn_layer, 1)])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_padded_layer_with_lengths_is_a_packed_one(layer, states, reverse):
    """What a GPU computes while a step is recorded, when nobody can ask it for the lengths: nothing of the padding is seen."""
    lengths, rows = framework.tensor([4, 3, 3, 1]), {2: 12, 1: 9 if layer is recurrent.gru_layer else 3}[states]
    shapes = (4, 4, 2), *[(4, 3)] * states, (rows, 2), (rows, 3), (rows,), (rows,)
    framework.manual_seed(0)
    x, *rest = inputs = [framework.randn(shape, dtype=framework.float64).requires_grad_() for shape in shapes]
    packed = pack_padded_sequence(x, lengths)
    out, *last = layer(packed.data, *rest, batch_sizes=tuple(packed.batch_sizes.tolist()), reverse=reverse)
    expected = [pad_packed_sequence(packed._replace(data=out))[0], *last]
    noise = where(pad_packed_sequence(packed)[0] == x, 0.0, 9.0)
    out, *last = layer(x + noise, *rest, reverse=reverse, lengths=lengths)
    found = [where((framework.arange(4).unsqueeze(1) < lengths).unsqueeze(2), out, 0.0), *last]
    weights = [framework.randn_like(each) for each in found]
    losses = [sum((a * b).sum() for a, b in zip(each, weights, strict=True)) for each in (found, expected)]
    gradients = [framework.autograd.grad(each, inputs) for each in losses]
    for ours, other in zip((*found, *gradients[0]), (*expected, *gradients[1]), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), other.detach().numpy(), rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5), extra=st.integers(0, 2), batch_first=st.booleans())
def test_a_packed_layer_gives_each_sequence_what_it_gets_alone(lengths, extra, batch_first):
    framework.manual_seed(0)
    layer = nn.LSTM(2, 3, bidirectional=True)
    sequences = [framework.randn(n, 2) for n in lengths]
    padded = pad_sequence(sequences, batch_first, padding_value=7.0)
    packed = pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
    assert int(packed.batch_sizes.sum()) == len(packed.data) == sum(lengths)
    out, (h, c) = layer(packed)
    back, found = pad_packed_sequence(out, batch_first, total_length=max(lengths) + extra)
    assert found.tolist() == lengths and back.shape[1 if batch_first else 0] == max(lengths) + extra
    for i, sequence in enumerate(sequences):
        alone, (h_alone, c_alone) = layer(sequence)
        ours = back[i] if batch_first else back[:, i]
        assert not ours[lengths[i] :].any()
        for a, b in ((ours[: lengths[i]], alone), (h[:, i], h_alone), (c[:, i], c_alone)):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-6)
    unpacked = pad_packed_sequence(packed, batch_first, padding_value=7.0)[0]
    assert framework.equal(unpacked, padded)


@pytest.mark.parity
@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3)], ids=str)
def test_functions_as_pytorch(shape, enforce_sorted):
    torch = pytest.importorskip("torch")
    lengths = [4, 2, 2, 1] if enforce_sorted else [2, 1, 4, 2]
    results = []
    for library in (framework, torch):
        tools = library.nn.utils.rnn
        sequences = [library.tensor(np.random.default_rng(n).standard_normal((n, *shape)), requires_grad=True) for n in lengths]
        packed = tools.pack_sequence(sequences, enforce_sorted)
        padded, found = tools.pad_packed_sequence(packed, total_length=6, padding_value=-1.0)
        left = tools.pad_sequence(sequences, batch_first=True, padding_value=2.0, padding_side="left")
        ((padded**2).sum() + (left[:, 0] ** 3).sum() + (packed.data**4).sum()).backward()
        orders = [each for each in packed[1:] if each is not None]
        assert len(orders) == (1 if enforce_sorted else 3)
        results.append([packed.data, *orders, padded, found, left, *(each.grad for each in sequences)])
    for ours, theirs in zip(*results, strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape) and str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy())


@pytest.mark.parity
def test_a_packed_sequence_reads_as_pytorchs():
    torch = pytest.importorskip("torch")
    texts = []
    for library in (framework, torch):
        packed = library.nn.utils.rnn.pack_sequence([library.zeros(2, 1), library.ones(3, 1)], enforce_sorted=False)
        texts.append(repr(packed))
    assert texts[0] == texts[1]


def test_a_packed_sequence_is_a_tuple_that_moves():
    packed = pack_sequence([framework.ones(2, 1), framework.ones(3, 1)], enforce_sorted=False)
    data, batch_sizes, order, back = packed
    assert data is packed.data and batch_sizes.tolist() == [2, 2, 1] and order.tolist() == back.tolist() == [1, 0]
    wide = packed.to(framework.float64)
    assert isinstance(wide, PackedSequence) and wide.data.dtype is framework.float64 and wide.batch_sizes is packed.batch_sizes
    pair = PackedSequence(framework.ones(3, 1), framework.tensor([2, 1]))
    assert pair.sorted_indices is None and pair.unsorted_indices is None


SORTED = pack_padded_sequence(framework.zeros(3, 2, 1), [2, 1])


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: pack_padded_sequence(framework.zeros(3, 2, 1), [3, 0]), RuntimeError, "have to be greater than 0"),
        (lambda: pack_padded_sequence(framework.zeros(3, 2, 1), [2, 3]), RuntimeError, "must be sorted in decreasing order"),
        (lambda: pack_padded_sequence(framework.zeros(3, 2, 1), [4, 3]), RuntimeError, "not to exceed the padded length 3"),
        (lambda: pack_padded_sequence(framework.zeros(3, 2, 1), [2, 1, 1]), RuntimeError, r"batch_size=2, but got shape \[3\]"),
        (lambda: pack_padded_sequence(framework.zeros(3, 2, 1), [[2, 1]]), RuntimeError, "to be 1-D"),
        (lambda: pack_padded_sequence(framework.zeros(0, 2, 1), [2, 1]), RuntimeError, "Cannot pack empty tensors"),
        (lambda: pack_padded_sequence(framework.zeros(3), [2, 1]), IndexError, "Dimension out of range"),
        (lambda: pad_packed_sequence(SORTED, total_length=1), ValueError, "Expected total_length to be at least the length"),
        (lambda: pad_sequence([]), RuntimeError, "stack expects each tensor"),
        (lambda: pad_sequence([framework.zeros(2, 3), framework.zeros(3, 2)]), RuntimeError, "equal size|must match"),
        (lambda: pad_sequence([framework.zeros(2)], padding_side="x"), RuntimeError, "Expected padding_side to be one of left or right"),
        (lambda: pack_sequence([framework.zeros(2), framework.zeros(3)]), RuntimeError, "must be sorted in decreasing order"),
        (lambda: nn.LSTM(2, 4)(SORTED), RuntimeError, "Expected 2, got 1"),
        (lambda: nn.GRU(1, 4)(SORTED, framework.zeros(1, 3, 4)), RuntimeError, r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()

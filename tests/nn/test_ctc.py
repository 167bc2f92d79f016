"""CTC: against PyTorch for every form of its arguments, impossible targets, errors; the definition stands in tests/samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import nn

PADDED = np.array([[1, 1, 2, 4], [1, 2, 3, 4], [3, 2, 0, 0]])
JOINED = np.array([1, 1, 2, 3, 2])  # of the lengths 3, 0, 2


def logits(seed=0, steps=7, n=3, classes=5):
    return np.random.default_rng(seed).standard_normal((steps, n, classes))


def loss_and_gradient(library, x, targets, input_lengths, target_lengths, options):
    leaf = library.tensor(x, requires_grad=True)
    lengths = [library.tensor(each) if isinstance(each, np.ndarray) else each for each in (input_lengths, target_lengths)]
    loss = library.nn.functional.ctc_loss(leaf.log_softmax(-1), library.tensor(targets), *lengths, **options)
    (grad,) = library.autograd.grad(loss.sum(), leaf)
    return loss.detach().numpy(), grad.numpy()


CALLS = {
    "padded": (logits(), PADDED, np.array([7, 5, 4]), np.array([3, 0, 2])),
    "joined": (logits(), JOINED, np.array([7, 5, 4]), np.array([3, 0, 2])),
    "tuples": (logits(), PADDED, (7, 5, 4), (3, 0, 2)),
    "int32": (logits(), PADDED.astype(np.int32), (7, 7, 7), (4, 4, 2)),
    "no time, no target": (logits(), PADDED, (7, 0, 4), (3, 0, 2)),
    "no targets": (logits(), np.zeros((3, 0), int), (7, 7, 7), (0, 0, 0)),
    "one sample": (logits()[:, 0], np.array([1, 1, 2]), np.array(7), np.array(3)),
    "one step": (logits()[:1], PADDED, (1, 1, 1), (1, 0, 1)),
}


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"reduction": "none"}, {"zero_infinity": True}], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_parity(name, options):
    torch = pytest.importorskip("torch")
    for ours, theirs in zip(*(loss_and_gradient(library, *CALLS[name], options) for library in (framework, torch)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parity
def test_another_blank():
    torch = pytest.importorskip("torch")
    call = (logits(), np.array([[1, 0], [0, 0], [2, 3]]), (7, 7, 7), (2, 2, 2), {"blank": 4})
    for ours, theirs in zip(*(loss_and_gradient(library, *call) for library in (framework, torch)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parity
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_lengths(data):
    torch = pytest.importorskip("torch")
    n, steps, longest, classes = (data.draw(st.integers(1, most)) for most in (3, 6, 4, 4))
    target_lengths = np.array(data.draw(st.lists(st.integers(0, longest), min_size=n, max_size=n)))
    input_lengths = np.array(data.draw(st.lists(st.integers(0, steps), min_size=n, max_size=n)))
    targets = np.random.default_rng(data.draw(st.integers(0, 99))).integers(1, classes + 1, (n, longest))
    call = (logits(1, steps, n, classes + 1), targets, input_lengths, target_lengths, {"reduction": "none", "zero_infinity": True})
    for ours, theirs in zip(*(loss_and_gradient(library, *call) for library in (framework, torch)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_an_impossible_target():
    """Two equal labels need three steps."""
    x = framework.tensor(logits()[:2, :1], requires_grad=True)
    lengths = framework.tensor([2]), framework.tensor([2])
    loss = F.ctc_loss(x.log_softmax(-1), framework.tensor([[1, 1]]), *lengths)
    assert loss.item() == float("inf")
    loss = nn.CTCLoss(zero_infinity=True)(x.log_softmax(-1), framework.tensor([[1, 1]]), *lengths)
    loss.backward()
    assert loss.item() == 0 and not x.grad.any()


def test_float32_of_many_steps_neither_overflows_nor_underflows():
    x = framework.tensor(logits(0, 300, 2, 20), dtype=framework.float32)
    targets = framework.arange(1, 20).repeat(2, 1)
    loss = F.ctc_loss(x.log_softmax(-1), targets, (300, 300), (19, 19), reduction="none")
    exact = F.ctc_loss(x.double().log_softmax(-1), targets, (300, 300), (19, 19), reduction="none")
    np.testing.assert_allclose(loss.numpy(), exact.numpy(), rtol=1e-5)


@pytest.mark.parity
def test_the_gradient_of_log_probabilities_is_pytorchs():
    torch = pytest.importorskip("torch")
    grads = []
    for library in (framework, torch):
        leaf = library.tensor(logits()).log_softmax(-1).requires_grad_()
        library.nn.functional.ctc_loss(leaf, library.tensor(PADDED), (7, 5, 4), (3, 0, 2)).backward()
        grads.append(leaf.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "targets, input_lengths, target_lengths, blank, message",
    [
        (PADDED, (7, 8, 7), (1, 1, 1), 0, "input_lengths at most 7, but got "),
        (PADDED, (7, 7), (1, 1, 1), 0, "target_lengths must be of size batch_size"),
        (PADDED, (7, 7, 7), (1, 1), 0, "target_lengths must be of size batch_size"),
        (PADDED, (7, 7, 7), (1, 5, 1), 0, "as many labels as target_lengths says, but got the size "),
        (PADDED, (7, 7, 7), (1, -1, 1), 0, "Expected lengths to have value at least 0"),
        (PADDED, (7, 7, 7), (1, 1, 1), 5, "blank must be in label range"),
        (JOINED, (7, 7, 7), (1, 1, 1), 0, "as many labels as target_lengths says, but got the size "),
        (PADDED.astype(float), (7, 7, 7), (1, 1, 1), 0, "targets must be integers, but got float64"),
    ],
)
def test_bad_input(targets, input_lengths, target_lengths, blank, message):
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(framework.tensor(logits()), framework.tensor(targets), input_lengths, target_lengths, blank)

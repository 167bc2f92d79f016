"""Launches are few, however small what they compute: counted on the stand-in."""

import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim
from framework.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from tests.gpu import emulator, stand_in
from tests.gpu.launches import counted, launches

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="needs a C++ compiler")


def launches_of(step, warm_up=2) -> int:
    for _ in range(warm_up):
        step()
    with counted() as seen:
        step()
    return launches(seen)


def test_of_batch_norm():
    """Two passes each way, their sums, a launch for each running statistic, and the count of batches."""
    with stand_in.installed():
        layer, x = nn.BatchNorm2d(8).to("cuda"), framework.randn(4, 8, 5, 5, device="cuda", requires_grad=True)
        forward = launches_of(lambda: F.relu(layer(x * 1)))

        def step():
            layer.zero_grad()
            x.grad = None
            F.relu(layer(x * 1)).backward(x.detach())

        both = launches_of(step)
    assert forward == 1 + 3 + 2 + 2 and both == forward + 3 + 1, "of x * 1 one each way"


def test_of_random_numbers():
    with stand_in.installed():
        assert launches_of(lambda: framework.rand(7, device="cuda")) <= 4
        assert launches_of(lambda: framework.randint(0, 9, (7,), device="cuda")) <= 5
        x = framework.ones(50, device="cuda")
        assert launches_of(lambda: F.dropout(x, 0.5)) == 1


def test_of_weights_that_are_used_again():
    """Another use costs its own products and kernels, but nothing as large as the weight."""
    with stand_in.installed():
        cell, x = nn.LSTMCell(3, 4).to("cuda"), framework.randn(2, 3, device="cuda")

        def step(uses):
            state = None
            for _ in range(uses):
                state = cell(x, state)
            state[0].sum().backward()

        few, more = launches_of(lambda: step(5)), launches_of(lambda: step(15))
    assert more - few == 10 * (1 + 1), "a kernel forwards, and one backwards"


def test_of_a_line_of_few_rows():
    with stand_in.installed():
        layer, x = nn.Linear(4, 3).to("cuda"), framework.randn(4, device="cuda")
        assert launches_of(lambda: layer(x)) == 1


def test_packing_asks_the_host_little():
    """For the lengths alone, which PyTorch wants there too; what is brought to the GPU are numbers of rows and orders."""
    with stand_in.installed():
        layer, x = nn.LSTM(3, 4, bidirectional=True, batch_first=True).to("cuda"), framework.randn(3, 5, 3, device="cuda")
        lengths = framework.tensor([2, 5, 3])

        def step():
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            pad_packed_sequence(layer(packed)[0], batch_first=True)[0].sum().backward()

        step()
        with counted() as seen:
            step()
    asked = {what: times for (what, _), times in seen.items() if what.startswith("host")}
    assert set(asked) <= {"host: a copy from the host", "host: a copy to the host"}
    questions = sum(times for (what, _), times in seen.items() if what == "host: a copy to the host")
    assert questions <= 1, "the order of the sequences, for their lengths"


def test_an_optimizer_launches_once():
    with stand_in.installed():
        model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(5)]).to("cuda")
        optimizer = optim.Adam(model.parameters())
        for each in model.parameters():
            each.grad = framework.ones_like(each)
        assert launches_of(optimizer.step) == 1

"""Copies from any order in memory to any other: what NumPy's are, element by element."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import kernels
from framework.kernels.cpu_copy import copy

LAYOUTS = {
    "transposed": lambda x: x.reshape(300, -1).T,
    "channels last": lambda x: x.reshape(4, 6, 70, -1).transpose(0, 2, 3, 1),
    "shuffled pixels": lambda x: x.reshape(2, 3, 2, 2, 70, -1).transpose(0, 1, 4, 2, 5, 3),
    "heads": lambda x: x.reshape(10, 7, 24, -1).transpose(0, 2, 1, 3),
    "every second": lambda x: x.reshape(140, -1)[:, ::2],
    "some columns": lambda x: x.reshape(140, -1)[:, 1:-1],
    "the inside": lambda x: x.reshape(4, 6, 70, -1)[:, :, 1:-1, 2:-1],
    "as it is": lambda x: x.reshape(140, -1),
    "spread": lambda x: np.broadcast_to(x[:300, None], (300, 301)),
    "backwards": lambda x: x.reshape(140, -1)[::-1],
}
NUMBERS = np.random.default_rng(0).permutation(300 * 14 * 40)


@pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout, kind):
    source = LAYOUTS[layout]((NUMBERS % 2048).astype(kind))  # 2048: what float16 holds
    for target in (np.empty(source.shape, kind), np.empty(source.T.shape, kind).T, np.empty((*source.shape, 3), kind)[..., 1]):
        copy(source, target)
        assert np.array_equal(source, target)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_and_step(data):
    lengths = data.draw(st.sampled_from([(7, 3, 5, 1, 700), (40, 50, 41), (1, 300, 251, 1), (2, 3, 2, 3, 2, 1100), (70_001,)]))
    order = data.draw(st.permutations(range(len(lengths))))
    step = data.draw(st.sampled_from([1, 2, 3]))
    source = np.arange(np.prod(lengths) * step, dtype=np.float32).reshape(*lengths[:-1], -1)[..., ::step].transpose(order)
    before = framework.get_num_threads()
    for threads in (1, 2):
        framework.set_num_threads(threads)
        target = np.zeros(source.shape, np.float32)
        copy(source, target)
        assert np.array_equal(source, target)
    framework.set_num_threads(before)


def test_what_the_ops_make_of_it():
    x = np.random.default_rng(0).random((10, 6, 40, 42), np.float32)
    ours = framework.from_numpy(x)
    kernels.reset()
    assert np.array_equal(ours.permute(0, 2, 3, 1).contiguous().numpy(), x.transpose(0, 2, 3, 1))
    assert np.array_equal(ours.transpose(1, 2).reshape(10, -1).numpy(), x.swapaxes(1, 2).reshape(10, -1))
    found = kernels.report()
    assert found["clone"] == {"parallel_clone": 1} and found["view"]["parallel_reshape"] == 1


def test_errors_are_the_ops_own():
    x = framework.randn(300, 301)
    with pytest.raises(RuntimeError, match="shape"):
        x.T.reshape(11, -1)


def test_gradients():
    x = framework.randn(20, 12, 30, 31, requires_grad=True)
    found = {}
    for way in ("fast", "reference"):
        with kernels.use(way):
            out = F.pad(framework.cat([x.transpose(1, 2).reshape(20, -1), x.permute(3, 0, 1, 2).contiguous().view(20, -1)], 1), (2, -3))
            (first,) = framework.autograd.grad((out**3).sum(), x, create_graph=True)
            found[way] = first, framework.autograd.grad(first.square().sum(), x)[0]
    for fast, reference in zip(found["fast"], found["reference"], strict=True):
        np.testing.assert_allclose(fast.detach().numpy(), reference.detach().numpy(), rtol=1e-5, atol=1e-5)

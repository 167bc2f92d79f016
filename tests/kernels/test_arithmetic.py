"""Sums, products and choices of large arrays: what NumPy makes of them, bit by bit, whatever broadcasts against what."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework import kernels
from framework.autograd import grad

WAYS = {
    "add": (framework.add, np.add),
    "plus": (lambda a, b: a + b, np.add),
    "sub": (framework.sub, np.subtract),
    "mul": (framework.mul, np.multiply),
    "div": (framework.div, np.divide),
    "maximum": (framework.maximum, np.maximum),
    "minimum": (framework.minimum, np.minimum),
}
SHAPES = {  # what comes together, and whether there are rows of either
    "alike": ((300, 301), (300, 301), True),
    "one dimension": ((70_001,), (70_001,), True),
    "a row to all": ((300, 301), (301,), True),
    "a column to all": ((300, 301), (300, 1), True),
    "a number": ((300, 301), (), True),
    "one to all": ((1, 1), (300, 301), True),
    "channels": ((1, 7, 1, 1), (10, 7, 33, 32), True),
    "the middle": ((10, 7, 1, 33), (1, 7, 320, 33), True),
    "both spread": ((2000, 1, 64), (1, 3, 64), True),
    "the outer two": ((10, 1, 20, 33), (10, 20, 20, 33), True),
    "the inner and the outer": ((10, 1, 20, 1, 33), (1, 40, 20, 3, 33), False),
    "an outer product": ((3, 1), (1, 70_000), True),
    "short rows": ((30_000, 3), (3,), False),
    "small ones, spread": ((300, 1), (1, 301), True),
    "small ones, spread in short rows": ((9000, 1), (1, 8), False),
}


def numbers(rng, shape, dtype):
    """Numbers with a few that are none, and with some that are equal."""
    out = np.asarray(rng.integers(-50, 50, shape) / 8, dtype)
    flat = out.reshape(-1)
    flat[:: max(1, flat.size // 7)] = rng.choice([np.nan, np.inf, -np.inf, 0, -0.0], flat[:: max(1, flat.size // 7)].shape)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", WAYS)
def test_what_numpy_makes_of_them(name, shapes, dtype):
    ours, by_numpy = WAYS[name]
    *both, by_rows = SHAPES[shapes]
    a, b = (numbers(np.random.default_rng(0), shape, dtype) for shape in both)
    for x, y in ((a, b), (b, a)):
        kernels.reset()
        out = ours(framework.from_numpy(x), framework.from_numpy(y))
        with np.errstate(all="ignore"):
            assert np.array_equal(out.numpy(), by_numpy(x, y), equal_nan=True)
        assert out.numpy().dtype == dtype
        assert kernels.report()[name.replace("plus", "add")] == {f"parallel_{name}" if by_rows else "reference": 1}


@pytest.mark.parametrize("shapes", SHAPES)
def test_choices(shapes):
    *both, by_rows = SHAPES[shapes]
    rng = np.random.default_rng(0)
    a, b = (numbers(rng, shape, np.float32) for shape in both)
    for condition in [np.asarray(rng.random(shape) < 0.5) for shape in both]:
        kernels.reset()
        out = framework.where(*map(framework.from_numpy, (condition, a, b)))
        assert np.array_equal(out.numpy(), np.where(condition, a, b), equal_nan=True)
        assert kernels.report()["where"] == {"parallel_where" if by_rows else "reference": 1}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_shapes_that_broadcast(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 40, 64]), min_size=1, max_size=5))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a, b, condition = (
        rng.random([1 if data.draw(st.booleans()) else n for n in shape[data.draw(st.integers(0, len(shape))) :]]) for _ in range(3)
    )
    for threads in (1, 2):
        before = framework.get_num_threads()
        framework.set_num_threads(threads)
        x, y, chosen = framework.tensor(a), framework.tensor(b), framework.tensor(condition < 0.5)
        assert np.array_equal((x * y).numpy(), a * b)
        assert np.array_equal(framework.where(chosen, x, y).numpy(), np.where(condition < 0.5, a, b))
        framework.set_num_threads(before)


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("other", ["an array", "a row", "a number", "spread"])
def test_gradients(name, other):
    rng = np.random.default_rng(0)
    a = framework.tensor(rng.random((300, 301)) + 0.5, requires_grad=True)
    b = {"an array": (300, 301), "a row": (301,), "a number": (), "spread": (300, 1)}[other]
    b = framework.tensor(rng.random(b) + 0.5, requires_grad=True)
    found = {}
    for way in ("fast", "reference"):
        with kernels.use(way):
            out = WAYS[name][0](a, b.expand(300, 301) if other == "spread" else b)
            first = grad((out * out).sum(), (a, b), create_graph=True)
            second = grad(first[0].square().sum() + first[1].square().sum(), (a, b), allow_unused=True)
            plain = grad(WAYS[name][0](a, b).sum(), (a, b))  # the gradient is one number, shown again and again
            found[way] = [np.asarray(0) if each is None else each.detach().numpy() for each in (*first, *second, *plain)]
    for fast, reference in zip(found["fast"], found["reference"], strict=True):
        np.testing.assert_allclose(fast, reference, rtol=1e-12)


def test_numbers_and_those_left_to_numpy():
    a = np.random.default_rng(0).random((300, 301), np.float32)
    x = framework.from_numpy(a)
    kernels.reset()
    assert np.array_equal((x * 2).numpy(), a * 2) and np.array_equal((1 / x).numpy(), 1 / a)
    assert np.array_equal((x - 0.1).numpy(), a - np.float32(0.1))
    assert kernels.report()["mul"] == {"parallel_mul": 1}
    kernels.reset()
    framework.from_numpy(a.T) * x.T, x.long() * 2, framework.add(x, x, alpha=2), x[:100, :100] * x[:100, :100], x.half() * 2
    assert all(list(found) == ["reference"] for found in kernels.report().values())
    with pytest.raises(RuntimeError, match="must match the size"):
        x * x[:, :300]

"""Sums and means of rows by all threads: against the formula in double precision, along any dimensions, of any lengths."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework import kernels, threads
from framework.kernels import cpu_reduce


@pytest.fixture(autouse=True)
def small_arrays_too(monkeypatch):
    monkeypatch.setattr(cpu_reduce, "_WORTH_IT", 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_shape(data):
    """Rows of a few numbers or of several parts; whole arrays; a dimension before the last ones is left to NumPy."""
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    shape[data.draw(st.integers(0, len(shape) - 1))] *= -(-kernels.SMALL // math.prod(shape))
    dims = data.draw(st.none() | st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1).map(list))
    dims = dims and list({dim % len(shape): dim for dim in dims}.values())
    keepdim, dtype = data.draw(st.booleans()), data.draw(st.sampled_from([framework.float32, framework.float64]))
    array = 1 + np.random.default_rng(0).standard_normal(shape).astype(dtype.numpy)
    x = framework.from_numpy(array)
    kernels.reset()
    axes = sorted(dim % len(shape) for dim in dims) if dims else list(range(len(shape)))
    last = axes == list(range(len(shape) - len(axes), len(shape)))
    for op, by in (("sum", "parallel_row_sums"), ("mean", "parallel_row_means")):
        expected = getattr(array, op)(tuple(axes), np.float64, keepdims=keepdim)
        found = getattr(x, op)(dims, keepdim)
        assert found.dtype == dtype and tuple(found.shape) == expected.shape
        tolerance, terms = 1e-6 if dtype is framework.float32 else 1e-15, array.size // expected.size if op == "sum" else 1
        np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance * terms)
        assert (by in kernels.report().get(op, {})) == last


def test_what_is_no_number_stays():
    rows = np.ones((4, 5000), np.float32)
    rows[0, 4999], rows[1, 3], rows[2, [7, 4000]] = np.nan, np.inf, [np.inf, -np.inf]
    np.testing.assert_array_equal(framework.from_numpy(rows).sum(1).numpy(), np.float32([np.nan, np.inf, np.nan, 5000]))
    assert math.isnan(framework.from_numpy(rows).sum())


def test_a_row_of_millions_keeps_its_digits():
    """In one float32, a sum that has reached 2^24 takes no 1 any more."""
    assert framework.ones(1 << 25).sum().item() == 1 << 25
    assert framework.full((1 << 22,), 0.1).mean().item() == pytest.approx(0.1, rel=1e-6)


def test_any_number_of_threads(monkeypatch):
    x, found = framework.randn(300, 9001), []
    for count in (1, 3, 16):
        monkeypatch.setattr(threads, "_threads", count)
        found.append(framework.cat([x.sum(1), x.mean().reshape(1)]))
    assert all(framework.equal(each, found[0]) for each in found)


def test_what_does_not_lie_row_by_row_is_left_to_numpy():
    x = framework.randn(200, 100)
    kernels.reset()
    for array in (x.T, x[:, :90], x.expand(2, -1, -1), x.long()):
        np.testing.assert_array_equal(array.sum(-1).numpy(), array.numpy().sum(-1))
    assert x.sum(1, dtype=framework.float64).dtype == framework.float64
    assert set(kernels.report()["sum"]) == {"reference"}

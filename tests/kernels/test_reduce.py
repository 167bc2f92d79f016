"""Sums, means and products by all threads: against the formula in double precision, along any dimensions; and places of extremes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework import kernels
from framework.kernels import cpu_argmax, cpu_reduce, threads


@pytest.fixture(autouse=True)
def small_arrays_too(monkeypatch):
    monkeypatch.setattr(cpu_reduce, "_WORTH_IT", 0)
    monkeypatch.setattr(cpu_argmax, "_WORTH_IT", 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_shape(data):
    """Rows and columns of a few numbers or of several parts; whole arrays; few long rows to be added are left to NumPy."""
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    shape[data.draw(st.integers(0, len(shape) - 1))] *= -(-kernels.SMALL // math.prod(shape))
    dims = data.draw(st.none() | st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1).map(list))
    dims = dims and list({dim % len(shape): dim for dim in dims}.values())
    keepdim, dtype = data.draw(st.booleans()), data.draw(st.sampled_from([framework.float32, framework.float64]))
    array = 1 + np.random.default_rng(0).standard_normal(shape).astype(dtype.numpy)
    x = framework.from_numpy(array)
    kernels.reset()
    axes = sorted(dim % len(shape) for dim in dims) if dims else list(range(len(shape)))
    run = [each for each in axes if all(between in axes for between in range(each, axes[-1]))]
    after = math.prod(shape[axes[-1] + 1 :])
    served = after < cpu_reduce._WIDE or math.prod(shape[each] for each in run) >= cpu_reduce._FEW_ROWS
    for op, by in (("sum", "parallel_total"), ("mean", "parallel_mean")):
        expected = getattr(array, op)(tuple(axes), np.float64, keepdims=keepdim)
        found = getattr(x, op)(dims, keepdim)
        assert found.dtype == dtype and tuple(found.shape) == expected.shape
        tolerance, terms = 1e-6 if dtype is framework.float32 else 1e-15, array.size // expected.size if op == "sum" else 1
        np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance * terms)
        assert (by in kernels.report().get(op, {})) == served
    if dims is None or len(dims) == 1:
        near_one = (1 + array / 1000).astype(dtype.numpy)
        expected = near_one.prod(axes[0] if dims else None, np.float64, keepdims=keepdim and dims is not None)
        found = framework.from_numpy(near_one).prod(*([dims[0], keepdim] if dims else []))
        assert found.dtype == dtype and tuple(found.shape) == expected.shape
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4 if dtype is framework.float32 else 1e-13)
        assert ("parallel_product" in kernels.report().get("prod", {})) == served


def test_what_is_no_number_stays():
    rows = np.ones((4, 5000), np.float32)
    rows[0, 4999], rows[1, 3], rows[2, [7, 4000]] = np.nan, np.inf, [np.inf, -np.inf]
    np.testing.assert_array_equal(framework.from_numpy(rows).sum(1).numpy(), np.float32([np.nan, np.inf, np.nan, 5000]))
    assert math.isnan(framework.from_numpy(rows).sum())
    np.testing.assert_array_equal(framework.from_numpy(rows.T.copy()).sum(0).numpy(), np.float32([np.nan, np.inf, np.nan, 5000]))
    np.testing.assert_array_equal(framework.from_numpy(rows).prod(1).numpy(), np.float32([np.nan, np.inf, -np.inf, 1]))


def test_a_row_of_millions_keeps_its_digits():
    """In one float32, a sum that has reached 2^24 takes no 1 any more."""
    assert framework.ones(1 << 25).sum().item() == 1 << 25
    assert framework.full((1 << 22,), 0.1).mean().item() == pytest.approx(0.1, rel=1e-6)
    assert framework.ones(1 << 25, 1).expand(-1, 2).contiguous().sum(0).tolist() == [1 << 25, 1 << 25]
    assert framework.ones(3, 1000, 50).mul(0.1).mean((0, 1)).numpy() == pytest.approx(0.1, rel=1e-6)


def test_any_number_of_threads(monkeypatch):
    x, found = framework.randn(300, 9001), []
    for count in (1, 3, 16):
        monkeypatch.setattr(threads, "_threads", count)
        wide = x.reshape(30, 10, 9001)
        parts = [x.sum(1), x.mean(0), x.mean(), x.prod(0), x[:, :1000].clone().sum(0), wide.sum(1), wide.sum((0, 2)), x.argmax(0) * 1.0]
        found.append(framework.cat([each.reshape(-1) for each in parts]))
    assert all(framework.equal(each, found[0]) for each in found)


def test_what_does_not_lie_row_by_row_is_left_to_numpy():
    x = framework.randn(200, 100)
    kernels.reset()
    for array in (x.T, x[:, :90], x.expand(2, -1, -1), x.long()):
        np.testing.assert_array_equal(array.sum(-1).numpy(), array.numpy().sum(-1))
    assert x.sum(1, dtype=framework.float64).dtype == framework.float64
    assert set(kernels.report()["sum"]) == {"reference"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_where_the_extremes_are(data):
    """As NumPy says: the first of equals, and of nan, which are more extreme than any number; values come along."""
    shape = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=3))
    shape[data.draw(st.integers(0, len(shape) - 1))] *= -(-kernels.SMALL // math.prod(shape))
    rng, dtype = np.random.default_rng(0), data.draw(st.sampled_from(["float32", "float64"]))
    array = rng.standard_normal(shape).astype(dtype).round(data.draw(st.integers(0, 2)))
    strange = data.draw(st.sampled_from([0, 0.001, 0.5]))
    of = np.array(data.draw(st.sampled_from([[np.nan], [np.inf, -np.inf, np.nan], [0.0, -0.0]])), dtype)
    array = np.where(rng.random(shape) < strange, rng.choice(of, shape), array)
    dim, keepdim = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.booleans())
    x, served = framework.from_numpy(array), math.prod(shape[dim + 1 :]) >= cpu_argmax._WIDE
    for name in ("argmax", "argmin"):
        kernels.reset()
        expected = getattr(np, name)(array, dim, keepdims=keepdim)
        np.testing.assert_array_equal(getattr(x, name)(dim, keepdim).numpy(), expected)
        values, indices = getattr(x, name.removeprefix("arg"))(dim, keepdim)
        np.testing.assert_array_equal(indices.numpy(), expected)
        np.testing.assert_array_equal(values.numpy(), getattr(np, name.removeprefix("arg"))(array, dim, keepdims=keepdim))
        assert kernels.report()[name] == {f"{name}_of_columns" if served else "reference": 2}


@pytest.mark.parametrize("op, dim", [*itertools.product(("sum", "mean", "prod", "max"), (0, 1)), ("sum", (0, 2)), ("mean", (0, 2))])
def test_gradients(op, dim):
    def gradients():
        x = framework.from_numpy(1 + np.random.default_rng(0).standard_normal((9, 40, 50)).astype(np.float32) / 9).requires_grad_()
        out = getattr(x, op)(dim)
        (first,) = framework.autograd.grad(((out[0] if op == "max" else out) ** 3).sum(), x, create_graph=True)
        (second,) = framework.autograd.grad((first**2).sum(), x)
        return first.detach().numpy(), second.numpy()

    kernels.reset()
    found = gradients()
    assert set(kernels.report()["argmax" if op == "max" else op]) - {"reference"}
    with kernels.use("reference"):
        for one, other in zip(found, gradients(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4)

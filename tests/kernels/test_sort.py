"""Sorting by keys: values and places are those of the op's own forward, whatever is sorted, along any dimension, in either order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework import kernels
from framework.kernels import cpu_sort, threads

SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1.0, -1.0]


def of_special_numbers(shape, dtype):
    """Numbers many of which are equal, or none, or infinite: floats, or whole ones of any size."""
    rng, dtype = np.random.default_rng(0), np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(max(np.iinfo(dtype).min, -(1 << 40)), min(np.iinfo(dtype).max, 1 << 40), shape, dtype, endpoint=True)
    numbers = rng.standard_normal(shape).astype(dtype).round(1)
    return np.where(rng.random(shape) < 0.3, rng.choice(np.array(SPECIAL, dtype), shape), numbers)


def check(sort, by="sort_by_keys"):
    """`sort()` gives, bit by bit, what it gives without kernels, and `by` computed it."""
    kernels.reset()
    found = sort()
    assert by in kernels.report()["sort"]
    with kernels.use("reference"):
        expected = sort()
    assert type(found) is type(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape and one.is_contiguous()
        assert one.numpy().tobytes() == other.numpy().tobytes()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_array(data):
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    shape[data.draw(st.integers(0, len(shape) - 1))] *= -(-kernels.SMALL // int(np.prod(shape)))
    dtype = data.draw(st.sampled_from(["float32", "float32", "int64", "int32", "int16", "int8", "uint8", "bool"]))
    dim, descending = data.draw(st.integers(-len(shape), len(shape) - 1)), data.draw(st.booleans())
    array = of_special_numbers(shape, dtype)
    x = framework.from_numpy(array if data.draw(st.booleans()) else array.T.copy().T)
    check(lambda: x.sort(dim, descending))
    k = data.draw(st.integers(1, shape[dim]))
    if dtype != "bool":
        check(lambda: x.topk(k, dim, largest=descending))


@pytest.mark.parametrize("k", [1, 5, 32, 33, 400, 1000])
@pytest.mark.parametrize("largest", [True, False])
def test_the_first_of_rows_in_any_order(k, largest):
    """Few are found in one pass, more by a partition; rows that rise or fall are the worst for one pass."""
    rows = np.stack([np.arange(1000), -np.arange(1000), np.zeros(1000), np.full(1000, np.nan)] * 3).astype(np.float32)
    x = framework.from_numpy(np.concatenate([rows, of_special_numbers((5, 1000), "float32")]))
    check(lambda: x.topk(k, largest=largest))


def test_integers_that_lie_too_far_apart_and_doubles_are_left_to_numpy():
    far = np.array([[np.iinfo(np.int64).min, np.iinfo(np.int64).max] * 5000])
    assert not far.size < kernels.SMALL
    check(lambda: framework.from_numpy(far).sort(), "reference")
    check(lambda: framework.from_numpy(of_special_numbers((3, 5000), "float64")).sort(), "reference")
    check(lambda: framework.from_numpy(far).sort(0))  # a row of one needs no bits for places


def test_none_of_the_first_or_more_than_there_are():
    x = framework.from_numpy(of_special_numbers((10, 1000), "float32"))
    check(lambda: x.topk(0), "reference")
    check(lambda: x.sort(count=1001))


@pytest.mark.parametrize("shape", [(300, 1000), (1, 300_000), (3, 100_000)])
def test_any_number_of_threads(shape, monkeypatch):
    x, found = framework.from_numpy(of_special_numbers(shape, "float32")), []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "_threads", count)
        found.append([*x.sort(descending=True), *x.topk(7), *x.topk(90)])
    for others in found[1:]:
        assert all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(others, found[0], strict=True))


def test_an_error_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 2)

    def fail_later(first, last):
        if first:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        cpu_sort._by_threads(fail_later, 4, cpu_sort._WORTH_THREADS)


@pytest.mark.parametrize("sort", [lambda x: x.sort(1).values, lambda x: x.sort(0, True).values, lambda x: x.topk(4, 0).values])
def test_gradients(sort):
    """Where a number went, its gradient comes from; and that of the gradient."""

    def gradients():
        x = framework.from_numpy(np.random.default_rng(0).standard_normal((100, 100)).astype(np.float32)).requires_grad_()
        (first,) = framework.autograd.grad((sort(x) ** 3).sum(), x, create_graph=True)
        (second,) = framework.autograd.grad((first**2).sum(), x)
        return first.detach().numpy(), second.numpy()

    kernels.reset()
    found = gradients()
    assert "sort_by_keys" in kernels.report()["sort"]
    with kernels.use("reference"):
        for one, other in zip(found, gradients(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("dim", [0, 1])
def test_medians(dim):
    x = framework.from_numpy(of_special_numbers((101, 100), "float32"))
    for median in (framework.median, framework.nanmedian):
        check(lambda median=median: median(x, dim))
        with kernels.use("reference"):
            expected = median(x)
        np.testing.assert_array_equal(median(x).numpy(), expected.numpy())

"""Shares of work: that they cover it, whatever the arguments are and whoever calls, and that a failure in one of them is seen."""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from framework import get_num_threads
from framework.kernels import cpu_threads
from framework.kernels.cpu import compiled
from framework.kernels.cpu_threads import run, run_shares

Numbers = namedtuple("Numbers", "factor offset")


@compiled()
def count_up(out, numbers, share, first, last):
    """Each place once more, by the thread whose share it is."""
    for i in range(first, last):
        out[0, i] += numbers.factor
        out[1, i] = share


@compiled()
def fail(out, share, first, last):
    for i in range(first, last):
        if i == len(out) - 1:
            raise ValueError("the last one")


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shares_cover_everything_once(count, dtype):
    out = np.zeros((2, count), dtype)
    run_shares(count_up, count, out, Numbers(1, 2.0))
    run_shares(count_up, count, out, Numbers(dtype(1), dtype(2)))  # other types in the same place
    assert (out[0] == 2).all()
    shares = out[1].tolist()
    assert shares == sorted(shares) and set(shares) <= set(range(get_num_threads()))
    if count >= get_num_threads():
        assert len(set(shares)) == get_num_threads()


def test_the_code_that_all_share_knows_nothing_of_its_callers():
    """Else their classes stood in its cache, and it could be read only where they can be imported."""
    run_shares(count_up, 3, np.zeros((2, 3)), Numbers(1, 2.0))
    assert cpu_threads._share_out.overloads and "Numbers" not in str([*cpu_threads._share_out.overloads])


def test_little_work_is_done_here(monkeypatch):
    """Whether it is much is a question of the largest array."""
    shared = []
    monkeypatch.setattr(cpu_threads, "run_shares", lambda *args: shared.append(args))
    few, many = np.zeros((2, 5)), np.zeros((2, cpu_threads._WORTH_THREADS // 2))
    run(count_up, 5, few, Numbers(1, 2.0))
    assert (few[0] == 1).all() and not shared
    run(count_up, 5, many, Numbers(1, 2.0))
    assert len(shared) == 1


def test_a_failure_is_seen():
    with pytest.raises((MemoryError, ValueError)):  # the latter on a single thread
        run_shares(fail, 1000, np.zeros(1000))
    out = np.zeros((2, 3))
    run_shares(count_up, 3, out, Numbers(1, 2.0))  # and the pool is as good as before
    assert (out[0] == 1).all()


def test_many_callers():
    """They wait for each other, and do not mix up what is to be done."""

    def caller(size):
        out = np.zeros((2, size))
        for _ in range(50):
            run_shares(count_up, size, out, Numbers(1, 2.0))
        return (out[0] == 50).all()

    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(caller, range(1, 400, 9)))

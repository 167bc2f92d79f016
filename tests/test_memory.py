"""Freed memory is kept for the next array: what framework.memory_stats says of it."""

import gc

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim

knows = pytest.mark.skipif(framework.memory_stats()["used"] is None, reason="needs glibc 2.33 or newer: this C library tells nothing")
SIZE = 100 << 20  # bytes, far more than what else a test allocates and frees


@knows
def test_what_is_freed_is_kept_and_given_back_on_request():
    framework.release_memory()
    before = framework.memory_stats()
    array = framework.ones(SIZE // 4)
    in_use = framework.memory_stats()
    assert abs(in_use["used"] - before["used"] - SIZE) < SIZE / 100 and in_use["peak"] >= SIZE
    del array
    kept = framework.memory_stats()
    assert abs(kept["used"] - before["used"]) < SIZE / 100 and kept["kept"] >= SIZE
    framework.ones(SIZE // 4)
    assert framework.memory_stats()["page_faults"] - kept["page_faults"] < 10
    framework.release_memory()
    assert framework.memory_stats()["kept"] < SIZE / 4


@knows
def test_a_steady_training_step_touches_no_fresh_pages():
    """Of a hundred megabytes that it allocates."""
    model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.Flatten(), nn.Linear(32 * 28**2, 10))
    optimizer = optim.Adam(model.parameters())
    x, labels = framework.randn(64, 3, 32, 32), framework.arange(64) % 10
    faults = []
    for _ in range(12):
        before = framework.memory_stats()["page_faults"]
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        faults.append(framework.memory_stats()["page_faults"] - before)
    assert np.median(faults[-6:]) == 0, faults


def test_the_collector_runs_less_often_but_not_against_the_users_will():
    assert gc.get_threshold()[0] >= 10_000  # since the import
    before = gc.get_threshold()
    try:
        for given, wanted in (((700, 10, 5), (10_000, 10, 5)), ((50_000, 10, 10), (50_000, 10, 10)), ((0, 10, 10), (0, 10, 10))):
            gc.set_threshold(*given)
            framework.kernels.memory.collect_less_often()
            assert gc.get_threshold() == wanted
    finally:
        gc.set_threshold(*before)

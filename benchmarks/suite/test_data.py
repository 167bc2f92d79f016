"""Data loading: an epoch of 3,200 digits in batches of 64."""

import pytest

from framework import randint, uint8
from framework.utils.data import BatchSampler, ConcatDataset, DataLoader, RandomSampler, Subset, TensorDataset

DIGITS = 3200


def digits():
    return TensorDataset(randint(0, 256, (DIGITS, 28, 28), dtype=uint8), randint(0, 10, (DIGITS,)))


LOADERS = {
    "in order": lambda: DataLoader(digits(), batch_size=64),
    "shuffled": lambda: DataLoader(digits(), batch_size=64, shuffle=True),
    "of a subset of two sets": lambda: DataLoader(Subset(ConcatDataset([digits(), digits()]), range(0, 2 * DIGITS, 2)), batch_size=64),
    "a batch at once": lambda: DataLoader(digits(), sampler=BatchSampler(RandomSampler(range(DIGITS)), 64, False), batch_size=None),
    "two workers": lambda: DataLoader(digits(), batch_size=64, num_workers=2),
    "two workers that stay": lambda: DataLoader(digits(), batch_size=64, num_workers=2, persistent_workers=True),
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.benchmark(group="data loading")
def test_epoch(benchmark, loader):
    batches = LOADERS[loader]()
    assert sum(len(labels) for _, labels in batches) == DIGITS
    benchmark(lambda: sum(len(labels) for _, labels in batches))

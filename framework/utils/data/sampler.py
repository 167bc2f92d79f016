"""The order in which samples are visited.

An iterator takes all its random numbers when it is made, none later: the order of an epoch is a function of the generator's state at its
beginning, whatever else draws from the same generator meanwhile.
"""

from collections.abc import Iterable, Sequence, Sized
from itertools import islice, takewhile
from typing import Generic, TypeVar

import numpy as np

from ... import random
from ...creation import as_tensor
from ...dtypes import float64
from ...sampling import multinomial

Index = TypeVar("Index", covariant=True)


class Sampler(Generic[Index]):
    """The base: an iterable of the numbers of samples, or of lists of them."""


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …"""

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All samples in random order, again and again until there are `num_samples`; or with `replacement`, each drawn from all."""

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator=None):
        self.data_source, self.replacement, self._num_samples, self.generator = data_source, replacement, num_samples, generator
        _check_count("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n = len(self.data_source)
        if self.replacement:
            return iter(random.integers(0, n, (self.num_samples,), self.generator).tolist())
        rounds = [random.permutation(n, self.generator) for _ in range(-(-self.num_samples // n))]
        return iter(np.concatenate(rounds)[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given numbers in random order."""

    def __init__(self, indices: Sequence[int], generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        return iter([self.indices[each] for each in random.permutation(len(self.indices), self.generator).tolist()])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` numbers drawn with probabilities in proportion to `weights`."""

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator=None):
        _check_count("num_samples", num_samples)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator
        self.weights = as_tensor(weights, dtype=float64)
        array = self.weights.numpy()
        if array.ndim != 1 or not (np.isfinite(array) & (array >= 0)).all() or not (array > 0).sum() >= (1 if replacement else num_samples):
            raise ValueError("weights should be a 1d sequence of finite numbers, none below 0, enough of them above 0")

    def __iter__(self):
        return iter(multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler in lists of `batch_size`; a shorter last one is left out if `drop_last`."""

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool):
        _check_count("batch_size", batch_size)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        batches = iter(lambda: list(islice(indices, self.batch_size)), [])
        return takewhile(lambda batch: len(batch) == self.batch_size, batches) if self.drop_last else batches

    def __len__(self) -> int:
        return len(self.sampler) // self.batch_size if self.drop_last else -(-len(self.sampler) // self.batch_size)


def _check_count(name: str, value) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")

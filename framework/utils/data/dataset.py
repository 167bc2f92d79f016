"""Data sets: things with a length whose samples have numbers, and things that can only be gone through."""

import bisect
import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from ... import random

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """The base of data sets with `__getitem__(number)` and `__len__`; `__getitems__(numbers)`, if there is one, reads a whole batch."""

    def __getitem__(self, index) -> Sample:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample]):
    """The base of data sets with `__iter__` alone: streams.

    Each worker of a DataLoader goes through one of its own; `get_worker_info()` in `__iter__` says which share to deliver.
    """

    def __iter__(self):
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")


class TensorDataset(Dataset):
    """Tensors with the same first dimension; sample i is the tuple of their i-th rows."""

    def __init__(self, *tensors):
        if any(len(each) != len(tensors[0]) for each in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(each[index] for each in self.tensors)

    def __getitems__(self, indices) -> "Rows":
        index = np.asarray(indices, dtype=np.int64)
        return Rows([each[index] for each in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class Rows(Sequence):
    """The samples of a batch that was read in one go: `columns` are stacked already, as the default collate function wants them."""

    def __init__(self, columns: list):
        self.columns = columns

    def __getitem__(self, index):
        return tuple(each[index] for each in self.columns)

    def __len__(self) -> int:
        return len(self.columns[0])


class ConcatDataset(Dataset[Sample]):
    """Data sets one after the other."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(each) for each in self.datasets))

    def __getitem__(self, index):
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - self.cumulative_sizes[which - 1] if which else index]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class Subset(Dataset[Sample]):
    """The samples of `dataset` with the given numbers."""

    def __init__(self, dataset: Dataset[Sample], indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices
        if type(self).__getitem__ is not Subset.__getitem__ and type(self).__getitems__ is Subset.__getitems__:
            raise NotImplementedError(f"{type(self).__name__} overrides __getitem__ but not __getitems__.")

    def __getitem__(self, index):
        return self.dataset[[self.indices[each] for each in index] if isinstance(index, list) else self.indices[index]]

    def __getitems__(self, indices):
        return read(self.dataset, [self.indices[each] for each in indices])

    def __len__(self) -> int:
        return len(self.indices)


def read(dataset, indices: list):
    """The samples with the given numbers, in one go if the data set can do that."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[each] for each in indices]


def random_split(dataset: Dataset[Sample], lengths: Sequence[int | float], generator=random.default_generator) -> list[Subset[Sample]]:
    """Subsets of the given lengths, which share out the samples at random; fractions are rounded down and the rest dealt out in turn."""
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        floors = [math.floor(len(dataset) * fraction) for fraction in lengths]
        rest = len(dataset) - sum(floors)
        lengths = [floor + rest // len(floors) + (i < rest % len(floors)) for i, floor in enumerate(floors)]
        for i, length in enumerate(lengths):
            if length == 0:
                warnings.warn(f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2)
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = random.permutation(len(dataset), generator).tolist()
    return [Subset(dataset, order[end - length : end]) for end, length in zip(itertools.accumulate(lengths), lengths, strict=True)]

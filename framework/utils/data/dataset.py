"""Data sets: things with a length whose samples have numbers, and things that can only be gone through."""

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Generic, TypeVar

from ... import random
from ...offered import expect

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
        expect(all(len(each) == len(tensors[0]) for each in tensors), "Size mismatch between tensors", AssertionError)
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(each[index] for each in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class ConcatDataset(Dataset[Sample]):
    """Data sets one after the other."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets or any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset needs one data set or more, none of them an IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(each) for each in self.datasets))

    def __getitem__(self, index):
        expect(index >= 0 or index >= -len(self), "absolute value of index should not exceed dataset length", ValueError)
        index = range(len(self))[index]
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - self.cumulative_sizes[which] + len(self.datasets[which])]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class Subset(Dataset[Sample]):
    """The samples of `dataset` with the given numbers."""

    def __init__(self, dataset: Dataset[Sample], indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index):
        return self.dataset[[self.indices[each] for each in index] if isinstance(index, list) else self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Dataset[Sample], lengths: Sequence[int | float], generator=random.default_generator) -> list[Subset[Sample]]:
    """Subsets of the given lengths, which share out the samples at random; fractions are rounded down and the rest dealt out in turn."""
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        right = all(0 <= fraction <= 1 for fraction in lengths)
        expect(right, f"random_split expects fractions between 0 and 1, but got {lengths}", ValueError)
        floors = [math.floor(len(dataset) * fraction) for fraction in lengths]
        rest = len(dataset) - sum(floors)
        lengths = [floor + rest // len(floors) + (i < rest % len(floors)) for i, floor in enumerate(floors)]
    expect(sum(lengths) == len(dataset), "Sum of input lengths does not equal the length of the input dataset!", ValueError)
    order = random.permutation(len(dataset), generator).tolist()
    return [Subset(dataset, order[end - length : end]) for end, length in zip(itertools.accumulate(lengths), lengths, strict=True)]

"""The order in which a training visits its samples, epoch by epoch."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np

import framework
from framework import Tensor
from zoo.common.flags import TrainFlags


def mixed(*numbers: int) -> int:
    """One seed made of several numbers: their sum would be the same for (seed 1, epoch 0) and (seed 0, epoch 1)."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def shuffled(count: int, batch_size: int, *, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The batches of one epoch as indices into ``count`` samples, each (batch_size,) but for a shorter last one.

    A pure function of its arguments: a resumed run asks for the same epoch again and skips the batches it has seen.
    """
    generator = framework.Generator().manual_seed(mixed(seed, epoch))
    return framework.randperm(count, generator=generator).split(batch_size)


class Epochs:
    """``steps``, how many a training on ``count`` samples has, ``length`` of them an epoch, and the batches of each epoch."""

    def __init__(self, count: int, flags: TrainFlags) -> None:
        self.count, self.flags = count, flags  # which have a batch_size
        self.length = -(-count // flags.batch_size)
        self.steps = min(flags.epochs * self.length, flags.max_steps or float("inf"))

    def after(self, at: SimpleNamespace) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
        """Every epoch's number and its shuffled batches, from the first that ``at.step``, counted up by the loop, has not seen."""
        while at.step < self.steps:
            epoch, seen = divmod(at.step, self.length)
            batches = shuffled(self.count, self.flags.batch_size, seed=self.flags.seed, epoch=epoch)
            yield epoch, batches[seen : seen + self.steps - at.step]

"""The order in which an epoch visits its samples."""

import numpy as np

import framework
from framework import Tensor


def shuffled(count: int, batch_size: int, *, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The batches of one epoch as indices into ``count`` samples, each (batch_size,) but for a shorter last one.

    A pure function of its arguments: a resumed run asks for the same epoch again and skips the batches it has seen.
    """
    generator = framework.Generator()
    # Mixed, because a sum would give (seed 1, epoch 0) the order of (seed 0, epoch 1).
    generator.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
    return framework.randperm(count, generator=generator).split(batch_size)

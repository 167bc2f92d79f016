"""Schedules made of schedules."""

from bisect import bisect_right

from .base import LRScheduler, write_lr
from .plateau import ReduceLROnPlateau


class _Several(LRScheduler):
    """A schedule made of others on the same optimizer."""

    def __init__(self, optimizer, schedulers):
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{type(self).__name__} does not support ReduceLROnPlateau, whose step needs a metric (index {i})")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{type(self).__name__} expects all schedulers to belong to the same optimizer, but that at {i} does not")
        self.optimizer, self._schedulers = optimizer, schedulers

    def _rewind(self) -> None:
        """Undo the first steps that the schedulers made in their constructors."""
        for scheduler in self._schedulers:
            if isinstance(scheduler, _Several):
                scheduler._rewind()
            else:
                scheduler.last_epoch -= 1


class ChainedScheduler(_Several):
    """Several schedules at once: the product of their factors."""

    def __init__(self, schedulers, optimizer=None):
        if not schedulers:
            raise ValueError("ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.")
        super().__init__(optimizer or schedulers[0].optimizer, schedulers)
        self._last_lr = self._present_lr()

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()

    def step(self) -> None:
        """Begin the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._present_lr()


class SequentialLR(_Several):
    """One schedule after the other: the next begins, at its own epoch 0, at each of the milestones."""

    def __init__(self, optimizer, schedulers: list, milestones: list[int], last_epoch: int = -1):
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"expected one scheduler more than milestones, but got {len(schedulers)} and {len(milestones)}")
        super().__init__(optimizer, schedulers)
        self._milestones, self.last_epoch = milestones, last_epoch + 1
        for group in optimizer.param_groups:
            write_lr(group, group["initial_lr"])
        self._rewind()
        self._initial_step()

    def _initial_step(self) -> None:
        self._schedulers[0]._initial_step()
        self._last_lr = self._present_lr()

    def step(self) -> None:
        """Begin the next epoch."""
        self.last_epoch += 1
        present = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[present]
        if present > 0 and self._milestones[present - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

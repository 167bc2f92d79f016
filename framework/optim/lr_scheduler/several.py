"""Schedules made of schedules."""

from bisect import bisect_right

from .base import LRScheduler
from .plateau import ReduceLROnPlateau


class _Several(LRScheduler):
    """A schedule made of others on the same optimizer."""

    _not_saved = {"optimizer", "_schedulers"}

    def __init__(self, schedulers, optimizer=None):
        self.optimizer, self._schedulers = optimizer or (schedulers and schedulers[0].optimizer), schedulers
        if not schedulers or any(isinstance(each, ReduceLROnPlateau) or each.optimizer is not self.optimizer for each in schedulers):
            raise ValueError(f"{type(self).__name__} expects one scheduler or more of one optimizer, whose steps need no metric")

    def state_dict(self) -> dict:
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict: dict) -> None:
        super().load_state_dict(state_dict)
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class ChainedScheduler(_Several):
    """Several schedules at once: the product of their factors."""

    def _begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler._begin()

    def step(self) -> None:
        """Begin the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()


class SequentialLR(_Several):
    """One schedule after the other: the next begins, at its own epoch 0, at each of the milestones."""

    def __init__(self, optimizer, schedulers: list, milestones: list[int], last_epoch: int = -1):
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"expected one scheduler more than milestones, but got {len(schedulers)} and {len(milestones)}")
        super().__init__(schedulers, optimizer)
        self._milestones, self.last_epoch = milestones, last_epoch + 1
        self._set_lr([group["initial_lr"] for group in optimizer.param_groups])  # all of them have changed it
        self._begin()

    def _begin(self) -> None:
        self._schedulers[0]._begin()

    def step(self) -> None:
        """Begin the next epoch."""
        self.last_epoch += 1
        present = bisect_right(self._milestones, self.last_epoch)
        if self.last_epoch in self._milestones:
            self._schedulers[present].step(0)
        else:
            self._schedulers[present].step()

"""What every schedule shares: the number of the epoch, the rates written into the optimizer's groups, and the state to be saved."""

import warnings

from ...device import gpus
from ...offered import expect
from ..optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: `get_lr` says the rates of epoch `last_epoch`, one for each parameter group.

    `last_epoch` = -1 begins; another number goes on after that epoch, with the rates found in the optimizer.
    """

    _not_saved = {"optimizer"}  # attributes that are not in a state_dict
    _is_initial = False  # is this the step that the constructor makes?

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        expect(isinstance(optimizer, Optimizer), f"{type(optimizer).__name__} is not an Optimizer", TypeError)
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.optimizer, self.last_epoch = optimizer, last_epoch + 1
        self._begin()

    def _begin(self) -> None:
        """Make the first step, which leads to `last_epoch`."""
        self.last_epoch, self._step_count, self._is_initial = self.last_epoch - 1, 0, True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates of epoch `last_epoch`, from those in the optimizer's groups."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Begin the next epoch; or `epoch`, whose rates are then computed from the initial ones where there is a formula for it."""
        expect(gpus.recording is None, "a scheduler's step is not repeated when a graph is launched: call it outside of what is compiled")
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn("`lr_scheduler.step()` called before `optimizer.step()`: the first rate of the schedule is skipped", stacklevel=2)
        self._step_count += 1
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set_lr(self.get_lr() if epoch is None else getattr(self, "_get_closed_form_lr", self.get_lr)())

    def _set_lr(self, rates) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr

    def get_last_lr(self) -> list[float]:
        """The present rates."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict:
        """All attributes but the optimizer and the user's functions."""
        return {name: value for name, value in vars(self).items() if name not in self._not_saved}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a `state_dict()`; the rates themselves are in the optimizer's."""
        vars(self).update({name: value for name, value in state_dict.items() if name not in self._not_saved})


def one_each(name: str, optimizer, value) -> list:
    """`value` for each parameter group: a list of as many, or one number for all."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    expect(len(values) == count, f"expected as many values of {name} as there are param_groups, {count}, but got {len(values)}", ValueError)
    return values

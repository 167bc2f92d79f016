"""What every schedule shares: the number of the epoch, and the rates written into the optimizer's groups."""

import warnings

from ...autograd.variable import Variable
from ..optimizer import Optimizer

EPOCH_WARNING = "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible."


class LRScheduler:
    """The base of all schedules: `get_lr` says the rates of epoch `last_epoch`, one for each parameter group.

    `last_epoch` = -1 begins; another number goes on after that epoch, with the rates found in the optimizer.
    """

    _is_initial = False  # is this the step that the constructor makes?

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0.")
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates of epoch `last_epoch`, from those in the optimizer's groups."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Begin the next epoch, or `epoch`, which PyTorch deprecates."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite order: "
                          "`optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in skipping the first value of "
                          "the learning rate schedule.", stacklevel=2)  # fmt: skip
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Go to the next epoch; or to `epoch`, whose rates are then computed from the initial ones where there is a formula for it."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = epoch is not None and hasattr(self, "_get_closed_form_lr")
        self._set_lr(self._get_closed_form_lr() if closed else self.get_lr())

    def _set_lr(self, rates) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            write_lr(group, lr)
        self._last_lr = self._present_lr()

    def _present_lr(self) -> list[float]:
        return [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rates that this scheduler computed last."""
        return self._last_lr

    def state_dict(self) -> dict:
        """All attributes but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a `state_dict()`; the rates themselves are in the optimizer's."""
        vars(self).update(state_dict)


def _copied(lr):
    return lr.clone() if isinstance(lr, Variable) else lr


def write_lr(group: dict, lr) -> None:
    """Make `lr` the rate of a parameter group; a rate that is a tensor stays the same tensor."""
    if isinstance(group["lr"], Variable):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def write_momentum(group: dict, momentum: float) -> None:
    """Make `momentum` that of a parameter group: its first beta, if it has any."""
    group.update({"betas": (momentum, *group["betas"][1:])} if "betas" in group else {"momentum": momentum})


def require_momentum(optimizer: Optimizer) -> None:
    """ValueError if the optimizer has none to be cycled."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")


def one_each(name: str, optimizer, value) -> list:
    """`value` for each parameter group: a list of as many, or one number for all."""
    values = list(value) if isinstance(value, (list, tuple)) else [value] * len(optimizer.param_groups)
    if len(values) != len(optimizer.param_groups):
        raise ValueError(f"{name} must have the same length as optimizer.param_groups. "
                         f"{name} has {len(values)} values, param_groups has {len(optimizer.param_groups)}.")  # fmt: skip
    return values

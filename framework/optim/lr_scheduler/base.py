"""What every schedule shares: the number of the epoch, the rates written into the optimizer's groups, and the state to be saved."""

import types
import warnings

from ...autograd.variable import Variable
from ..optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: `get_lr` says the rates of epoch `last_epoch`, one for each parameter group.

    `last_epoch` = -1 begins; another number goes on after that epoch, with the rates found in the optimizer.
    """

    _is_initial = False  # is this the step that the constructor makes?

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        for i, group in enumerate(groups_of(optimizer)):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0.")
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.optimizer, self.last_epoch = optimizer, last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count, self._is_initial = 0, True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates of epoch `last_epoch`, from those in the optimizer's groups."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Begin the next epoch, or `epoch`, which PyTorch deprecates."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn("`lr_scheduler.step()` called before `optimizer.step()`: the first rate of the schedule is skipped", stacklevel=2)
        self._step_count += 1
        warn_of_epoch(epoch)
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
        """All attributes but the optimizer; of schedulers and of objects that are called their attributes, of functions nothing."""
        return {name: _saved(value) for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a `state_dict()`; the rates themselves are in the optimizer's."""
        for name, value in state_dict.items():
            setattr(self, name, _loaded(getattr(self, name, None), value))


def _saved(value):
    if isinstance(value, list):
        return [_saved(each) for each in value]
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if isinstance(value, types.FunctionType):
        return None
    return dict(getattr(value, "__dict__", {})) if callable(value) else value


def _loaded(present, saved):
    """What is to be in the place of `present`: `saved`, or `present` itself with the attributes `saved`."""
    if isinstance(present, list) and isinstance(saved, list) and len(present) == len(saved):
        return [_loaded(*each) for each in zip(present, saved, strict=True)]
    if isinstance(present, LRScheduler):
        present.load_state_dict(saved)
    elif callable(present):
        getattr(present, "__dict__", {}).update(saved or {})
    else:
        return saved
    return present


def _copied(lr):
    return lr.clone() if isinstance(lr, Variable) else lr


def write_lr(group: dict, lr) -> None:
    """Make `lr` the rate of a parameter group; a rate that is a tensor stays the same tensor."""
    if isinstance(group["lr"], Variable):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def warn_of_epoch(epoch) -> None:
    """PyTorch's deprecation, unless `epoch` is None."""
    if epoch is not None:
        warnings.warn("The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible.", stacklevel=3)


def groups_of(optimizer) -> list[dict]:
    """Its parameter groups."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer.param_groups


def one_each(name: str, optimizer, value) -> list:
    """`value` for each parameter group: a list of as many, or one number for all."""
    count = len(groups_of(optimizer))
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise ValueError(f"expected as many values of {name} as there are param_groups, {count}, but got {len(values)}")
    return values

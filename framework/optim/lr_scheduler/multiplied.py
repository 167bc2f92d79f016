"""Schedules that multiply the initial rate by a function of the epoch's number t, one of those named here or the user's own.

The rate is computed from the one before, lr(t) = lr(t - 1) * multiplier(t) / multiplier(t - 1), so that several schedules can act on one
optimizer and each finds the others' work there.
"""

import math
from collections import Counter

from ..optimizer import options
from .base import LRScheduler, one_each


class _Multiplied(LRScheduler):
    """lr(t) = low + (initial lr - low) * multiplier(t), low being 0 for all but cosine annealing; each kind has its `multiplier`."""

    eta_min = 0.0
    _in_stairs = False  # is the multiplier constant but for jumps?  Such a schedule makes the jump of the epoch it is resumed in

    def __init__(self, arguments: dict, **valid):
        vars(self).update(options(arguments, **valid))  # a constructor's locals()
        super().__init__(self.optimizer, self.last_epoch)

    def get_lr(self):
        if self._is_initial and self.last_epoch > 0 and not self._in_stairs:
            return self.get_last_lr()
        now, before = self.multiplier(self.last_epoch), self.multiplier(self.last_epoch - 1) if self.last_epoch > 0 else 1.0
        if before == 0:  # the rate itself was lost
            return [lr + (base - self.eta_min) * now for lr, base in zip(self.get_last_lr(), self.base_lrs, strict=True)]
        return [self.eta_min + (lr - self.eta_min) * (now / before) for lr in self.get_last_lr()]

    def _get_closed_form_lr(self):
        return [self.eta_min + (base - self.eta_min) * self.multiplier(self.last_epoch) for base in self.base_lrs]


class StepLR(_Multiplied):
    """multiplier(t) = gamma^floor(t / step_size)."""

    _in_stairs = True

    def __init__(self, optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        super().__init__(locals())

    def multiplier(self, epoch):
        return self.gamma ** (epoch // self.step_size)


class MultiStepLR(_Multiplied):
    """multiplier(t) = gamma^(number of milestones up to t)."""

    _in_stairs = True

    def __init__(self, optimizer, milestones, gamma: float = 0.1, last_epoch: int = -1):
        milestones = Counter(milestones)
        super().__init__(locals())

    def multiplier(self, epoch):
        return self.gamma ** sum(count for milestone, count in self.milestones.items() if milestone <= epoch)


class ConstantLR(_Multiplied):
    """multiplier(t) = `factor` before epoch `total_iters`, then 1; `factor` for good if there are none before it."""

    _in_stairs = True

    def __init__(self, optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1):
        super().__init__(locals(), factor=0 <= factor <= 1)

    def multiplier(self, epoch):
        return self.factor if epoch < self.total_iters or self.total_iters <= 0 else 1.0


class LinearLR(_Multiplied):
    """multiplier(t) goes in a straight line from start_factor to end_factor, where it is from epoch `total_iters` on."""

    def __init__(self, optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5, last_epoch: int = -1):
        super().__init__(locals(), start_factor=0 < start_factor <= 1, end_factor=0 <= end_factor <= 1)

    def multiplier(self, epoch):
        return self.start_factor + (self.end_factor - self.start_factor) * min(epoch, self.total_iters) / self.total_iters


class ExponentialLR(_Multiplied):
    """multiplier(t) = gamma^t."""

    def __init__(self, optimizer, gamma: float, last_epoch: int = -1):
        super().__init__(locals())

    def multiplier(self, epoch):
        return self.gamma**epoch


class PolynomialLR(_Multiplied):
    """multiplier(t) = (1 - t / total_iters)^power, 0 from epoch `total_iters` on."""

    def __init__(self, optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        super().__init__(locals())

    def multiplier(self, epoch):
        return (1 - min(epoch, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(_Multiplied):
    """lr(t) = eta_min + (lr(0) - eta_min) (1 + cos(pi t / T_max)) / 2: down in T_max epochs, and up again in the next.

    Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts (here without the restarts).
    """

    def __init__(self, optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        super().__init__(locals())

    def multiplier(self, epoch):
        return (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class LambdaLR(LRScheduler):
    """lr(t) = lr(0) * lr_lambda(t); one function, or one for each parameter group."""

    _not_saved = {"optimizer", "lr_lambdas"}

    def __init__(self, optimizer, lr_lambda, last_epoch: int = -1):
        self.lr_lambdas = one_each("lr_lambda", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self._times(self.base_lrs)

    def _times(self, rates) -> list[float]:
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, rates, strict=True)]


class MultiplicativeLR(LambdaLR):
    """lr(t) = lr(t - 1) * lr_lambda(t); one function, or one for each parameter group."""

    def get_lr(self):
        return self.get_last_lr() if self._is_initial else self._times(self.get_last_lr())

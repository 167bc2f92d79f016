"""Schedules given as Python functions."""

from .base import LRScheduler, one_each


class _Lambda(LRScheduler):
    def __init__(self, optimizer, lr_lambda, last_epoch: int = -1):
        self.lr_lambdas = one_each("lr_lambda", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def _times(self, rates) -> list[float]:
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, rates, strict=True)]


class LambdaLR(_Lambda):
    """lr(t) = lr(0) * lr_lambda(t); one function, or one for each parameter group."""

    def get_lr(self):
        return self._times(self.base_lrs)


class MultiplicativeLR(_Lambda):
    """lr(t) = lr(t - 1) * lr_lambda(t); one function, or one for each parameter group."""

    def get_lr(self):
        return self._present_lr() if self._is_initial else self._times(self._present_lr())

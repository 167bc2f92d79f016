"""Schedules given as Python functions."""

from .base import LRScheduler, one_each


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
        return self._present_lr() if self._is_initial else self._times(self._present_lr())

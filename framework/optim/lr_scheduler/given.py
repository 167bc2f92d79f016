"""Schedules given as Python functions."""

import types

from .base import LRScheduler


class _Lambda(LRScheduler):
    """A schedule given as a function of the epoch's number, or one for each parameter group."""

    def __init__(self, optimizer, lr_lambda, last_epoch: int = -1):
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        """All attributes but the optimizer; of the functions only the attributes, if they are objects that have some."""
        attributes = [None if isinstance(each, types.FunctionType) else vars(each).copy() for each in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": attributes}

    def load_state_dict(self, state_dict):
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                vars(function).update(attributes)


class LambdaLR(_Lambda):
    """lr(t) = lr(0) * lr_lambda(t)."""

    def get_lr(self):
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_Lambda):
    """lr(t) = lr(t - 1) * lr_lambda(t)."""

    def get_lr(self):
        if self._is_initial:
            return self._present_lr()
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, self._present_lr(), strict=True)]

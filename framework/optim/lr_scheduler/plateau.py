"""The schedule that looks at results."""

import math

from .base import LRScheduler, one_each


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by `factor` when the metric given to `step` has not improved for more than `patience` epochs.

    Improved: beyond best * (1 -+ threshold) with threshold_mode "rel", beyond best -+ threshold with "abs".  After a reduction the
    counting rests for `cooldown` epochs; the rate stays above `min_lr`, and a change of less than `eps` is not made.
    """

    def __init__(self, optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
                 threshold_mode: str = "rel", cooldown: int = 0, min_lr=0, eps: float = 1e-8):  # fmt: skip
        if factor >= 1 or mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"expected factor < 1, mode min or max, threshold_mode rel or abs, but got {factor, mode, threshold_mode}")
        self.min_lrs = one_each("min_lr", optimizer, min_lr)
        self.optimizer, self.mode, self.factor, self.patience, self.eps = optimizer, mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0

    def step(self, metrics, epoch: int | None = None) -> None:
        """Begin the next epoch, or `epoch`, `metrics` being what the last one reached."""
        metrics, sign = float(metrics), 1 if self.mode == "max" else -1
        bar = self.best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else self.best + sign * self.threshold
        better = sign * metrics > sign * bar
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.best = metrics if better else self.best
        self.num_bad_epochs = 0 if better or self.cooldown_counter > 0 else self.num_bad_epochs + 1
        self.cooldown_counter = max(0, self.cooldown_counter - 1)
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            for group, lowest in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lr = max(group["lr"] * self.factor, lowest)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr

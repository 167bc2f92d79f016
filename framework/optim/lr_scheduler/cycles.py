"""Schedules in which the rate rises and falls."""

import math
from itertools import pairwise

from .base import LRScheduler, one_each


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr(t) = eta_min + (lr(0) - eta_min) (1 + cos(pi T_cur / T_i)) / 2: T_cur epochs of T_i since a restart.

    Each period T_i is T_mult times the one before; the first is T_0.

    Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    def __init__(self, optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        if not (isinstance(T_0, int) and isinstance(T_mult, int) and T_0 > 0 and T_mult > 0):
            raise ValueError(f"Expected positive integers T_0 and T_mult, but got {T_0} and {T_mult}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        weight = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * weight for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Begin the next epoch, or `epoch`, which may be a fraction: `epoch + batch / batches` changes the rate after every batch."""
        if epoch is None and self.last_epoch >= 0:
            epoch, self.T_cur = self.last_epoch + 1, self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = epoch or 0
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        self.last_epoch = math.floor(epoch)
        self._set_lr(self.get_lr())


class _Cycle(LRScheduler):
    """A schedule in which the momentum (the first beta, if there are any) falls and rises too, if `cycle_momentum`."""

    def _limit_momentum(self, optimizer, cycle_momentum: bool, lowest, highest) -> None:
        if cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.cycle_momentum, self.base_momentums = cycle_momentum, one_each("base_momentum", optimizer, lowest)
        self.max_momentums = one_each("max_momentum", optimizer, highest)

    def _set_momentum(self, momenta) -> None:
        for group, momentum in zip(self.optimizer.param_groups, momenta, strict=True) if self.cycle_momentum else ():
            group.update({"betas": (momentum, *group["betas"][1:])} if "betas" in group else {"momentum": momentum})


class CyclicLR(_Cycle):
    """Up from base_lr to max_lr in `step_size_up` batches and down again in `step_size_down`, over and over; the momentum the other way.

    lr(t) = base_lr + (max_lr - base_lr) h(t) scale, h going from 0 to 1 and back.  The scale of cycle number c = 1, 2, … is 1 in mode
    "triangular", 1 / 2^(c - 1) in "triangular2"; that of batch t is gamma^t in "exp_range".  Or it is scale_fn(c), or scale_fn(t) if
    scale_mode is "iterations".

    Smith, 2017, Cyclical Learning Rates for Training Neural Networks.
    """

    _not_saved = {"optimizer", "_scale_fn_custom"}

    def __init__(
        self, optimizer, base_lr, max_lr, step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular",
        gamma: float = 1.0, scale_fn=None, scale_mode: str = "cycle", cycle_momentum: bool = True, base_momentum=0.8, max_momentum=0.9,
        last_epoch: int = -1,
    ):  # fmt: skip
        base_lrs, self.max_lrs = one_each("base_lr", optimizer, base_lr), one_each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = lr
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio, self.mode, self.gamma, self._scale_fn_custom = step_size_up / self.total_size, mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self._limit_momentum(optimizer, cycle_momentum, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x) -> float:
        """The height of cycle x, or of batch x."""
        scale = {"triangular": 1.0, "triangular2": 0.5 ** (x - 1), "exp_range": self.gamma**x}
        return scale[self.mode] if self._scale_fn_custom is None else self._scale_fn_custom(x)

    def get_lr(self):
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        self._set_momentum([high - (high - low) * height for low, high in zip(self.base_momentums, self.max_momentums, strict=True)])
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class OneCycleLR(_Cycle):
    """One cycle of `total_steps` batches: the rate up to max_lr, then down to almost nothing; the momentum the other way.

    It begins at max_lr / div_factor and ends at 1 / final_div_factor of that; `pct_start` of the steps go up.  With `three_phase`, as many
    go down to the beginning again, and the others to the end.

    Smith and Topin, 2018, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates.
    """

    def __init__(
        self, optimizer, max_lr, total_steps: int | None = None, epochs: int | None = None, steps_per_epoch: int | None = None,
        pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum=0.85, max_momentum=0.95,
        div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ):  # fmt: skip
        total = (epochs or 0) * (steps_per_epoch or 0) if total_steps is None else total_steps
        if not isinstance(total, int) or total <= 0:
            raise ValueError(f"Expected a positive integer total_steps, or epochs and steps_per_epoch, but got {total} steps in all")
        if not 0 <= pct_start <= 1 or anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"expected pct_start in [0, 1] and anneal_strategy cos or linear, but got {pct_start} and {anneal_strategy}")
        self._limit_momentum(optimizer, cycle_momentum, base_momentum, max_momentum)
        self.total_steps, self.anneal_strategy = total, anneal_strategy
        highest = one_each("max_lr", optimizer, max_lr)
        first = [lr / div_factor for lr in highest]
        start, top = (first, self.max_momentums), (highest, self.base_momentums)
        end = ([lr / final_div_factor for lr in first], self.max_momentums)
        up = pct_start * total - 1
        self.corners = [(0, *start), (up, *top), *[(2 * up, *start)] * three_phase, (total - 1, *end)]
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, first, strict=True):
                group["initial_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch > self.total_steps:
            raise ValueError(f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}")
        lines = (pair for pair in pairwise(self.corners) if self.last_epoch <= pair[1][0])
        (start, *before), (end, *after) = next(lines, self.corners[-2:])
        done = (self.last_epoch - start) / (end - start)
        done = done if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * done)) / 2
        mixed = [[a * (1 - done) + b * done for a, b in zip(*ends, strict=True)] for ends in zip(before, after, strict=True)]
        self._set_momentum(mixed[1])
        return mixed[0]

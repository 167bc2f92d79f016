"""Schedules in which the rate rises and falls."""

import math
from itertools import pairwise

from .base import LRScheduler, one_each, write_lr


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
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = epoch or 0
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        self.last_epoch = math.floor(epoch)
        self._set_lr(self.get_lr())


class _Cycle(LRScheduler):
    """A schedule in which the momentum falls and rises too, if `cycle_momentum`."""

    def _limit_momentum(self, optimizer, lowest, highest, last_epoch) -> None:
        """Keep between which limits it goes, in each parameter group."""
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.base_momentums = one_each("base_momentum", optimizer, lowest)
        self.max_momentums = one_each("max_momentum", optimizer, highest)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
                group.update(base_momentum=low, max_momentum=high)

    @staticmethod
    def _write_momentum(group: dict, momentum: float) -> None:
        """Make `momentum` that of a parameter group: its first beta, if it has any."""
        group.update({"betas": (momentum, *group["betas"][1:])} if "betas" in group else {"momentum": momentum})


class CyclicLR(_Cycle):
    """Up from base_lr to max_lr in `step_size_up` batches and down again in `step_size_down`, over and over; the momentum the other way.

    lr(t) = base_lr + (max_lr - base_lr) h(t) scale, h going from 0 to 1 and back.  The scale of cycle number c = 1, 2, … is 1 in mode
    "triangular", 1 / 2^(c - 1) in "triangular2"; that of batch t is gamma^t in "exp_range".  Or it is scale_fn(c), or scale_fn(t) if
    scale_mode is "iterations".

    Smith, 2017, Cyclical Learning Rates for Training Neural Networks.
    """

    def __init__(
        self, optimizer, base_lr, max_lr, step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular",
        gamma: float = 1.0, scale_fn=None, scale_mode: str = "cycle", cycle_momentum: bool = True, base_momentum=0.8, max_momentum=0.9,
        last_epoch: int = -1,
    ):  # fmt: skip
        base_lrs, self.max_lrs = one_each("base_lr", optimizer, base_lr), one_each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                write_lr(group, lr)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom, self.cycle_momentum = mode, gamma, scale_fn, cycle_momentum
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        if cycle_momentum:
            self._limit_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x) -> float:
        """The height of cycle x, or of batch x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": 1.0, "triangular2": 0.5 ** (x - 1), "exp_range": self.gamma**x}[self.mode]

    def get_lr(self):
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
                self._write_momentum(group, high - (high - low) * height)
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
        highest_lrs = one_each("max_lr", optimizer, max_lr)
        total = (epochs or 0) * (steps_per_epoch or 0) if total_steps is None else total_steps
        if not isinstance(total, int) or total <= 0:
            raise ValueError(f"Expected a positive integer total_steps, or epochs and steps_per_epoch, but got {total} steps in all")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.total_steps, self.anneal_strategy, self.cycle_momentum = total, anneal_strategy, cycle_momentum
        top = pct_start * total - 1
        back = [(2 * top, "initial_lr", "max_momentum")] if three_phase else []
        self.corners = [(0, "initial_lr", "max_momentum"), (top, "max_lr", "base_momentum"), *back, (total - 1, "min_lr", "max_momentum")]
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, highest_lrs, strict=True):
                lowest = highest / div_factor
                group.update(initial_lr=lowest, max_lr=highest, min_lr=lowest / final_div_factor)
        if cycle_momentum:
            self._limit_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, done: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * done
        return end + (start - end) / 2 * (math.cos(math.pi * done) + 1)

    def get_lr(self):
        if self.last_epoch > self.total_steps:
            raise ValueError(f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}")
        between = next((pair for pair in pairwise(self.corners) if self.last_epoch <= pair[1][0]), self.corners[-2:])
        (start, lr_from, momentum_from), (end, lr_to, momentum_to) = between
        done = (self.last_epoch - start) / (end - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._write_momentum(group, self._between(group[momentum_from], group[momentum_to], done))
        return [self._between(group[lr_from], group[lr_to], done) for group in self.optimizer.param_groups]

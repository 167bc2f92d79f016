"""Learning rates that change with time: after each epoch call `scheduler.step()`.

A schedule here is a function of how often `step` was called, t = `last_epoch`, and of the rate each group began with, lr_0.
"""



class LRScheduler:
    """Sets every group's "lr" to `rates()` at each step."""

    def __init__(self, optimizer, last_epoch: int = -1):
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group["initial_lr"] = group["lr"]
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming an optimizer")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.step()

    def get_lr(self) -> list:
        """The groups' rates at time `last_epoch`."""
        raise NotImplementedError

    def get_last_lr(self) -> list:
        """The rates set last."""
        return self._last_lr

    def step(self) -> None:
        """Go on by one."""
        self.last_epoch += 1
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict:
        """All attributes but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go back to a `state_dict()`."""
        self.__dict__.update(state_dict)


class StepLR(LRScheduler):
    """lr_0 gamma^floor(t / step_size)."""

    def __init__(self, optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]

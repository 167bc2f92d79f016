"""How far a training is: a live bar on a terminal, a line now and then elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Steps done, steps a second, the loss and the time to go, for use in a ``with`` statement."""

    def __init__(self, total: int, done: int = 0) -> None:
        self._console = Console(highlight=False)
        self._bar = Bar(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f} steps/s  loss {task.fields[loss]:.4f} "),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total, completed=done, rate=0.0, loss=float("nan"))
        self._total, self._first = total, done
        self._started = self._printed = time.monotonic()

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def update(self, step: int, loss: float) -> None:
        """Show that ``step`` steps are done."""
        now = time.monotonic()
        rate = (step - self._first) / (now - self._started)
        self._bar.update(self._task, completed=step, rate=rate, loss=loss)
        if not self._console.is_terminal and now - self._printed >= SECONDS_BETWEEN_LINES:
            self.say(f"step {step}/{self._total}  {rate:.1f} steps/s  loss {loss:.4f}")

    def say(self, line: str) -> None:
        """Print a line, above the bar where there is one."""
        self._console.print(line, soft_wrap=True, markup=False)
        self._printed = time.monotonic()

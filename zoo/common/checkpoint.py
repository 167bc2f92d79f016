"""Checkpoints from which a run killed at any instant goes on as if it had never stopped."""

import time
from types import SimpleNamespace
from typing import Any, Protocol

import framework
from zoo.common.errors import UserError
from zoo.common.run import BEGINNING, Run


class Stateful(Protocol):
    """Whatever changes during training: a model, an optimizer, a scheduler."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Checkpoint:
    """The state of everything that training changes, ``model`` among it, in the run directory.

    train_state.safetensors holds all of it: the weights, the optimizer, the scheduler, the random generator, the
    position in the data, and how long metrics.jsonl was. It is replaced by one rename: a kill at any instant leaves
    either the earlier state or the later, each complete. Resuming loads it and cuts from metrics.jsonl what was logged
    after it; from there on, every instruction meets what it would have met. model.safetensors is a copy of the weights
    for everyone else; as a kill may come between the two files, resuming writes it again.
    """

    def __init__(self, run: Run, *, model: framework.nn.Module, **others: Stateful) -> None:
        self.run, self.model, self.parts = run, model, {"model": model, **others}
        self._state, self._weights = run.path / "train_state.safetensors", run.path / "model.safetensors"
        self._saved = time.monotonic()

    def restore(self, **beginning: Any) -> SimpleNamespace:
        """Bring everything to the last checkpoint and return its position; ``beginning`` if there is none; UserError if it does not fit.

        The position is what the loop wants to find again, in JSON's types and Tensors, such as ``step=0``.
        """
        if not self._state.exists():
            self.run.rewind(BEGINNING)
            return SimpleNamespace(**beginning)
        state = framework.load(self._state)
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state["parts"][name])
            framework.set_rng_state(state["random"])
            position, record = SimpleNamespace(**state["position"]), state["record"]
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self._state} is not a checkpoint of this training") from error
        if vars(position).keys() != beginning.keys():
            raise UserError(f"{self._state} is a checkpoint of another version of this training")
        self.run.rewind(record)
        framework.save(self.model.state_dict(), self._weights)
        return position

    def save(self, position: SimpleNamespace) -> None:
        """Write both files; UserError if they cannot be written, which leaves the checkpoint before as it was."""
        state = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "random": framework.get_rng_state(),
            "position": vars(position),
            "record": self.run.position(),
        }
        try:
            framework.save(state, self._state)
            framework.save(self.model.state_dict(), self._weights)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{self.run.path}: checkpoint not written ({reason}); the one before is intact") from error
        self._saved = time.monotonic()

    def save_if_due(self, position: SimpleNamespace) -> None:
        """Save if the last time was ``--save-every`` seconds ago."""
        if time.monotonic() - self._saved >= self.run.flags.save_every:
            self.save(position)

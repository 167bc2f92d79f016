"""The flags that the examples share; an example's own config adds its hyper-parameters."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ParamSpec, Self, TypeVar

import tyro
from tyro.constructors import PrimitiveConstructorSpec

import framework
from zoo.common.errors import UserError

RunDirectory = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="Run directory of a training.")]
DataDir = Annotated[
    Path | None,
    tyro.conf.arg(metavar="DIR", help="Directory of the data sets; by default ZOO_DATA, else the user's cache."),
]
Device = Annotated[str, tyro.conf.arg(metavar="DEVICE", help="cpu, cuda or cuda:<index>.")]
P, T = ParamSpec("P"), TypeVar("T")


def _seed(typed: list[str]) -> int:
    """What is typed after --seed; UserError if it is a number that the generators do not take."""
    seed = int(typed[0])
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed {seed}: expected {'zero or more' if seed < 0 else 'less than 2**63'}")
    return seed


Seed = Annotated[
    int,
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="INT",
        instance_from_str=_seed,
        is_instance=lambda seed: isinstance(seed, int),
        str_from_instance=lambda seed: [str(seed)],
    ),
]


@dataclass(frozen=True, kw_only=True)
class TrainFlags:
    """Where a run goes, what it learns from, how long, how it is repeated; UserError for values out of range."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Run directory; by default the next free runs/<example>-<number>."""
    data: str = "auto"
    """Data set: auto (the full one if it was downloaded, else the built-in one), builtin, its name, or a folder."""
    data_dir: DataDir = None
    device: Device = "cpu"
    seed: Seed = 0
    """Seed of the weights, the shuffling and the dropout."""
    epochs: int = 1
    """Passes over the training data."""
    max_steps: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Stop after this many steps, also within an epoch."""
    save_every: float = 60.0
    """Seconds between the checkpoints within an epoch; one more is written at its end."""
    resume: bool = False
    """Continue the run in --out from its last checkpoint."""
    smoke: bool = False
    """A short run on built-in data that fails if the loss does not fall; other flags that are given count."""
    compile: bool = False
    """Record a step as one graph of the GPU, and launch it whole from then on; a CPU computes it as it is."""

    def compiled(self, step: Callable[P, T]) -> Callable[P, T]:
        """Decorates a step of training: recorded if ``--compile`` asks for it."""
        return framework.compile(step) if self.compile else step

    def shortened(self, **short: object) -> Self:
        """With ``--smoke`` these values, where no other than the default was asked for; else the flags as they are."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        free = {name: value for name, value in short.items() if getattr(self, name) == defaults[name]}
        return dataclasses.replace(self, **free) if self.smoke else self

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, flag = getattr(self, field.name), f"--{field.name.replace('_', '-')}"
            counts = isinstance(value, int) and not isinstance(value, bool) and field.name != "seed"
            if counts and value < 1 or isinstance(value, int | float) and value < 0:
                raise UserError(f"{flag} {value}: expected {'one' if counts else 'zero'} or more")
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{flag} {value}: expected a finite number")
            if field.name == "dropout" and value >= 1:
                raise UserError(f"{flag} {value}: expected less than 1")
        if self.resume and self.out is None:
            raise UserError("--resume: say which run with --out")


def find_device(name: str) -> framework.device:
    """The device of this name; UserError if there is no such device on this machine."""
    try:
        device = framework.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UserError(f"--device {name}: expected cpu, cuda or cuda:<index>")
    if device.type == "cuda" and not framework.cuda.is_available():
        raise UserError(f"--device {name}: no GPU can be used here (an NVIDIA driver and CuPy are needed)")
    if device.type == "cuda" and (device.index or 0) >= framework.cuda.device_count():
        raise UserError(f"--device {name}: this machine has {framework.cuda.device_count()} GPU(s), counted from 0")
    return device

"""The table of samples: one row an operation, from which the tests of values, gradients and parity are made.

    row("log", POSITIVE, np.log)
    row("add alpha", PAIRS, lambda x, y: x + 3 * y, alpha=3)
    row("rsub", ANY, lambda x: 2 - x, lambda T, x: 2 - x)

is a name, whose first word is the function, with the lists of inputs to try, the expected value in NumPy (None: no formula) and keyword
arguments; or else a call in the namespace T, which is `framework` or `torch`.  `f(2, 3)` stands for random float64 numbers of that shape,
`i(2, 3)` for integers, `b(2, 3)` for booleans; anything else is passed on as it is.  A new file in this directory is found by itself.
"""

import importlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import framework


@dataclass(frozen=True)
class Drawn:
    """An input to draw from [low, high); floats are all different, and neither they nor their quotients are near an integer, a kink."""

    shape: tuple
    low: float
    high: float
    kind: str  # as NumPy's: f, i, b

    def draw(self, random) -> np.ndarray:
        if self.kind != "f":
            return random.integers(self.low, self.high, self.shape).astype({"i": np.int64, "b": bool}[self.kind])
        grid = np.arange(self.low, self.high, 1 / 512) + 1e-4
        grid = grid[np.abs(grid - np.round(grid)) > 0.04]
        return random.choice(grid, self.shape, replace=False)

    def __repr__(self) -> str:
        return self.kind + "x".join(map(str, self.shape))


def f(*shape, low=-2.0, high=2.0):
    return Drawn(shape, low, high, "f")


def i(*shape, low=0, high=3):
    return Drawn(shape, low, high, "i")


def b(*shape):
    return Drawn(shape, 0, 2, "b")


@dataclass(frozen=True)
class Row:
    name: str
    inputs: list
    expected: Any = None
    call: Any = None
    keywords: dict = field(default_factory=dict)
    gradient: bool = True
    single: bool = False
    any_layout: bool = True
    integers: bool = True
    halves: bool = True

    @property
    def function(self) -> str:
        return self.name.split()[0]

    def __call__(self, namespace, *inputs):
        if self.call is not None:
            return self.call(namespace, *inputs)
        home = namespace if hasattr(framework, self.function) else namespace.nn.functional
        return getattr(home, self.function)(*inputs, **self.keywords)


@dataclass(frozen=True)
class Sample:
    """A row with one of its lists of inputs."""

    row: Row
    inputs: tuple

    def arrays(self) -> list:
        """The inputs with arrays drawn: always the same for the same sample."""
        random = np.random.default_rng(zlib.crc32(str(self).encode()))
        return [each.draw(random) if isinstance(each, Drawn) else each for each in self.inputs]

    def tensors(self, namespace, requires_grad=False, convert=lambda array: array) -> list:
        """The inputs with tensors of `namespace`, floating ones as leaves whose gradient is wanted if asked for."""

        def tensor(array):
            result = namespace.tensor(convert(array))
            return result.requires_grad_() if requires_grad and result.is_floating_point() else result

        return [tensor(each) if isinstance(each, np.ndarray) else each for each in self.arrays()]

    def __str__(self) -> str:
        return f"{self.row.name}({','.join(map(repr, self.inputs))})"


ROWS: list[Row] = []


def row(name, inputs, expected=None, call=None, **keywords):
    """Add a row.

    Some keywords are not the function's: gradient=False: it has none; single=True: it computes in float32; any_layout=False: it wants
    contiguous memory; integers=False: what PyTorch makes of integers and bools, if anything, is not offered: NotImplementedError;
    halves=False: 16-bit floats are refused.
    """
    options = {name: keywords.pop(name) for name in ("gradient", "single", "any_layout", "integers", "halves") if name in keywords}
    ROWS.append(Row(name, [each if isinstance(each, tuple) else (each,) for each in inputs], expected, call, keywords, **options))


def samples(*, where=lambda row: True) -> list:
    """All samples of the rows that `where` accepts, as pytest's parameters."""
    import pytest

    for each in sorted(Path(__file__).parent.glob("*.py")):
        importlib.import_module(f"tests.samples.{each.stem}")
    return [pytest.param(Sample(each, inputs), id=str(Sample(each, inputs))) for each in ROWS if where(each) for inputs in each.inputs]


def outputs(result) -> list:
    """The tensors that a function returned, one or several."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def assert_same(ours, theirs, rtol=1e-6):
    """The same structure, shapes, types and values."""
    ours, theirs = outputs(ours), outputs(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert str(a.dtype).partition(".")[2] == str(b.dtype).partition(".")[2]
        assert tuple(a.shape) == tuple(b.shape)
        np.testing.assert_allclose(a.detach().double().numpy(), b.detach().double().numpy(), rtol=rtol, atol=rtol)

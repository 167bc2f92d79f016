"""Sine waves of random phase: those of PyTorch's time_sequence_prediction, computed, not downloaded."""

import hashlib
from dataclasses import dataclass

import numpy as np

from zoo.common.errors import UserError

T = 20  # the waves are sin(x / T): a period is 2π T ≈ 126 values
TEST = 3  # the first waves are for testing
LENGTH, WAVES = 1000, 100  # values in a wave, and how many waves


@dataclass(frozen=True)
class Waves:
    """``train`` (N − 3, L) and ``test`` (3, L) are the values at the times ``starts`` + 0, 1, … L − 1, of which sha256 is taken.

    Of the times, because they are whole numbers: the sines may differ in their last bit from one processor to another.
    """

    name: str
    starts: np.ndarray  # (N,) int64, the time of each wave's first value
    train: np.ndarray  # (N − 3, L) float64
    test: np.ndarray  # (3, L) float64
    sha256: str
    origin: str  # "generated"

    def test_from(self, begin: int, steps: int) -> np.ndarray:
        """The values (3, steps) that the test waves have from their value number ``begin`` on, also beyond L."""
        return np.sin((self.starts[:TEST, None] + np.arange(begin, begin + steps)) / T)


def load(data: str = "auto", *, waves: int = WAVES, length: int = LENGTH) -> Waves:
    """Make the waves; ``data`` is "sine", "auto" or "builtin", UserError if it is anything else or a number is too small."""
    if data not in ("auto", "sine", "builtin"):
        raise UserError(f"--data {data}: expected auto or sine, the waves are always generated")
    if waves <= TEST:
        raise UserError(f"--waves {waves}: expected more than {TEST}, which are for testing")
    if length < 2:
        raise UserError(f"--length {length}: expected two or more")
    # The generator and the seed of PyTorch's example, so that the waves are the same
    starts = np.random.RandomState(2).randint(-4 * T, 4 * T, waves).astype(np.int64)
    times = starts[:, None] + np.arange(length)  # (N, L)
    values = np.sin(times / T)
    sha256 = hashlib.sha256(times.astype("<i8").tobytes()).hexdigest()
    return Waves("sine", starts, values[TEST:], values[:TEST], sha256, "generated")

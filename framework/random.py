"""Random numbers from a counter: number i of a stream is a hash of (key, i), so any part of it can be made alone, in any order.

The hash is SplitMix64 (Steele, Lea and Flood, 2014, Fast Splittable Pseudorandom Number Generators): its i-th output is
hash(key + i * 0x9E3779B97F4A7C15).  A generator's whole state is its key and how many numbers were taken, and the stream is the same
in NumPy and in a kernel.
"""

import math
import os
import threading

import numpy as np
from ml_dtypes import finfo

from .device import anew, array_module, gpus, namespace
from .device import device as device_type
from .offered import expect

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: what SplitMix64 adds at each step
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def bits(module, key: int, start: int, count: int):
    """Numbers `start` to `start + count` of the stream `key`: uint64 of `module`, NumPy or CuPy."""
    if module is not np:
        return gpus.bits(key, start, count)  # kernels/cuda_random.py
    z = np.arange(1, count + 1, dtype=np.uint64)
    z += start
    z *= np.uint64(GOLDEN)
    z += key
    z ^= z >> np.uint64(30)
    z *= np.uint64(MIX_1)
    z ^= z >> np.uint64(27)
    z *= np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))


def number(key: int, index: int) -> int:
    """Number `index` of the stream `key`."""
    return int(bits(np, key, index % (1 << 64), 1)[0])


def threshold(p: float) -> int:
    """An event of probability `p` happens where the upper 32 bits of a random number are below this."""
    return int(p * (1 << 32))


def keep_mask(array, p: float, key: int, start: int):
    """For dropout: 1 / (1 - p) where an element of `array` is kept, else 0, in its shape and type."""
    kept = (bits(array_module(array), key, start, array.size) >> np.uint64(32)) >= np.uint64(threshold(p))
    return (kept * (1 / (1 - p))).astype(array.dtype).reshape(array.shape)


class Generator:
    """A stream of random numbers: a key made from the seed, and a count of the numbers taken so far; the same on every device."""

    def __init__(self, device="cpu"):
        self.device = device_type(device)
        namespace(self.device)  # RuntimeError if there is none
        self.manual_seed(67280421310721)  # PyTorch's default seed

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream of `seed`, an integer of 64 bits, from its beginning."""
        expect(-(1 << 63) <= int(seed) < 1 << 64, "Overflow when unpacking long long", ValueError)
        self._seed = int(seed) % (1 << 64)
        self._key, self._taken = number(self._seed, -1), 0  # a key unlike those of the neighbouring seeds
        return self

    def seed(self) -> int:
        """Start a stream nobody can foretell, and return its seed."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1).initial_seed()

    def initial_seed(self) -> int:
        """The seed of this stream."""
        return self._seed

    def take(self, count: int) -> tuple[int, int]:
        """Reserve the next `count` numbers: (key, start) for `bits`."""
        if self is default_generator and hasattr(_of_thread, "generator"):
            return _of_thread.generator.take(count)
        return anew(lambda: self._reserve(count), undo=lambda: self._reserve(-count))

    def _reserve(self, count: int) -> tuple[int, int]:
        start = self._taken
        self._taken += count
        return self._key, start

    def get_state(self):
        """The state as a uint8 tensor of 16 bytes."""
        from .autograd.variable import Variable

        return Variable.wrap(np.array([self._seed, self._taken], "<u8").view(np.uint8))

    def set_state(self, new_state) -> None:
        """Go back to the state in a tensor from `get_state`."""
        array = np.ascontiguousarray(getattr(new_state, "_array", 0.0))  # 0.0: of what is no tensor
        expect(array.dtype == np.uint8, "RNG state must be a torch.ByteTensor", TypeError)
        expect(array.size == 16, f"a generator's state is a uint8 tensor of 16 bytes, but got {array.size} elements")
        seed, taken = array.view("<u8").tolist()
        self.manual_seed(seed)._taken = taken


default_generator = Generator()  # from which layers and `rand` take their numbers
_of_thread = threading.local()  # .generator: what a thread takes in its place


def own_stream(key: int, start: int) -> None:
    """From now on this thread draws the same at any pace of the others: from a stream that number `start` of the stream `key` chose."""
    _of_thread.generator = Generator().manual_seed(number(key, start))


manual_seed, seed, initial_seed = default_generator.manual_seed, default_generator.seed, default_generator.initial_seed
get_rng_state, set_rng_state = default_generator.get_state, default_generator.set_state


def _take(shape, generator, module):
    """As many numbers of `generator`, 64 random bits each, as `shape` has elements."""
    count = math.prod(shape)
    return bits(module, *(generator or default_generator).take(count), count).reshape(shape)


def uniform(shape, dtype, generator=None, module=np):
    """Uniform in [0, 1), with as many random bits as the type's fraction holds."""
    fraction = finfo(dtype).nmant + 1
    return ((_take(shape, generator, module) >> np.uint64(64 - fraction)) * 2.0**-fraction).astype(dtype)


def normal(shape, dtype, generator=None, module=np):
    """Standard normal, two numbers from two uniform ones (Box and Muller, 1958): sqrt(-2 ln u) cos(2 pi v), and the same with sin."""
    count = math.prod(shape)
    u, v = uniform((2, (count + 1) // 2), np.float64, generator, module)
    radius, angle = np.sqrt(-2 * np.log1p(-u)), 2 * np.pi * v
    return module.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count].astype(dtype).reshape(shape)


def integers(low: int, high: int, shape, generator=None, module=np):
    """Uniform integers in [low, high), int64; the bias of taking a 64-bit number modulo the range is below range / 2^64."""
    return (_take(shape, generator, module) % np.uint64(high - low)).astype(np.int64) + low


def permutation(n: int, generator=None):
    """0 … n - 1 in random order, int64."""
    return np.argsort(_take((n,), generator, np), kind="stable")

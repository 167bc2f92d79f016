"""What the CPU's kernels share: compiled code kept on disk, the line that says it is compiled, and questions about arrays."""

import gc
import sys
import warnings
from pathlib import Path

import numba as nb
import numpy as np
import threadpoolctl
from numba.core import event, types

from . import SMALL, kernel, threads
from .cpu_cache import compiled, forget_what_changed
from .cpu_threads import run, run_shares

threadpoolctl.threadpool_limits(1, user_api="blas")  # NumPy's own pool, beside which Numba's would stand still
memcpy = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))  # (to, from, bytes), in compiled code


class _Compiling(event.Listener):
    """Says once, on stderr, why the first step takes longer, and keeps the garbage collector from what the compiler is at work on."""

    said, depth = False, 0

    def on_start(self, event) -> None:
        if not self.said:
            self.said = True
            print("framework: compiling CPU kernels, once; the next run finds them on disk", file=sys.stderr, flush=True)
        if not self.depth:
            self.collects = gc.isenabled()
            gc.disable()
        self.depth += 1

    def on_end(self, event) -> None:
        self.depth -= 1
        if not self.depth and self.collects:
            gc.enable()


event.register("numba:compile", _Compiling())
warnings.filterwarnings("ignore", category=nb.errors.NumbaPerformanceWarning, module="framework.kernels")


def pieces_of(images: int, rows: int) -> int:
    """Into how many bands of its rows every image should be cut: the fewest with which no thread has much more to do than the mean."""
    shares = threads.get_num_threads()
    even = (pieces for pieces in range(1, rows) if -(-images * pieces // shares) * shares <= 9 / 8 * images * pieces)
    return next(even, rows)


def together_of(images: int, most: int) -> int:
    """How many small images to take at once, at most `most`, so that all threads have about as many."""
    shares = threads.get_num_threads()
    rounds = -(-images // (max(1, most) * shares))
    return -(-images // (rounds * shares))


@compiled()
def band(item, pieces, height):
    """Work item `item`: its image, which of the image's `pieces` bands of rows it is, and the band's rows [first, last) of `height`."""
    image, piece = item // pieces, item % pieces
    return image, piece, height * piece // pieces, height * (piece + 1) // pieces


forget_what_changed(Path(band.stats.cache_path))


def floats(*arrays) -> bool:
    """Whether all arrays (None is left out) are of one type, float32 or float64."""
    types = {each.dtype for each in arrays if each is not None}
    return len(types) == 1 and types.pop() in (np.float32, np.float64)


def large(array) -> bool:
    """Whether a compiled loop pays for `array`."""
    return array.size >= SMALL


def one_pass_pays(*arrays) -> bool:
    """Whether a compiled loop pays that goes once over all of these arrays together."""
    return floats(*arrays) and contiguous(*arrays) and large(arrays[0])


def contiguous(*arrays) -> bool:
    """Whether all arrays lie in memory row by row."""
    return all(each.flags.c_contiguous for each in arrays)


def broadcast(*shapes) -> tuple | None:
    """The shape that all of these broadcast to; None if there is none, which the op itself will say."""
    try:
        return shapes[0] if len(set(shapes)) == 1 else np.broadcast_shapes(*shapes)
    except ValueError:
        return None


__all__ = ["SMALL", "band", "broadcast", "compiled", "contiguous", "floats", "kernel", "large", "memcpy", "one_pass_pays", "pieces_of",
           "run", "run_shares", "together_of"]  # fmt: skip

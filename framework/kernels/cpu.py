"""What the CPU's kernels share: threads that sleep while they wait, compiled code kept on disk, and the line that says it is compiled."""

import functools
import gc
import hashlib
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Threads that wait must sleep, not spin: where another program wants the cores too, spinning makes every kernel wait for a time slice,
# and on idle cores it gained nothing (a step of mnist_cnn: 34 ms either way).  The variable is read when OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba as nb  # noqa: E402
import numpy as np  # noqa: E402
import threadpoolctl  # noqa: E402
from numba.core import event, types  # noqa: E402

from .. import threads  # noqa: E402
from . import SMALL, kernel  # noqa: E402

threadpoolctl.threadpool_limits(1, user_api="blas")  # NumPy's own pool, beside which Numba's would stand still
memcpy = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))  # (to, from, bytes), in compiled code
_pool = threading.Lock()  # Numba's pool serves one caller at a time
_WORTH_THREADS = 1 << 17  # elements: one thread has done with fewer before another has woken up, some 50 to 100 microseconds


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

compiled = functools.partial(nb.njit, cache=True, nogil=True, error_model="numpy")
parallel = functools.partial(nb.njit, cache=True, nogil=True, error_model="numpy", parallel=True)


def run(function, *args):
    """Run a parallel function on Numba's pool, with as many threads as `set_num_threads` allows if its arrays are large enough for that."""
    shared = any(getattr(each, "size", 0) >= _WORTH_THREADS for each in args)
    with _pool:
        wanted = threads.get_num_threads() if shared else 1
        if nb.get_num_threads() != wanted:
            nb.set_num_threads(wanted)
        return function(*args)


def run_shares(function, count: int, *args) -> None:
    """`function(*args, share, first, last)` for ranges that cover [0, count), a share a thread: the first here, the others beside it.

    For functions that take milliseconds.  Numba would compile such a long function four times over to put it inside a `prange`, and a
    thread of Python's, which waits asleep, is started as well on 30 microseconds.
    """
    shares = threads.get_num_threads()
    ranges = [(share, count * share // shares, count * (share + 1) // shares) for share in range(shares)]
    others = [_helpers(shares).submit(function, *args, *each) for each in ranges[1:]]
    function(*args, *ranges[0])
    for each in others:
        each.result()


def pieces_of(images: int) -> int:
    """Into how many bands of rows every image should be cut, so that all threads have about as much to do."""
    shares = threads.get_num_threads()
    return 1 if images % shares == 0 or images >= 4 * shares else shares


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


def _forget_what_changed(folder: Path) -> None:
    """Delete compiled code of other sources: Numba sees when a function's own file has changed, but not that of one that it calls."""
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(Path(__file__).parent.glob("cpu*.py")))).hexdigest()
    stamp = folder / "cpu.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        for each in folder.glob("cpu*.nb[ic]"):
            each.unlink(missing_ok=True)
        stamp.write_text(digest)


_forget_what_changed(Path(band.stats.cache_path))


@functools.cache
def _helpers(shares: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(shares - 1, "framework kernels")


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


__all__ = ["SMALL", "band", "compiled", "contiguous", "floats", "kernel", "large", "memcpy", "one_pass_pays", "parallel", "pieces_of",
           "run", "run_shares", "together_of"]  # fmt: skip

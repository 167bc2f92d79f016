"""The CPU's compiled code on disk, in Numba's cache, which needs mending in three places.

Numba compiles a function anew when its own file has changed, but not when that of one it calls has: so everything is forgotten when any of
the kernels' sources changes.  And it numbers the files of a function 1, 2, …, one for the types of each call: two processes that compile it
for different types at the same time take the same number, and one finds the other's code there.  So numbers are drawn at random.
Code may also have been written, by another process, that calls what this one has not made yet: `before_reading` sees to that.
"""

import functools
import hashlib
import secrets
from pathlib import Path

import numba as nb
from numba.core import caching

before_reading = []  # functions to call before compiled code is read from the disk


class _Files(caching.IndexDataCacheFile):
    def _data_name(self, number):
        return super()._data_name(secrets.randbits(63))

    def load(self, key):
        for each in before_reading[:]:
            each()
        return super().load(key)


caching.IndexDataCacheFile = _Files
compiled = functools.partial(nb.njit, cache=True, nogil=True, error_model="numpy")


def forget_what_changed(folder: Path) -> None:
    """Delete the compiled code in `folder` if it is of other sources than these."""
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(Path(__file__).parent.glob("cpu*.py")))).hexdigest()
    stamp = folder / "cpu.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        for each in folder.glob("cpu*.nb[ic]"):
            each.unlink(missing_ok=True)
        stamp.write_text(digest)

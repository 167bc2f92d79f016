"""Keep freed memory in the process, so that a training step touches no fresh pages.

A large array that is freed goes back to the operating system, and the next one of its size is zeroed and mapped again page by page:
on a CPU that costs more than the arithmetic (adding two 32 MB arrays: 6-8 ms into fresh memory, 3 ms into memory seen before).
glibc's allocator keeps what is freed if it is told to; other C libraries are left as they are.
"""

import ctypes
import gc
import platform
import resource
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # <malloc.h>
_glibc = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


# `struct mallinfo2` of <malloc.h>: ten sizes, of which number 4 and 7 together are in use, and number 8 is free
_MallocInfo = type("_MallocInfo", (ctypes.Structure,), {"_fields_": [("sizes", ctypes.c_size_t * 10)]})


def keep_freed_memory() -> None:
    """Ask the C allocator to keep what is freed, for all threads alike."""
    if _glibc:
        for what, value in ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, (1 << 31) - 1), (_M_ARENA_MAX, 1)):
            _glibc.mallopt(what, value)


def collect_less_often() -> None:
    """Let Python look for lost cycles every 10,000 new objects instead of 700: a tape has thousands, all in use until `backward`."""
    often, *rest = gc.get_threshold()
    gc.set_threshold(max(often, 10_000) if often else 0, *rest)  # 0: never, if somebody has said so


def release_memory() -> None:
    """Give the memory that is kept but not in use back to the operating system."""
    if _glibc:
        _glibc.malloc_trim(0)


def memory_stats() -> dict[str, int | None]:
    """Bytes `used`, `kept` though freed, resident at the `peak`; and `page_faults`: fresh pages, which a steady step has none of."""
    usage, used, kept = resource.getrusage(resource.RUSAGE_SELF), None, None  # None: the C library does not say
    if hasattr(_glibc, "mallinfo2"):  # since glibc 2.33
        _glibc.mallinfo2.restype = _MallocInfo
        sizes = _glibc.mallinfo2().sizes
        used, kept = sizes[4] + sizes[7], sizes[8]
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # Linux counts in KiB
    return {"used": used, "kept": kept, "peak": peak, "page_faults": usage.ru_minflt}

"""What CuPy's memory pool of a GPU holds; without a GPU 0 bytes.

A pool keeps what arrays leave, for the next ones: memory is reserved from the driver as long as `empty_cache` does not give it back.
"""

from ..device import cuda_is_available, device, namespace


def _pool(where, which: str) -> int:
    if not cuda_is_available():
        return 0
    cupy = namespace(device("cuda"))
    with cupy.cuda.Device(None if where is None else device(where).index):
        return getattr(cupy.get_default_memory_pool(), which)()


def memory_allocated(device=None) -> int:
    """Bytes that arrays on the GPU have now."""
    return _pool(device, "used_bytes")


def memory_reserved(device=None) -> int:
    """Bytes that the pool has taken from the driver and keeps."""
    return _pool(device, "total_bytes")


def max_memory_allocated(device=None) -> int:
    """The most bytes that arrays had at once, rounded up to the blocks that the pool took for them: `memory_reserved`."""
    return memory_reserved(device)


max_memory_reserved = memory_reserved  # it falls only when `empty_cache` is called


def empty_cache() -> None:
    """Give the GPU memory that is kept but not in use back to the driver."""
    if cuda_is_available():
        namespace(device("cuda")).get_default_memory_pool().free_all_blocks()

"""The DataLoader: batches of a data set in an order, prepared ahead by threads."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, repeat

from ... import random
from .collate import default_collate, default_convert
from .dataset import Dataset, IterableDataset, read
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

EXHAUSTED = object()  # in place of a batch: the stream has ended
_current = threading.local()


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker of a DataLoader this thread is."""

    id: int
    num_workers: int
    seed: int  # another one in every worker and in every epoch
    dataset: Dataset


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a DataLoader: which one it is; elsewhere None."""
    return getattr(_current, "info", None)


class Fetcher:
    """Makes the batch of a list of indices; of a stream, a batch of the next samples, as many as there are indices."""

    def __init__(self, loader: "DataLoader"):
        self.dataset, self.collate_fn, self.drop_last = loader.dataset, loader.collate_fn, loader.drop_last
        self.batched = loader.batch_sampler is not None
        self.stream = iter(self.dataset) if isinstance(self.dataset, IterableDataset) else None

    def __call__(self, indices):
        if self.stream is not None:
            samples = list(islice(self.stream, len(indices) if self.batched else 1))
            if not samples or (self.drop_last and len(samples) < len(indices)):
                return EXHAUSTED
            return self.collate_fn(samples if self.batched else samples[0])
        if not self.batched:
            return self.collate_fn(self.dataset[indices])
        samples = read(self.dataset, indices)
        return self.collate_fn(samples if self.collate_fn is default_collate else list(samples))


class Worker:
    """What one thread does in one epoch."""

    def __init__(self, info: WorkerInfo, make_fetcher: Callable[[], Fetcher], init: Callable[[int], None] | None):
        self.info, self.make_fetcher, self.init = info, make_fetcher, init
        self.fetch = None  # made in the thread, by the first call

    def __call__(self, indices):
        _current.info = self.info
        try:
            if self.fetch is None:
                if self.init is not None:
                    self.init(self.info.id)
                self.fetch = self.make_fetcher()
            return self.fetch(indices)
        except Exception as error:
            error.add_note(f"(raised in DataLoader worker {self.info.id} of {self.info.num_workers})")
            raise


class DataLoader:
    """Batches of `dataset`: `for images, labels in DataLoader(dataset, batch_size=64, shuffle=True, num_workers=2)`.

    The order of an epoch is drawn from `generator` (or the default one) when the loop begins.  With `num_workers`, that many threads
    prepare prefetch_factor * num_workers batches ahead, which come in the same order, and with the same contents, as without.
    Threads, not processes: NumPy and Pillow let them run side by side, nothing is copied between them, and a process forked after the
    threads of compiled kernels were started would hang.  They share the data set, so reading it must not change it; and they share the
    default generator, from which they would take numbers in no fixed order.  A data set that augments at random makes its own `Generator`,
    seeded by the index of the sample (the same whatever the number of workers), or one a worker with `get_worker_info().seed`.

    An exception in a worker is raised in the loop.  Leaving the loop ends the threads, unless `persistent_workers` keeps them for the
    next epoch.  A batch that takes longer than `timeout` seconds is a RuntimeError.  `pin_memory` changes nothing.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None, num_workers: int = 0, collate_fn: Callable | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context=None, generator: random.Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ):  # fmt: skip
        _check_workers(num_workers, prefetch_factor, persistent_workers, timeout)
        _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if multiprocessing_context is not None or pin_memory_device or not in_order:
            raise NotImplementedError("DataLoader does not support multiprocessing_context, pin_memory_device and in_order=False")
        if sampler is None and isinstance(dataset, IterableDataset):
            sampler = repeat(None)  # a stream's samples have no numbers
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.num_workers, self.worker_init_fn, self.timeout = num_workers, worker_init_fn, timeout
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.persistent_workers = pin_memory, persistent_workers
        self._threads = None  # those that persist

    @property
    def _order(self) -> Iterable:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        """The number of batches; of a stream, what its own length lets one expect."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._order)
        samples, size = len(self.dataset), self.batch_size or 1
        return samples // size if self.drop_last else -(-samples // size)

    def __iter__(self) -> Iterator:
        order = iter(self._order)
        seed = int(random.integers(0, 1 << 62, (), self.generator))  # whether there are workers or not: the rest of the stream is the same
        return self._fetched_ahead(order, seed) if self.num_workers else self._fetched_here(order)

    def _fetched_here(self, order: Iterator) -> Iterator:
        fetch = Fetcher(self)
        for indices in order:
            batch = fetch(indices)
            if batch is EXHAUSTED:
                return
            yield batch

    def _fetched_ahead(self, order: Iterator, seed: int) -> Iterator:
        """Deal the batches out to the workers in turn, and collect them in the same turn."""
        threads, workers = self._start_workers(seed)
        turn, pending = deque(zip(threads, workers, strict=True)), deque()

        def deal(count: int) -> None:
            for indices in islice(order, count if turn else 0):
                thread, worker = turn[0]
                pending.append((turn[0], thread.submit(worker, indices)))
                turn.rotate(-1)

        try:
            deal(self.prefetch_factor * self.num_workers)
            while pending:
                who, future = pending.popleft()
                if not wait([future], self.timeout or None).done:
                    raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
                batch = future.result()
                if batch is EXHAUSTED and who in turn:
                    turn.remove(who)
                deal(1)
                if batch is not EXHAUSTED:
                    yield batch
        finally:
            for _, future in pending:
                future.cancel()
            if not self.persistent_workers:
                for thread in threads:
                    thread.shutdown(wait=False)

    def _start_workers(self, seed: int) -> tuple[list[ThreadPoolExecutor], list[Worker]]:
        count, threads, init = self.num_workers, self._threads, None
        if threads is None:
            threads, init = [ThreadPoolExecutor(1, f"DataLoader worker {i}") for i in range(count)], self.worker_init_fn
            self._threads = threads if self.persistent_workers else None
        infos = [WorkerInfo(i, count, seed + i, self.dataset) for i in range(count)]
        return threads, [Worker(info, lambda: Fetcher(self), init) for info in infos]


def _check_workers(num_workers, prefetch_factor, persistent_workers, timeout) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing. "
                         "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None.")  # fmt: skip
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError("prefetch_factor option should be positive")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last) -> None:
    if isinstance(dataset, IterableDataset):
        for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

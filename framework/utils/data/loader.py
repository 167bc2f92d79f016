"""The DataLoader: batches of a data set in an order, prepared ahead by threads."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, repeat, takewhile

import numpy as np

from ... import random
from ...offered import offered
from .collate import default_collate, default_convert
from .dataset import Dataset, IterableDataset, Subset, TensorDataset
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


class Worker:
    """Makes the batch of a list of indices; of a stream, a batch of the next samples, as many as there are indices."""

    def __init__(self, loader: "DataLoader"):
        self.loader, self.stream = loader, iter(loader.dataset) if isinstance(loader.dataset, IterableDataset) else None

    def __call__(self, indices):
        loader, batched = self.loader, self.loader.batch_sampler is not None
        if self.stream is not None:
            samples = list(islice(self.stream, len(indices) if batched else 1))
            if not samples or (loader.drop_last and len(samples) < len(indices)):
                return EXHAUSTED
            return loader.collate_fn(samples if batched else samples[0])
        if not batched:
            return loader.collate_fn(loader.dataset[indices])
        dataset = loader.dataset
        while type(dataset) is Subset:  # its subclasses may change the samples
            dataset, indices = dataset.dataset, [dataset.indices[each] for each in indices]
        if type(dataset) is TensorDataset and loader.collate_fn is default_collate:
            index = np.asarray(indices, np.int64)
            return [each[index] for each in dataset.tensors]  # the whole batch in one go
        samples = dataset.__getitems__(indices) if hasattr(dataset, "__getitems__") else [dataset[each] for each in indices]
        return loader.collate_fn(samples)


class WorkerThread(ThreadPoolExecutor):
    """One thread with a Worker in it, for one epoch."""

    def __init__(self, loader: "DataLoader", info: WorkerInfo):
        super().__init__(1, f"DataLoader worker {info.id}")
        self.loader, self.info, self.work = loader, info, None

    def fetch(self, indices):
        """The batch, made in the thread."""
        _current.info = self.info
        try:
            if self.work is None:
                if self.loader.worker_init_fn is not None:
                    self.loader.worker_init_fn(self.info.id)
                self.work = Worker(self.loader)
            return self.work(indices)
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

    An exception in a worker is raised in the loop.  Leaving the loop ends the threads.  A batch that takes longer than `timeout` seconds
    is a RuntimeError.  `pin_memory` and `persistent_workers` change nothing: threads share the memory, and start in no time.
    """

    @offered
    def __init__(
        self, dataset: Dataset, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None, num_workers: int = 0, collate_fn: Callable | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, *,
        generator: random.Generator | None = None, prefetch_factor: int | None = None, persistent_workers: bool = False,
    ):  # fmt: skip
        is_stream = isinstance(dataset, IterableDataset)
        for wrong, message in (
            (num_workers < 0 or timeout < 0, "num_workers and timeout should be non-negative"),
            (prefetch_factor is not None and prefetch_factor < 1, "prefetch_factor should be positive"),
            (is_stream and (shuffle or sampler is not None or batch_sampler is not None),
             "DataLoader with IterableDataset: a stream has its own order, which shuffle, sampler and batch_sampler cannot change"),
            (shuffle and sampler is not None, "sampler is mutually exclusive with shuffle"),
            (batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last),
             "batch_sampler is mutually exclusive with batch_size, shuffle, sampler and drop_last"),
            (batch_size is None and drop_last, "batch_size=None, which makes no batches, is mutually exclusive with drop_last"),
        ):  # fmt: skip
            if wrong:
                raise ValueError(message)
        if sampler is None and is_stream:
            sampler = repeat(None)  # its samples have no numbers
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
        self.prefetch_factor, self.pin_memory, self.persistent_workers = prefetch_factor or 2, pin_memory, persistent_workers

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
        if self.num_workers:
            return self._fetched_ahead(order, seed)
        return takewhile(lambda batch: batch is not EXHAUSTED, map(Worker(self), order))

    def _fetched_ahead(self, order: Iterator, seed: int) -> Iterator:
        """Deal the batches out to the workers in turn, and collect them in the same turn."""
        count = self.num_workers
        threads = [WorkerThread(self, WorkerInfo(i, count, seed + i, self.dataset)) for i in range(count)]
        turn, pending = deque(threads), deque()

        def deal(count: int) -> None:
            for indices in islice(order, count if turn else 0):
                pending.append((turn[0], turn[0].submit(turn[0].fetch, indices)))
                turn.rotate(-1)

        try:
            deal(self.prefetch_factor * count)
            while pending:
                thread, future = pending.popleft()
                if not wait([future], self.timeout or None).done:
                    raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
                batch = future.result()
                if batch is EXHAUSTED and thread in turn:
                    turn.remove(thread)
                deal(1)
                if batch is not EXHAUSTED:
                    yield batch
        finally:
            for thread in threads:
                thread.shutdown(wait=False, cancel_futures=True)

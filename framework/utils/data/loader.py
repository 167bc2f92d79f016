"""The DataLoader: batches of a data set in an order, prepared ahead by threads."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, repeat, takewhile

import numpy as np

from ... import random
from ...device import cuda_is_available
from ...offered import expect, offered
from ...tensor import Tensor
from .collate import changed, default_collate, default_convert
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

    def __init__(self, loader: "DataLoader", info: WorkerInfo | None = None):
        if info is not None:
            _current.info = info
            if loader.worker_init_fn is not None:
                loader.worker_init_fn(info.id)
        self.loader, self.stream = loader, iter(loader.dataset) if isinstance(loader.dataset, IterableDataset) else None

    def __call__(self, indices):
        """The batch of `indices`, or EXHAUSTED."""
        batch, pin = self.fetched(indices), self.loader.pin_memory and cuda_is_available()
        return changed(batch, lambda each: each.pin_memory() if isinstance(each, Tensor) else each) if pin else batch

    def fetched(self, indices):
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


def work(worker: Future, indices):
    """The batch that a worker, once made, makes of `indices`; both happen in its thread."""
    try:
        return worker.result()(indices)
    except Exception as error:
        error.add_note(f"(raised in DataLoader worker {get_worker_info().id})")
        raise


class DataLoader:
    """Batches of `dataset`: `for images, labels in DataLoader(dataset, batch_size=64, shuffle=True, num_workers=2)`.

    The order of an epoch is drawn from `generator` (or the default one) when the loop begins.  With `num_workers`, that many threads
    prepare prefetch_factor * num_workers batches ahead, which come in the same order, and with the same contents, as without.
    They share the data set, so reading it must not change it, and the default generator, from which they would take numbers in no fixed
    order: a data set that augments at random makes its own `Generator`, seeded by the index of the sample.

    An exception in a worker is raised in the loop, and so is a RuntimeError if a batch takes longer than `timeout` seconds.  With
    `pin_memory` batches lie where a GPU, if there is one, fetches them itself.  `persistent_workers` changes nothing.
    """

    @offered
    def __init__(
        self, dataset: Dataset, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None, num_workers: int = 0, collate_fn: Callable | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, *,
        generator: random.Generator | None = None, prefetch_factor: int | None = None, persistent_workers: bool = False,
    ):  # fmt: skip
        is_stream = isinstance(dataset, IterableDataset)
        right = num_workers > 0 or num_workers == 0 and prefetch_factor is None and not persistent_workers
        right = right and timeout >= 0 and (prefetch_factor is None or prefetch_factor >= 1)
        expect(right, "num_workers and timeout must not be negative; prefetch_factor > 0 and persistent_workers need workers", ValueError)
        message = "DataLoader with IterableDataset: a stream has its own order, which shuffle, sampler and batch_sampler cannot change"
        expect(not is_stream or not shuffle and sampler is None and batch_sampler is None, message, ValueError)
        right = batch_sampler is None or batch_size == 1 and not shuffle and sampler is None and not drop_last
        expect(right, "batch_sampler is mutually exclusive with batch_size, shuffle, sampler and drop_last", ValueError)
        right = not (shuffle and sampler is not None) and not (batch_size is None and drop_last)
        expect(right, "sampler is mutually exclusive with shuffle, and batch_size=None, which makes no batches, with drop_last", ValueError)
        if is_stream:
            sampler = repeat(None)  # its samples have no numbers
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self._order = sampler if batch_sampler is None else batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.num_workers, self.worker_init_fn, self.timeout, self.pin_memory = num_workers, worker_init_fn, timeout, pin_memory
        self.prefetch_factor, self.persistent_workers = prefetch_factor or (2 if num_workers else None), persistent_workers

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
        threads = [ThreadPoolExecutor(1, f"DataLoader worker {i}") for i in range(self.num_workers)]
        infos = (WorkerInfo(i, self.num_workers, seed + i, self.dataset) for i in range(self.num_workers))
        turn, pending = deque((thread, thread.submit(Worker, self, next(infos))) for thread in threads), deque()

        def deal(count: int) -> None:
            for indices in islice(order, count if turn else 0):
                thread, worker = turn[0]
                pending.append((turn[0], thread.submit(work, worker, indices)))
                turn.rotate(-1)

        try:
            deal(self.prefetch_factor * self.num_workers)
            while pending:
                source, future = pending.popleft()
                expect(wait([future], self.timeout or None).done, f"DataLoader timed out after {self.timeout} seconds")
                batch = future.result()
                if batch is EXHAUSTED and source in turn:
                    turn.remove(source)
                deal(1)
                if batch is not EXHAUSTED:
                    yield batch
        finally:
            for thread in threads:
                thread.shutdown(wait=False, cancel_futures=True)

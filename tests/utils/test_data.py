"""utils.data: data sets, samplers, collating, and the DataLoader with and without workers."""

import gc
import itertools
import threading
import time
from collections import Counter, namedtuple

import numpy as np
import pytest

import framework
from framework.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)
from framework.utils.data.collate import default_convert

Point = namedtuple("Point", "x y")


class Squares(Dataset):
    """Sample i is (i, i^2); some are slow, some are errors."""

    def __init__(self, count=10, slow=(), broken=()):
        self.count, self.slow, self.broken = count, slow, broken
        self.read_by = {}

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.slow:
            time.sleep(0.02)
        if index in self.broken:
            raise KeyError(f"sample {index}")
        self.read_by[index] = threading.current_thread().name
        return index, float(index**2)


class Count(IterableDataset):
    """0, 1, …: each worker delivers those that are its number modulo the number of workers."""

    def __init__(self, count=10, sharded=True):
        self.count, self.sharded = count, sharded

    def __iter__(self):
        info = get_worker_info() if self.sharded else None
        return iter(range(info.id, self.count, info.num_workers) if info else range(self.count))

    def __len__(self):
        return self.count


def generator(seed=0):
    return framework.Generator().manual_seed(seed)


def indices(loader):
    return [batch[0].tolist() for batch in loader]


def worker_threads():
    return [each for each in threading.enumerate() if each.name.startswith("DataLoader worker")]


def until(happened, seconds=5):
    """Wait for it; whether it happened in that time."""
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.002)
    return happened()


def workers_ended():
    return until(lambda: not worker_threads())


# Data sets


def test_tensor_dataset():
    x, y = framework.arange(12).reshape(6, 2), framework.arange(6)
    dataset = TensorDataset(x, y)
    assert len(dataset) == 6
    assert [each.tolist() for each in dataset[2]] == [[4, 5], 2]
    batch = next(iter(DataLoader(dataset, sampler=[3, 0, 3], batch_size=3)))
    assert [each.tolist() for each in batch] == [[[6, 7], [0, 1], [6, 7]], [3, 0, 3]]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(x, y[:3])


def test_concat_dataset():
    dataset = Squares(3) + Squares(4)
    assert isinstance(dataset, ConcatDataset)
    assert [dataset[i][0] for i in range(7)] == [0, 1, 2, 0, 1, 2, 3]
    assert (len(dataset), dataset.cumulative_sizes, dataset[-1][0]) == (7, [3, 7], 3)
    for wrong in ([], [Count()]):
        with pytest.raises(AssertionError, match="one data set or more, none of them an IterableDataset"):
            ConcatDataset(wrong)
    with pytest.raises(IndexError):
        dataset[7]
    with pytest.raises(ValueError, match="absolute value of index"):
        dataset[-8]


def test_subset():
    subset = Subset(Subset(TensorDataset(framework.arange(10) * 10), [9, 1, 4, 7]), [3, 0])
    assert [each.item() for (each,) in subset] == [70, 90]
    assert next(iter(DataLoader(subset, 2)))[0].tolist() == [70, 90]
    assert subset[[0, 1, 0]][0].tolist() == [70, 90, 70]

    class Negative(Subset):
        def __getitem__(self, index):
            return -super().__getitem__(index)[0]

    assert next(iter(DataLoader(Negative(subset, [1, 0]), 2))).tolist() == [-90, -70]


def test_random_split():
    parts = random_split(range(11), [0.5, 0.3, 0.2], generator(3))
    assert [len(each) for each in parts] == [6, 3, 2]  # 5, 3, 2 and one more
    assert sorted(itertools.chain(*parts)) == list(range(11))
    again = random_split(range(11), [6, 3, 2], generator(3))
    assert [each.indices for each in again] == [each.indices for each in parts]
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(range(5), [2, 2])
    with pytest.raises(ValueError, match="fractions between 0 and 1"):
        random_split(range(5), [1.5, -0.5])
    assert [len(each) for each in random_split(range(1), [0.5, 0.5])] == [1, 0]


def test_base_classes():
    with pytest.raises(NotImplementedError):
        Dataset()[0]
    with pytest.raises(NotImplementedError):
        iter(IterableDataset())
    assert Dataset[int].__origin__ is Dataset  # `class Images(Dataset[Tensor])`


# Samplers


def test_random_sampler_is_a_function_of_the_generators_state():
    chosen = generator(5)
    sampler = RandomSampler(range(20), generator=chosen)
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert list(RandomSampler(range(20), generator=generator(5))) == first
    framework.manual_seed(5)
    assert list(RandomSampler(range(20))) == first
    order = iter(RandomSampler(range(20)))
    framework.rand(100)  # draws in the middle of the epoch change nothing
    assert list(order) == second


def test_random_sampler_counts():
    assert len(list(RandomSampler(range(4), num_samples=10))) == len(RandomSampler(range(4), num_samples=10)) == 10
    twice = list(RandomSampler(range(4), num_samples=8))
    assert sorted(twice[:4]) == sorted(twice[4:]) == [0, 1, 2, 3]
    counts = Counter(RandomSampler(range(4), replacement=True, num_samples=4000))
    assert sorted(counts) == [0, 1, 2, 3]
    assert max(counts.values()) < 1150
    with pytest.raises(ValueError, match="num_samples should be a positive integer value, but got num_samples=0"):
        RandomSampler([])


def test_other_samplers():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    subset = SubsetRandomSampler([5, 7, 9], generator())
    assert sorted(subset) == [5, 7, 9]
    assert len(subset) == 3


def test_weighted_sampler_draws_in_proportion():
    counts = Counter(WeightedRandomSampler([1, 0, 3, 0], 8000, generator=generator()))
    assert set(counts) == {0, 2}
    assert counts[2] / counts[0] == pytest.approx(3, rel=0.1)
    first = Counter(next(iter(WeightedRandomSampler([1.0, 0.0, 3.0], 2, replacement=False, generator=generator(i)))) for i in range(2000))
    assert first[2] / first[0] == pytest.approx(3, rel=0.2)
    assert sorted(WeightedRandomSampler([1.0, 0.0, 3.0], 2, replacement=False)) == [0, 2]
    for weights, count in (([1, 0], 2), ([1, -1], 1), ([0, 0], 1)):
        with pytest.raises(ValueError):
            WeightedRandomSampler(weights, count, replacement=False)
    with pytest.raises(ValueError, match="1d sequence"):
        WeightedRandomSampler([[1.0]], 1)
    with pytest.raises(ValueError, match="num_samples"):
        WeightedRandomSampler([1.0], True)


def test_batch_sampler():
    assert list(BatchSampler(range(7), 3, False)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(BatchSampler(range(7), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert list(BatchSampler(range(6), 3, False)) == list(BatchSampler(range(6), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert (len(BatchSampler(range(7), 3, False)), len(BatchSampler(range(7), 3, True))) == (3, 2)
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        BatchSampler(range(7), 0, False)


# Collating

BATCHES = {
    "ints": lambda T: [1, 2, 3],
    "floats": lambda T: [1.5, 2.0],
    "bools": lambda T: [True, False],
    "strings": lambda T: ["a", "b"],
    "bytes": lambda T: [b"a", b"b"],
    "tensors": lambda T: [T.ones(2, 3), T.zeros(2, 3)],
    "arrays": lambda T: [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "scalars": lambda T: [np.float32(1), np.float32(2)],
    "double scalars": lambda T: [np.float64(1), np.float64(2)],
    "0-d arrays": lambda T: [np.array(1), np.array(2)],
    "tuples": lambda T: [(1, "a", T.ones(1)), (2, "b", T.zeros(1))],
    "lists": lambda T: [[1, 2.0], [3, 4.0]],
    "named tuples": lambda T: [Point(1, 2.0), Point(3, 4.0)],
    "dicts": lambda T: [{"a": 1, "b": [1.0]}, {"a": 2, "b": [2.0]}],
    "in order": lambda T: [{"b": 1, "a": 2}, {"b": 3, "a": 4}],
}


def plain(value):
    """Structure, types and values, comparable."""
    if hasattr(value, "tolist"):
        return str(value.dtype).split(".")[-1], value.tolist()
    if isinstance(value, dict):
        return type(value), [(key, plain(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [plain(each) for each in value]
    return value


@pytest.mark.parity
@pytest.mark.parametrize("name", BATCHES)
def test_parity_of_collating(name):
    torch = pytest.importorskip("torch")
    theirs, ours = BATCHES[name](torch), BATCHES[name](framework)
    assert plain(default_collate(ours)) == plain(torch.utils.data.default_collate(theirs))
    assert plain(default_convert(ours)) == plain(torch.utils.data.default_convert(theirs))


def test_collating():
    images, labels = default_collate([(np.zeros((2, 2), np.float32), 1), (np.ones((2, 2), np.float32), 0)])
    assert (tuple(images.shape), images.dtype, images[1].sum().item()) == ((2, 2, 2), framework.float32, 4)
    assert (labels.tolist(), labels.dtype) == ([1, 0], framework.int64)
    assert default_collate([0.1, 0.2]).dtype is framework.float64
    with pytest.raises(TypeError, match="must contain tensors, numpy arrays, numbers, dicts or lists; found <class 'NoneType'>"):
        default_collate([None, None])
    with pytest.raises(RuntimeError, match="should be of equal size"):
        default_collate([[1, 2], [3]])
    for make in (np.ones, framework.ones):
        with pytest.raises(RuntimeError, match="stack expects each"):
            default_collate([make(2), make(3)])


# The loader


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_batches_do_not_depend_on_the_number_of_workers(workers):
    dataset = Squares(23, slow=(0, 5, 11))
    loader = DataLoader(dataset, 4, shuffle=True, num_workers=workers, generator=generator(1))
    orders = [list(RandomSampler(dataset, generator=generator(1)))]
    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader) == 6
        order = [each for numbers, _ in batches for each in numbers.tolist()]
        assert sorted(order) == list(range(23))
        assert [each for _, squares in batches for each in squares.tolist()] == [i * i for i in order]
        orders.append(order)
    assert orders[0] == orders[1] != orders[2]
    assert (loader.generator.initial_seed(), loader.generator.take(0)[1]) == (1, 2 * 24)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_default_generator_is_drawn_from_when_the_epoch_begins(workers):
    loader = DataLoader(Squares(9), 2, shuffle=True, num_workers=workers)
    framework.manual_seed(0)
    order, drawn = [], []
    for numbers, _ in loader:
        order.extend(numbers.tolist())
        drawn.append(framework.rand(1).item())
    framework.manual_seed(0)
    assert [each for numbers, _ in DataLoader(Squares(9), 2, shuffle=True) for each in numbers.tolist()] == order
    assert framework.rand(5).tolist() == drawn


def test_workers_really_work_at_the_same_time():
    dataset = Squares(40, slow=range(40))
    start = time.monotonic()
    list(DataLoader(dataset, 1, num_workers=8))
    assert time.monotonic() - start < 0.5  # one after the other: 0.8 s
    assert len(set(dataset.read_by.values())) == 8


def test_it_fetches_only_so_many_batches_ahead():
    dataset = Squares(100)
    batches = iter(DataLoader(dataset, 1, num_workers=2, prefetch_factor=3))
    next(batches)
    until(lambda: len(dataset.read_by) == 7)
    time.sleep(0.02)
    assert len(dataset.read_by) == 7


@pytest.mark.parametrize("workers", [0, 2])
def test_tensors_are_indexed_a_batch_at_a_time(workers, monkeypatch):
    dataset = TensorDataset(framework.arange(40).reshape(20, 2), framework.arange(20))
    monkeypatch.setattr(TensorDataset, "__getitem__", lambda self, index: pytest.fail("one sample was asked for"))
    batches = list(DataLoader(dataset, 8, num_workers=workers))
    assert [type(each) for each in batches] == [list] * 3
    assert batches[2][0].tolist() == [[32, 33], [34, 35], [36, 37], [38, 39]]
    assert batches[1][1].tolist() == list(range(8, 16))


def test_a_dataset_may_read_a_batch_in_one_go():
    class Rows(Squares):
        def __getitems__(self, numbers):
            return [(each, -float(each)) for each in numbers]

    assert [each.tolist() for each in next(iter(DataLoader(Subset(Rows(), [7, 3, 1]), 2)))] == [[7, 3], [-7, -3]]


def test_a_kind_of_tensor_dataset_keeps_its_samples():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * each for each in super().__getitem__(index))

    assert next(iter(DataLoader(Doubled(framework.arange(3)), 3)))[0].tolist() == [0, 2, 4]


def test_a_collate_function_gets_a_list_of_samples():
    seen = []
    dataset = TensorDataset(framework.arange(4), framework.arange(4) * 2)
    assert list(DataLoader(dataset, 2, collate_fn=lambda samples: seen.append(samples) or len(samples))) == [2, 2]
    assert [[each.tolist() for each in sample] for sample in seen[1]] == [[2, 4], [3, 6]]
    assert type(seen[1]) is list


def test_samplers_and_single_samples():
    assert indices(DataLoader(Squares(), sampler=[3, 1, 2], batch_size=2)) == [[3, 1], [2]]
    assert indices(DataLoader(Squares(), batch_sampler=[[3, 1], [0]])) == [[3, 1], [0]]
    assert list(DataLoader(Squares(3), batch_size=None)) == [[0, 0.0], [1, 1.0], [2, 4.0]]
    assert len(DataLoader(Squares(3), batch_size=None)) == 3
    assert indices(DataLoader(Squares(5), 2, drop_last=True)) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams(workers, drop_last):
    loader = DataLoader(Count(11), 2, num_workers=workers, drop_last=drop_last)
    shares = [list(range(i, 11, workers or 1)) for i in range(workers or 1)]
    batched = [[share[i : i + 2] for i in range(0, len(share), 2)] for share in shares]
    in_turn = [each for row in itertools.zip_longest(*batched) for each in row if each and len(each) >= 1 + drop_last]
    for _ in range(2):
        assert [each.tolist() for each in loader] == in_turn
    assert len(loader) == 5 + (not drop_last)


def test_streams_without_batches_and_without_shares():
    assert list(DataLoader(Count(3), batch_size=None)) == [0, 1, 2]
    assert len(DataLoader(Count(3), batch_size=None)) == 3
    assert [each.tolist() for each in DataLoader(Count(3, sharded=False), 2, num_workers=2)] == [[0, 1], [0, 1], [2], [2]]


def test_worker_info():
    seen = {}

    class Informed(Squares):
        def __getitem__(self, index):
            seen[index] = get_worker_info()
            return index

    dataset, started = Informed(8), []
    loader = DataLoader(dataset, 1, num_workers=2, worker_init_fn=started.append, generator=generator())
    assert len(list(loader)) == 8
    assert sorted(started) == [0, 1]
    assert [seen[i].id for i in range(8)] == [0, 1] * 4  # dealt out in turn
    assert seen[0].num_workers == 2
    assert seen[0].dataset is dataset
    assert seen[1].seed == seen[0].seed + 1
    seeds = seen[0].seed
    list(loader)
    assert seen[0].seed != seeds
    list(DataLoader(dataset, 1, num_workers=2, generator=generator()))
    assert seen[0].seed == seeds
    assert get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_dataset_is_raised_in_its_place(workers):
    got = []
    with pytest.raises(KeyError, match="sample 5") as error:
        for batch in DataLoader(Squares(10, broken=[5]), 2, num_workers=workers):
            got.append(batch[0].tolist())
    assert got == [[0, 1], [2, 3]]
    notes = getattr(error.value, "__notes__", [])
    assert notes == (["(raised in DataLoader worker 0)"] if workers else [])
    assert workers_ended()


def test_an_error_of_the_init_function_is_raised():
    with pytest.raises(ZeroDivisionError) as error:
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=lambda worker: 1 / worker))
    assert "worker 0" in error.value.__notes__[0]


def test_threads_end_with_the_loop():
    assert workers_ended()
    loader = DataLoader(Squares(30), 2, num_workers=3)
    list(loader)
    assert workers_ended()
    for _ in loader:
        assert worker_threads()
        break
    assert workers_ended()
    with pytest.raises(RuntimeError, match="in the loop"):
        for _ in loader:
            raise RuntimeError("in the loop")
    assert workers_ended()
    batches = iter(loader)
    next(batches)
    cycle = [batches]
    cycle.append(cycle)
    del batches, cycle
    gc.collect()
    assert workers_ended()


def test_breaking_off_does_not_wait_for_what_was_fetched_ahead():
    dataset = Squares(100, slow=range(100))
    for _ in DataLoader(dataset, 1, num_workers=2, prefetch_factor=10):
        break
    assert workers_ended()
    assert len(dataset.read_by) <= 6


def test_timeout():
    class Stuck(Squares):
        def __getitem__(self, index):
            time.sleep(0.3)

    with pytest.raises(RuntimeError, match="timed out after 0.05 seconds"):
        list(DataLoader(Stuck(), num_workers=1, timeout=0.05))


def test_errors():
    data, stream = Squares(), Count()
    for options in (
        {"prefetch_factor": 2}, {"persistent_workers": True},
        {"num_workers": -1}, {"timeout": -1}, {"num_workers": 1, "prefetch_factor": 0}, {"sampler": [1], "shuffle": True},
        {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_sampler": [[1]], "drop_last": True}, {"batch_size": None, "drop_last": True}, {"batch_size": 0},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            DataLoader(data, **options)
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match="DataLoader with IterableDataset"):
            DataLoader(stream, **options)
    with pytest.raises(NotImplementedError, match="does not support the argument 'multiprocessing_context'"):
        DataLoader(data, multiprocessing_context="fork")


def test_how_many_batches_ahead():
    made = [DataLoader(Squares(), num_workers=n, prefetch_factor=ahead).prefetch_factor for n, ahead in ((0, None), (1, None), (1, 3))]
    assert made == [None, 2, 3]


def test_options_that_change_nothing():
    plain = indices(DataLoader(Squares(), 4, num_workers=2))
    assert indices(DataLoader(Squares(), 4, num_workers=2, pin_memory=True, persistent_workers=True)) == plain


def test_two_loops_over_one_loader():
    loader = DataLoader(Squares(4), 2, num_workers=2)
    assert [(a[0].tolist(), b[0].tolist()) for a, b in zip(loader, loader, strict=True)] == [([0, 1], [0, 1]), ([2, 3], [2, 3])]

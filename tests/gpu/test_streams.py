"""Streams, events, the memory pool's figures, and copies from the host that go on while the GPU computes."""

import numpy as np
import pytest

import framework
from framework import cuda
from framework.kernels.cuda_transfer import is_pinned
from framework.utils.data import DataLoader, TensorDataset
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")
LARGE = 1 << 19  # float32 numbers, 2 MiB: such an array takes a lane


@pytest.mark.parametrize("pin", [False, True])
def test_many_arrays_on_their_way(pin):
    host = framework.zeros(LARGE).pin_memory() if pin else framework.zeros(LARGE)
    arrived = []
    for number in range(9):  # more than there are lanes
        host.fill_(number)
        arrived.append(host.to("cuda"))
    host.fill_(-1)
    assert [each.cpu().unique().tolist() for each in arrived] == [[number] for number in range(9)]


def test_arrays_of_all_sizes_and_types():
    kinds = ((3, LARGE), np.float64), ((LARGE,), np.float32), ((7, 1 << 18), np.uint8), ((2, LARGE), bool), ((0, LARGE), np.float32)
    for shape, dtype in kinds:
        array = (np.arange(np.prod(shape)).reshape(shape) % 251).astype(dtype)
        moved = framework.from_numpy(array).to("cuda")
        assert moved.device == framework.device("cuda", 0)
        np.testing.assert_array_equal(moved.cpu().numpy(), array)
    turned = framework.randn(1024, 1024).T
    np.testing.assert_array_equal(turned.to("cuda").cpu().numpy(), turned.numpy())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_with_pinned_memory(workers):
    images = framework.arange(40.0).reshape(10, 4)
    plain = DataLoader(TensorDataset(images, framework.arange(10)), 3)
    loader = DataLoader(TensorDataset(images, framework.arange(10)), 3, pin_memory=True, num_workers=workers)
    for (x, y), (expected, label) in zip(loader, plain, strict=True):
        assert is_pinned(x.numpy()) and is_pinned(y.numpy()) and not is_pinned(expected.numpy())
        assert (x.to("cuda").cpu() == expected).all() and (y == label).all()


def test_streams_and_events():
    side, start, end = cuda.Stream(), cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    assert cuda.current_stream() == cuda.default_stream() != side
    x = framework.ones(1000, device="cuda")
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        assert cuda.current_stream() == side
        start.record()
        y = x * 2
        end.record()
    assert cuda.current_stream() == cuda.default_stream()
    cuda.current_stream().wait_event(end)
    assert (y + 1).sum().item() == 3000
    end.synchronize()
    assert end.query() and side.query() and start.elapsed_time(end) >= 0
    with cuda.stream(None):
        assert cuda.current_stream() == cuda.default_stream()
    with pytest.raises(RuntimeError):
        cuda.Event().elapsed_time(end)


def test_memory_figures():
    x = framework.ones(LARGE, device="cuda")
    assert cuda.memory_reserved() == cuda.max_memory_allocated() >= cuda.memory_allocated() >= 0
    del x
    cuda.empty_cache()


def test_without_a_gpu():
    if not framework.cuda.is_available():
        with pytest.raises(RuntimeError, match="no CUDA GPU can be used"):
            cuda.Stream()


def test_a_generator_for_each_gpu(cupy):  # noqa: F811
    """Each is a stream of its own, on every device the same numbers for a seed; they do not disturb the default one, nor each other."""
    devices = [f"cuda:{i}" for i in range(min(2, cuda.device_count()))]
    generators = [framework.Generator(device).manual_seed(seed) for seed, device in enumerate(devices, 7)]
    state = framework.get_rng_state()
    drawn = [[framework.rand(5, generator=g, device=d).cpu() for g, d in zip(generators, devices, strict=True)] for _ in range(2)]
    assert (framework.get_rng_state() == state).all()
    for seed, first, second in zip((7, 8), *drawn, strict=False):
        alone = framework.Generator().manual_seed(seed)
        assert (framework.rand(5, generator=alone) == first).all() and (framework.rand(5, generator=alone) == second).all()
    assert [each.device for each in generators] == list(map(framework.device, devices))

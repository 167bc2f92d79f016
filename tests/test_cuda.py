"""GPUs where there are none: as PyTorch's build for CPUs."""

import pytest

import framework

NO_GPU = pytest.mark.skipif(framework.cuda.is_available(), reason="this machine has a GPU")


@pytest.fixture(params=["framework", pytest.param("torch", marks=pytest.mark.parity)])
def namespace(request):
    return pytest.importorskip(request.param)


@NO_GPU
def test_nothing_is_there(namespace):
    cuda = namespace.cuda
    assert (cuda.is_available(), cuda.device_count(), cuda.memory_allocated(), cuda.max_memory_allocated()) == (False, 0, 0, 0)
    assert cuda.empty_cache() is None
    for needs_one in (cuda.current_device, cuda.synchronize, cuda.get_device_name):
        with pytest.raises(RuntimeError if namespace is framework else AssertionError):  # PyTorch's build for GPUs has a RuntimeError too
            needs_one()
    for other in (cuda.set_device, lambda place: cuda.device(place).__enter__()):
        with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
            other("cpu")
    with pytest.raises(RuntimeError), cuda.device(0):
        pass
    with cuda.device(-1):
        cuda.set_device(-1)


@NO_GPU
def test_what_pytorch_has_no_word_for():
    with pytest.raises(RuntimeError, match="no CUDA GPU"):
        framework.cuda.set_device("cuda:0")


@NO_GPU
def test_seeding_gpus_leaves_the_cpu_alone(namespace):
    namespace.manual_seed(1)
    a = namespace.rand(3).tolist()
    namespace.manual_seed(1)
    namespace.cuda.manual_seed(5)
    assert namespace.rand(3).tolist() == a


@NO_GPU
def test_accelerator(namespace):
    accelerator = namespace.accelerator
    assert (accelerator.is_available(), accelerator.current_accelerator(), accelerator.device_count()) == (False, None, 0)
    with pytest.raises(RuntimeError, match="no CUDA GPU|none is available"):
        accelerator.set_device_index(0)


def test_switches(namespace):
    cudnn, matmul = namespace.backends.cudnn, namespace.backends.cuda.matmul
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (True, False, False, True)
    assert matmul.allow_tf32 is False
    cudnn.benchmark = cudnn.deterministic = True
    assert cudnn.benchmark and cudnn.deterministic
    cudnn.benchmark = cudnn.deterministic = False
    if namespace is framework:
        assert cudnn.is_available() == framework.cuda.is_available()

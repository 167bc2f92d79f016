"""Which CuPy a test runs with: the stand-in everywhere, and CuPy itself where there is a GPU (`make test-gpu`)."""

import functools

import pytest

import framework
from framework.backends import cudnn
from tests.gpu import emulator, stand_in

ON_GPU = pytest.param("gpu", marks=[pytest.mark.gpu, pytest.mark.skipif(not framework.cuda.is_available(), reason="needs a CUDA device")])
MADE = "tensor as_tensor zeros ones full empty eye arange linspace logspace rand randn randint randperm tril_indices triu_indices".split()


@pytest.fixture(params=["stand-in", ON_GPU], scope="module")
def cupy(request):
    """CuPy, or what stands in for it; convolutions and recurrent layers in all digits of float32, to be compared with a CPU's."""
    if request.param == "stand-in" and emulator.COMPILER is None:
        pytest.skip("needs a C++ compiler")
    before, cudnn.allow_tf32 = cudnn.allow_tf32, False
    try:
        if request.param == "gpu":
            import cupy

            yield cupy
        else:
            with stand_in.installed() as module:
                yield module
    finally:
        cudnn.allow_tf32 = before


class OnGpu:
    """`framework`, whose functions that make tensors make them on the GPU."""

    def __getattr__(self, name):
        function = getattr(framework, name)
        return functools.partial(function, device="cuda") if name in MADE else function

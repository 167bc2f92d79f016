"""Every row of the table on a GPU's arrays: the same values, first and second derivatives as on the CPU, and nothing of it on the CPU."""

import numpy as np
import pytest

import framework
from tests.gpu.cupy_module import OnGpu, cupy  # noqa: F401 - a fixture
from tests.samples.table import outputs, samples


def on_gpu(value):
    return value.to("cuda") if isinstance(value, framework.Tensor) else value


def results(sample, namespace, convert) -> list:
    """The outputs, and their gradients by all inputs; then the gradients of a sum of these."""
    inputs = [convert(each) for each in sample.tensors(framework)]
    floating = [each for each in inputs if isinstance(each, framework.Tensor) and each.is_floating_point() and sample.row.gradient]
    leaves = [each.requires_grad_() for each in floating]
    outs = outputs(sample.row(namespace, *inputs))
    first = gradients([each for each in outs if each.requires_grad], leaves, create_graph=True)
    second = gradients([each for each in first if each is not None and each.requires_grad], leaves)
    return [each for each in (*outs, *first, *second) if each is not None]


def gradients(outs, leaves, **options):
    loss = [(each * each).sum() for each in outs]
    return framework.autograd.grad(loss, leaves, allow_unused=True, **options) if loss else ()


@pytest.mark.parametrize("sample", samples())
def test_as_on_the_cpu(cupy, sample):  # noqa: F811
    for ours, expected in zip(results(sample, OnGpu(), on_gpu), results(sample, framework, lambda each: each), strict=True):
        assert ours.device == framework.device("cuda", 0) and ours.dtype is expected.dtype
        tolerance = 1e-5 if sample.row.single else 1e-9
        np.testing.assert_allclose(
            ours.detach().cpu().double().numpy(), expected.detach().double().numpy(), rtol=tolerance, atol=tolerance
        )

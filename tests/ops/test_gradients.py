"""Every differentiable row of the table: first and second derivatives against finite differences."""

import pytest

import framework
from framework.autograd import gradcheck, gradgradcheck
from tests.samples.table import outputs, samples

ALL = samples(where=lambda row: row.gradient)


def prepare(sample):
    """A function of the differentiable inputs of `sample` alone, and those inputs."""
    inputs = sample.tensors(framework, requires_grad=True)
    places = [place for place, each in enumerate(inputs) if isinstance(each, framework.Tensor) and each.requires_grad]

    def function(*leaves):
        given = dict(zip(places, leaves, strict=True))
        outs = outputs(sample.row(framework, *(given.get(place, each) for place, each in enumerate(inputs))))
        return [each for each in outs if each.is_floating_point()]

    return function, tuple(inputs[place] for place in places)


@pytest.mark.parametrize("sample", ALL)
def test_gradient(sample):
    function, leaves = prepare(sample)
    if leaves:
        assert all(out.requires_grad for out in function(*leaves))
        assert gradcheck(function, leaves, **({"eps": 0.1, "atol": 1e-4} if sample.row.single else {}))


@pytest.mark.parametrize("sample", samples(where=lambda row: row.gradient and not row.single))
def test_gradient_of_the_gradient(sample):
    function, leaves = prepare(sample)
    if leaves:
        assert gradgradcheck(function, leaves)

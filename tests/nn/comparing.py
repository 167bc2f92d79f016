"""A layer called in a way of its own (several states, masks, packed sequences): the same here and in PyTorch, and right gradients."""

import numpy as np
import pytest

import framework
from framework.autograd import gradcheck, gradgradcheck
from tests.nn.checks import flattened, floating, total


def prepared(library, build, inputs) -> tuple:
    """The layer that `build(library)` makes, in float64 with random weights, and `inputs` as leaves: the same in every library."""
    random = np.random.default_rng(0)
    layer = build(library).double()
    for _, parameter in layer.named_parameters():
        parameter.data = library.tensor(random.standard_normal(tuple(parameter.shape)) * 0.7)
    return layer, [library.tensor(random.standard_normal(shape)).requires_grad_() for shape in inputs]


def compare(build, call, inputs, precision=1e-9) -> None:
    """`call(library, layer, *leaves)` gives the same outputs and gradients (of leaves and parameters) as in PyTorch."""
    torch = pytest.importorskip("torch")
    results = []
    for library in (framework, torch):
        layer, leaves = prepared(library, build, inputs)
        found = results.append([]) or results[-1]
        for mode in (True, False):
            outs = flattened(call(library, layer.train(mode), *leaves))
            wanted = [*leaves, *layer.parameters()]
            grads = library.autograd.grad(total(outs, library), wanted, allow_unused=True)
            found += [np.zeros(0) if each is None else each.detach().numpy() for each in [*outs, *grads]]
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=precision, atol=precision)


def check_gradients(build, call, inputs) -> None:
    """First and second derivatives, by leaves and parameters, against finite differences."""
    layer, leaves = prepared(framework, build, inputs)
    names = [name for name, _ in layer.named_parameters()]

    def function(*values):
        for name, value in zip(names, values[len(leaves) :], strict=True):
            module, _, attribute = name.rpartition(".")
            layer.get_submodule(module)._parameters[attribute] = value
        return floating(flattened(call(framework, layer, *values[: len(leaves)])))

    values = (*leaves, *(each.detach().requires_grad_() for each in layer.parameters()))
    assert gradcheck(function, values)
    assert gradgradcheck(function, values)

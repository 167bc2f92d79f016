"""A layer called in a way of its own (several states, masks, packed sequences): the same here and in PyTorch, and right gradients."""

import numpy as np
import pytest

import framework
from tests.nn.checks import flattened, total


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
    """First and second derivatives, by leaves and parameters along random directions, against finite differences."""
    layer, leaves = prepared(framework, build, inputs)
    variables, random = [*leaves, *layer.parameters()], np.random.default_rng(2)
    one, other = ([framework.tensor(random.standard_normal(tuple(each.shape))) for each in variables] for _ in range(2))

    def value():
        return total(flattened(call(framework, layer, *leaves)), framework)

    def slope(function, direction):
        grads = framework.autograd.grad(function(), variables, create_graph=True, allow_unused=True)
        return sum((grad * d).sum() for grad, d in zip(grads, direction, strict=True) if grad is not None)

    def shifted(function, direction, h):
        with framework.no_grad():
            for each, d in zip(variables, direction, strict=True):
                each.add_(d * h)
        result = function().item()
        with framework.no_grad():
            for each, d in zip(variables, direction, strict=True):
                each.sub_(d * h)
        return result

    for function, direction in ((value, one), (lambda: slope(value, one), other)):
        numeric = (shifted(function, direction, 1e-5) - shifted(function, direction, -1e-5)) / 2e-5
        assert slope(function, direction).item() == pytest.approx(numeric, rel=1e-5, abs=1e-7)

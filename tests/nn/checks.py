"""What is asked of every layer: the same as PyTorch's layer of that name, and gradients that finite differences confirm.

A case is (name, positional arguments, keyword arguments, inputs); the inputs are shapes of random float64 numbers, or arrays given as
they are (integers, masks).
"""

import numpy as np
import pytest

import framework


def flattened(result) -> list:
    """The tensors of a nested result, in order."""
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in flattened(part)]
    return [] if result is None else [result]


def floating(tensors) -> list:
    return [each for each in tensors if each.is_floating_point()]


def drawn(inputs) -> list:
    """The arrays of a case's inputs."""
    random = np.random.default_rng(0)
    return [random.standard_normal(each) * 2 if isinstance(each, tuple) else each for each in inputs]


def total(outs, library):
    """A scalar in which every element of every floating output counts differently."""
    return sum((out * library.tensor(np.cos(np.arange(out.numel())).reshape(tuple(out.shape)))).sum() for out in floating(outs))


def identifier(case) -> str:
    name, args, options, _ = case
    return f"{name}({', '.join([*map(str, args), *(f'{key}={value}' for key, value in options.items())])})"


def same_as_pytorch(case, precision=1e-8) -> None:
    """The same repr, state_dict keys and shapes; the same outputs, gradients and buffers in training and in evaluation."""
    torch = pytest.importorskip("torch")
    name, args, options, inputs = case
    ours, theirs = (getattr(library.nn, name)(*args, **options) for library in (framework, torch))
    assert repr(ours) == repr(theirs)
    shapes = [{key: tuple(each.shape) for key, each in layer.state_dict().items()} for layer in (ours, theirs)]
    assert shapes[0] == shapes[1] and list(shapes[0]) == list(shapes[1])
    random = np.random.default_rng(1)
    state = {key: random.uniform(0.5, 1.5, tuple(v.shape)) for key, v in theirs.state_dict().items() if v.is_floating_point()}
    results = []
    for library, layer in ((framework, ours.double()), (torch, theirs.double())):
        layer.load_state_dict({key: library.tensor(value) for key, value in state.items()}, strict=False)
        tensors = [library.tensor(each) for each in drawn(inputs)]
        leaves = [each.requires_grad_() for each in floating(tensors)]
        found = results.append([]) or results[-1]
        for mode in (True, False):
            layer.train(mode)
            layer.zero_grad()
            for leaf in leaves:
                leaf.grad = None
            outs = flattened(layer(*(each * 1 if each.requires_grad else each for each in tensors)))
            if any(out.requires_grad for out in outs):
                total(outs, library).backward()
            arrived = [each.grad for each in [*leaves, *layer.parameters()] if each.grad is not None]
            found += [np.array(each.detach().numpy()) for each in [*outs, *arrived, *layer.state_dict().values()]]
    assert len(results[0]) == len(results[1])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=precision, atol=precision)


def right_gradients(case) -> None:
    """Of the inputs and the parameters, against finite differences along a random direction."""
    name, args, options, inputs = case
    layer = getattr(framework.nn, name)(*args, **options).double()
    random = np.random.default_rng(0)
    tensors = [framework.tensor(each) for each in drawn(inputs)]
    for parameter in layer.parameters():
        parameter.data = framework.tensor(random.uniform(0.5, 1.5, tuple(parameter.shape)))
    leaves = [*(each.requires_grad_() for each in floating(tensors)), *layer.parameters()]

    def value():
        return total(flattened(layer(*(each * 1 if each.requires_grad else each for each in tensors))), framework)

    grads = framework.autograd.grad(value(), leaves, allow_unused=True)
    directions = [random.standard_normal(tuple(each.shape)) for each in leaves]
    slope = sum((grad.numpy() * d).sum() for grad, d in zip(grads, directions, strict=True) if grad is not None)

    def along(h):
        with framework.no_grad():
            for leaf, d in zip(leaves, directions, strict=True):
                leaf.add_(framework.tensor(h * d))
            result = value().item()
            for leaf, d in zip(leaves, directions, strict=True):
                leaf.sub_(framework.tensor(h * d))
        return result

    h = 1e-6
    assert slope == pytest.approx((along(h) - along(-h)) / (2 * h), rel=1e-4, abs=1e-6)

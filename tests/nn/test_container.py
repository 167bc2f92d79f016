"""Containers: every method does what PyTorch's does, step by step, and refuses what it refuses."""

from collections import OrderedDict

import numpy as np
import pytest

import framework
from framework import nn


def sequence(nn, *sizes):
    return nn.Sequential(*(nn.Linear(n, n) for n in sizes))


def numbers(library, *values):
    return [library.tensor([float(value)]) for value in values]


# What each step leaves is compared with PyTorch: the text of the module, or the error.
STEPS = {
    "sequential": [
        lambda L: sequence(L.nn, 1, 2, 3)[1],
        lambda L: sequence(L.nn, 1, 2, 3)[-1],
        lambda L: sequence(L.nn, 1, 2, 3)[3],
        lambda L: sequence(L.nn, 1, 2, 3)["0"],
        lambda L: sequence(L.nn, 1, 2, 3, 4)[1:3],
        lambda L: sequence(L.nn, 1, 2).__iadd__(sequence(L.nn, 3)),
        lambda L: sequence(L.nn, 1, 2).append(L.nn.ReLU()).extend([L.nn.Tanh(), L.nn.Tanh()]),
        lambda L: sequence(L.nn, 1, 2).insert(-1, L.nn.ReLU()),
        lambda L: sequence(L.nn, 1, 2).insert(2, L.nn.ReLU()),
        lambda L: sequence(L.nn, 1, 2).insert(3, L.nn.ReLU()),
        lambda L: changed(sequence(L.nn, 1, 2, 3, 4), lambda s: s.__delitem__(slice(1, 3))),
        lambda L: changed(sequence(L.nn, 1, 2, 3), lambda s: s.__delitem__(-1)),
        lambda L: changed(sequence(L.nn, 1, 2, 3), lambda s: s.__setitem__(-1, L.nn.ReLU())),
        lambda L: changed(L.nn.Sequential(OrderedDict(a=L.nn.ReLU(), b=L.nn.Tanh())), lambda s: s.__setitem__(0, L.nn.Tanh())),
        lambda L: changed(L.nn.Sequential(OrderedDict(a=L.nn.ReLU(), b=L.nn.Tanh())), lambda s: s.__delitem__(0)),
        lambda L: L.nn.Sequential(OrderedDict(a=L.nn.ReLU(), b=L.nn.Tanh()))[:1],
        lambda L: L.nn.Sequential(1),
    ],
    "module list": [
        lambda L: L.nn.ModuleList(sequence(L.nn, 1, 1, 2)),
        lambda L: L.nn.ModuleList(),
        lambda L: L.nn.ModuleList([sequence(L.nn, 1), sequence(L.nn, 1)]),
        lambda L: L.nn.ModuleList(sequence(L.nn, 1, 2, 3))[::2],
        lambda L: L.nn.ModuleList(sequence(L.nn, 1, 2, 3))[-2],
        lambda L: L.nn.ModuleList(sequence(L.nn, 1, 2, 3))[5],
        lambda L: L.nn.ModuleList(sequence(L.nn, 1)).__iadd__([L.nn.ReLU()]),
        lambda L: L.nn.ModuleList(sequence(L.nn, 1)).extend(3),
        lambda L: changed(L.nn.ModuleList(sequence(L.nn, 1, 2)), lambda m: m.insert(1, L.nn.ReLU())),
        lambda L: changed(L.nn.ModuleList(sequence(L.nn, 1, 2, 3)), lambda m: m.__delitem__(slice(None, 2))),
        lambda L: L.nn.ModuleList(sequence(L.nn, 1))(3),
    ],
    "module dict": [
        lambda L: L.nn.ModuleDict({"b": L.nn.ReLU(), "a": L.nn.Tanh()}),
        lambda L: L.nn.ModuleDict([("b", L.nn.ReLU()), ["a", L.nn.Tanh()]]),
        lambda L: L.nn.ModuleDict(3),
        lambda L: L.nn.ModuleDict([3]),
        lambda L: L.nn.ModuleDict([("a",)]),
        lambda L: L.nn.ModuleDict({"a": 3}),
        lambda L: L.nn.ModuleDict({"keys": L.nn.ReLU()}),
        lambda L: L.nn.ModuleDict({"a": L.nn.ReLU()})["b"],
        lambda L: changed(L.nn.ModuleDict({"a": L.nn.ReLU(), "b": L.nn.Tanh()}), lambda m: m.pop("a")),
        lambda L: changed(L.nn.ModuleDict({"a": L.nn.ReLU()}), lambda m: m.update(L.nn.ModuleDict({"c": L.nn.Tanh()}))),
        lambda L: changed(L.nn.ModuleDict({"a": L.nn.ReLU()}), lambda m: m.clear()),
        lambda L: list(L.nn.ModuleDict({"a": L.nn.ReLU()}).keys()),
    ],
    "parameter list": [
        lambda L: L.nn.ParameterList(numbers(L, 1, 2)),
        lambda L: L.nn.ParameterList([L.nn.Parameter(L.ones(2, 3)), L.nn.Parameter(L.ones(()), requires_grad=False)]),
        lambda L: L.nn.ParameterList(numbers(L, 1, 2, 3))[1:],
        lambda L: L.nn.ParameterList(numbers(L, 1, 2, 3))[-1].item(),
        lambda L: L.nn.ParameterList(numbers(L, 1, 2, 3))[3],
        lambda L: [each.item() for each in L.nn.ParameterList(numbers(L, 1)).append(L.tensor(2.0)).extend(numbers(L, 3, 4))],
        lambda L: L.nn.ParameterList(numbers(L, 1)).extend(L.ones(2)),
        lambda L: L.nn.ParameterList(numbers(L, 1)).extend(3),
        lambda L: list(L.nn.ParameterList(numbers(L, 1, 2)).state_dict()),
        lambda L: changed(L.nn.ParameterList(numbers(L, 1, 2)), lambda m: m.__setitem__(1, L.ones(2, 2))),
        lambda L: len(L.nn.ParameterList(numbers(L, 1, 2)).__iadd__(numbers(L, 1))),
    ],
    "parameter dict": [
        lambda L: list(parameters(L).keys()),
        lambda L: [each.item() for each in parameters(L).values()],
        lambda L: list(L.nn.ParameterDict(OrderedDict(b=L.ones(1), a=L.ones(1)))),
        lambda L: list(L.nn.ParameterDict([("b", L.ones(1)), ("a", L.ones(1))])),
        lambda L: "a" in parameters(L) and "c" not in parameters(L) and len(parameters(L)),
        lambda L: parameters(L).get("c", 4),
        lambda L: parameters(L).setdefault("a", L.ones(1)).item(),
        lambda L: changed(parameters(L), lambda m: m.setdefault("c", L.ones(1))),
        lambda L: L.nn.ParameterDict().popitem(),
        lambda L: parameters(L).popitem()[0],
        lambda L: changed(parameters(L), lambda m: m.pop("a")),
        lambda L: changed(parameters(L), lambda m: m.__delitem__("a")),
        lambda L: changed(parameters(L), lambda m: m.clear()),
        lambda L: changed(parameters(L), lambda m: m.update(L.nn.ParameterDict({"c": L.ones(1)}))),
        lambda L: parameters(L).update(3),
        lambda L: parameters(L).update([("a",)]),
        lambda L: list(parameters(L).state_dict()),
    ],
}


def changed(module, change):
    change(module)
    return module


def parameters(library):
    return library.nn.ParameterDict({"b": library.tensor(1.0), "a": library.tensor(2.0)})


def outcome(library, step) -> str:
    try:
        return repr(step(library)).replace("torch.", "framework.").replace("FloatTensor", "float32")
    except Exception as error:
        return type(error).__name__


@pytest.mark.parity
@pytest.mark.parametrize("kind", STEPS)
def test_step_by_step(kind):
    torch = pytest.importorskip("torch")
    for i, step in enumerate(STEPS[kind]):
        assert outcome(framework, step) == outcome(torch, step), f"step {i}"


def test_the_text_of_a_reserved_name():
    reserved = changed(parameters(framework), lambda m: m.setdefault("c"))
    assert repr(reserved) == repr(parameters(framework))


def test_a_layer_used_twice_shares_its_parameters():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, layer)
    assert model[0] is model[1] and len(list(model.parameters())) == 2
    model(framework.ones(1, 3)).sum().backward()
    assert model[0].weight.grad is not None


@pytest.mark.parametrize(
    "do, error",
    [
        (lambda: nn.ParameterDict()["a"], KeyError),  # as a dict; PyTorch says AttributeError
        (lambda: nn.ParameterList([3]), TypeError),  # PyTorch takes anything
        (lambda: sequence(nn, 1).insert(0, 3), TypeError),
        (lambda: nn.ParameterList(numbers(framework, 1))(), NotImplementedError),
    ],
)
def test_bad_use(do, error):
    with pytest.raises(error):
        do()


def test_parameters_in_containers_are_learnt():
    holder = nn.Module()
    holder.many = nn.ParameterList([framework.ones(2), nn.Parameter(framework.ones(3), requires_grad=False)])
    holder.named = nn.ParameterDict({"x": framework.ones(4)})
    assert [(name, each.requires_grad) for name, each in holder.named_parameters()] == [
        ("many.0", True), ("many.1", False), ("named.x", True),
    ]  # fmt: skip
    (holder.many[0].sum() * holder.named["x"].sum()).backward()
    np.testing.assert_array_equal(holder.named["x"].grad.numpy(), [2, 2, 2, 2])
    assert holder.double().many[1].dtype is framework.float64

"""Every name of the surface is there, says in a sentence what it is, and takes PyTorch's arguments in PyTorch's order."""

import inspect
import operator
import pydoc

import pytest

import framework
from framework.autograd.op import Op
from framework.ops.sentences import SENTENCES
from tests.surface import SURFACE

NAMES = [(home, name) for home, names in SURFACE.items() for name in names]
# Arguments that PyTorch offers and we do not: they choose an implementation, never a result.
IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable", "_stacklevel", "_random_samples", "generator", "tensor_fused", "out"}


def find(library, home, name):
    return operator.attrgetter(f"{home}.{name}" if home != "framework" else name)(library)


@pytest.mark.parametrize("home, name", NAMES, ids=lambda value: value)
def test_it_is_there(home, name):
    find(framework, home, name)


@pytest.mark.parametrize("home", SURFACE)
def test_it_says_what_it_is(home):
    silent = [
        name
        for name in SURFACE[home]
        if not name.startswith("__") and callable(each := find(framework, home, name)) and not (inspect.getdoc(each) or "").strip()
    ]
    assert not silent


def test_every_sentence_has_its_op():
    unused = dict(SENTENCES)
    for module in vars(framework.ops).values():
        for name in [name for name, each in vars(module).items() if isinstance(each, Op)] if inspect.ismodule(module) else ():
            unused.pop(name, None)
            assert not (vars(module)[name].forward.__doc__ and name in SENTENCES), f"{name} says it twice"
    assert not unused


def test_help_says_what_an_op_computes():
    assert pydoc.render_doc(framework.exp, renderer=pydoc.plaintext).endswith("exp(input)\n    e^x.\n")


def arguments(callable_) -> list | None:
    """(name, default, a function by its name) of each argument; None where Python cannot tell."""
    try:
        parameters = inspect.signature(callable_).parameters.values()
    except (ValueError, TypeError):
        return None
    return [(each.name, getattr(each.default, "__name__", each.default)) for each in parameters if each.name not in IMPLEMENTATION]


WITH_SIGNATURES = ("nn.functional", "nn", "nn.init", "nn.utils", "nn.utils.rnn", "optim", "optim.lr_scheduler", "distributions")


@pytest.mark.parity
@pytest.mark.parametrize("home", WITH_SIGNATURES)
def test_it_takes_the_same_arguments(home):
    torch = pytest.importorskip("torch")
    different = {}
    for name in SURFACE[home]:
        ours, theirs = arguments(find(framework, home, name)), arguments(find(torch, home, name))
        if theirs is None or any(each in ("args", "kwargs") for each, _ in theirs):
            continue
        if [each for each, _ in ours] != [each for each, _ in theirs] or not all(
            a == b or str(a).replace("framework", "torch") == str(b) for (_, a), (_, b) in zip(ours, theirs, strict=True)
        ):
            different[name] = f"{ours} instead of {theirs}"
    assert not different

"""Hooks and state of modules: what is called, when, with what, and what it may change, as in PyTorch."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import framework
from framework import nn

LIBRARIES = [framework]
try:
    import torch

    LIBRARIES.append(torch)
except ImportError:
    pass


def told(scenario) -> list:
    """What each library's run of `scenario(library, log)` logs: all must log the same."""
    logs = []
    for library in LIBRARIES:
        logs.append([])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                scenario(library, logs[-1].append)
            except Exception as error:
                logs[-1].append(type(error).__name__)
    assert all(log == logs[0] for log in logs), logs
    return logs[0]


def doubler(library):
    """y = 2 x + shift, and a second output."""

    class Doubler(library.nn.Module):
        def forward(self, x, *others, shift=0.0):
            return (2 * x + shift, *others)

    return Doubler()


def plain(values):
    return [None if each is None else each.tolist() if hasattr(each, "tolist") else each for each in values]


def test_order_and_arguments_of_forward_hooks():
    def scenario(library, log):
        module = doubler(library)
        module.register_forward_pre_hook(lambda m, args: log(("pre 1", plain(args))))
        module.register_forward_pre_hook(lambda m, args: (log("pre 2"), (args[0] + 1, *args[1:]))[1])
        module.register_forward_hook(lambda m, args, out: log(("post 1", plain(args), plain(out))))
        last = module.register_forward_hook(lambda m, args, out: (log("post 2"), out[0])[1])
        log(module(library.tensor([1.0]), 5).tolist())
        last.remove()
        log(plain(module(library.tensor([1.0]), shift=1.0)))

    assert told(scenario)[:2] == [("pre 1", [[1.0], 5]), "pre 2"]


@pytest.mark.parametrize("needs", [(True, True), (True, False), (False, False)])
def test_backward_hooks(needs):
    def scenario(library, log):
        module = library.nn.Bilinear(1, 1, 1, bias=False)
        module.weight.data.fill_(3.0)
        module.register_full_backward_hook(lambda m, gi, go: log(("after 1", plain(gi), plain(go))))
        module.register_full_backward_hook(lambda m, gi, go: log(("after 2", plain(gi))))
        module.register_full_backward_pre_hook(lambda m, go: log(("before 1", plain(go))))
        module.register_full_backward_pre_hook(lambda m, go: (log("before 2"), (go[0] * 10,))[1])
        a, b = (library.full((1, 1), value, requires_grad=need) for value, need in zip((5.0, 7.0), needs, strict=True))
        module(a, b).sum().backward()
        log(plain([a.grad, b.grad, module.weight.grad]))

    assert told(scenario)[-1][2] == [[[350.0]]]


def test_backward_hooks_replace_gradients():
    def scenario(library, log):
        module = doubler(library)
        module.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10, None, gi[2]))
        x, y = library.ones(2, requires_grad=True), library.ones(2, requires_grad=True)
        a, text, b = module(x, "text", y)
        (a.sum() * 3 + b.sum()).backward()
        log(plain([x.grad, y.grad]))

    assert told(scenario) == [[[60.0, 60.0], [1.0, 1.0]]]


def test_backward_hooks_see_no_gradient_for_an_output_unused():
    def scenario(library, log):
        module = doubler(library)
        module.register_full_backward_hook(lambda m, gi, go: log((plain(gi), plain(go))))
        x, y = library.ones(2, requires_grad=True), library.ones(2, requires_grad=True)
        module(x, y)[0].sum().backward()

    told(scenario)


def test_a_backward_hook_returns_as_many_gradients():
    def scenario(library, log):
        module = library.nn.Linear(2, 2)
        module.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
        module(library.ones(1, 2, requires_grad=True)).sum().backward()

    assert told(scenario) == ["RuntimeError"]


@pytest.mark.parametrize("kind", ["list", "dict", "tuple", "none"])
def test_backward_hooks_of_a_result_that_is_no_tensor(kind):
    """PyTorch warns and calls no hook; the gradients flow all the same."""

    def scenario(library, log):
        class Wrapping(library.nn.Module):
            def forward(self, x):
                y = x * 3
                return {"list": [y], "dict": {0: y}, "tuple": ([y],), "none": None}[kind]

        module, x = Wrapping(), library.ones(2, requires_grad=True)
        module.register_full_backward_hook(lambda m, gi, go: log("after"))
        module.register_full_backward_pre_hook(lambda m, go: log("before"))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            result = module(x)
        log([str(each.message)[:33] for each in warned])
        if result is not None:
            (result[0][0] if kind == "tuple" else result[0]).sum().backward()
            log(x.grad.tolist())

    assert told(scenario) == [["For backward hooks to be called, "] * (kind != "tuple"), [3, 3]][: 1 + (kind != "none")]


def test_backward_hooks_are_not_called_for_the_gradient_of_a_gradient():
    def scenario(library, log):
        module = library.nn.Softplus()
        module.register_full_backward_hook(lambda m, gi, go: log("after"))
        x = library.ones(2, requires_grad=True)
        (slope,) = library.autograd.grad(module(x).sum(), x, create_graph=True)
        log("again")
        slope.sum().backward()

    told(scenario)


def test_state_dict_into_a_destination_and_its_variables():
    def scenario(library, log):
        module, found = library.nn.Linear(1, 1), {}
        log(module.state_dict(destination=found, prefix="a.") is found and list(found))
        kept = module.state_dict(keep_vars=True)
        log([kept["weight"] is module.weight, module.state_dict()["weight"].requires_grad])

    told(scenario)


def test_errors_of_loading():
    module = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1))
    for state, told_of in (
        ({"0.weight": framework.ones(3)}, ["size mismatch for 0.weight", 'Missing key(s) in state_dict: "0.bias", "1.weight", "1.bias"']),
        ({**module.state_dict(), "0.weight": 3}, ["0.weight should be a Tensor, but got <class 'int'>"]),
        ({**module.state_dict(), "x": 1, "0.bias.y": 2}, ['Unexpected key(s) in state_dict: "x", "0.bias.y"']),
    ):
        with pytest.raises(RuntimeError, match=r"^Error\(s\) in loading state_dict for Sequential:\n") as error:
            module.load_state_dict(state)
        assert all(text in str(error.value) for text in told_of), error.value
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        module.load_state_dict([])


def test_loading_what_old_versions_saved():
    """Before 0.4.1 batch norm counted no batches, before 0.4 a number was a tensor of one element."""

    def scenario(library, log):
        module = library.nn.BatchNorm1d(1)
        module.num_batches_tracked.fill_(7)
        module.register_buffer("number", library.tensor(1.0))
        state = {name: library.full((1,), 2.0) for name in ("weight", "bias", "running_mean", "running_var")}
        log(str(module.load_state_dict({**state, "number": library.tensor([5.0])})))
        log([module.num_batches_tracked.item(), module.number.item(), module.number.ndim, module.weight.item()])
        for wrong in (library.ones(1, 1), library.ones(2), library.ones(0)):
            try:
                module.load_state_dict({**state, "number": wrong})
            except RuntimeError:
                log(tuple(wrong.shape))
        try:
            module.load_state_dict({**state, "weight": library.tensor(1.0), "number": library.tensor(1.0)})
        except RuntimeError:
            log("a number for a vector")

    assert told(scenario)[1:] == [[7, 5, 0, 2], (1, 1), (2,), (0,), "a number for a vector"]


def test_getting_by_path():
    def scenario(library, log):
        L = library.nn
        model = L.Sequential(L.Linear(1, 1), L.Sequential(L.BatchNorm1d(2)))
        log([model.get_submodule("1.0") is model[1][0], model.get_submodule("") is model])
        for path in ("0.weight", "7.8"):
            with pytest.raises(AttributeError):
                model.get_submodule(path)

    told(scenario)


def test_casts_of_all_tensors():
    def scenario(library, log):
        module = library.nn.BatchNorm1d(2)
        for change in ("half", "bfloat16", "float", "double", "cpu"):
            getattr(module, change)()
            log([str(each.dtype).split(".")[1] for each in module.state_dict().values()])

    told(scenario)


def test_pickled_and_copied_modules_keep_everything():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.PReLU(), nn.CrossEntropyLoss(framework.ones(2)))
    model[2].weight.requires_grad_(False)
    model.append(model[0])
    model.register_buffer("scratch", framework.ones(1), persistent=False)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert repr(twin) == repr(model) and twin[4] is twin[0] and list(twin.state_dict()) == list(model.state_dict())
        assert not twin[2].weight.requires_grad and twin.scratch is not model.scratch and type(twin[0].weight) is nn.Parameter
        np.testing.assert_array_equal(twin[0].weight.detach().numpy(), model[0].weight.detach().numpy())
        assert twin[0].weight is not model[0].weight

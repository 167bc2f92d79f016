"""What all optimizers share beyond their algorithms: tensors as rates, names, hooks, PyTorch's switches, states that come from PyTorch."""

import copy

import numpy as np
import pytest

import framework
from framework import optim
from tests.optim.test_optim import CASES, RULES, follow, parameter


@pytest.mark.parametrize("name", [*RULES])
@pytest.mark.parametrize("switch", ["foreach", "fused", "capturable", "differentiable"])
def test_switches_of_the_implementation(name, switch):
    getattr(optim, name)([parameter()], **{switch: None})
    getattr(optim, name)([parameter()], **{switch: False})
    with pytest.raises(NotImplementedError, match=f"{name} does not support {switch}=True"):
        getattr(optim, name)([parameter()], **{switch: True})
    with pytest.raises(TypeError, match="unexpected keyword argument 'faster'"):
        getattr(optim, name)([parameter()], faster=True)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_rate_may_be_a_tensor(name, options):
    ended = []
    for make in (float, framework.tensor):
        param = parameter()
        optimizer = getattr(optim, name)([param], **{**options, "lr": make(0.125)})
        ended.append(follow(framework, param, optimizer, 3))
    np.testing.assert_array_equal(*ended)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        getattr(optim, name)([parameter()], lr=framework.ones(2))


def test_the_count_of_steps_is_exact_whatever_the_default_type():
    before = framework.get_default_dtype()
    try:
        for default, expected in ((framework.bfloat16, framework.float32), (framework.float64, framework.float64)):
            framework.set_default_dtype(default)
            param = parameter()
            optimizer = optim.Adam([param])
            follow(framework, param, optimizer, 1)
            assert optimizer.state[param]["step"].dtype is expected
    finally:
        framework.set_default_dtype(before)


def converted(value, namespace, source):
    """A state of one framework with the tensors of the other."""
    if isinstance(value, source.Tensor):
        return namespace.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: converted(each, namespace, source) for key, each in value.items()}
    return type(value)(converted(each, namespace, source) for each in value) if isinstance(value, (list, tuple)) else value


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("there_and", ["back", "here"])
def test_parity_of_going_on_from_the_others_state(name, options, there_and):
    torch = pytest.importorskip("torch")
    first, second = (framework, torch) if there_and == "back" else (torch, framework)
    param = parameter() if first is framework else torch.tensor(parameter().detach().numpy(), requires_grad=True)
    optimizer = getattr(first.optim, name)([param], **options)
    follow(first, param, optimizer, 3)
    again = second.tensor(param.detach().numpy()).requires_grad_()
    resumed = getattr(second.optim, name)([again], lr=3.0)
    resumed.load_state_dict(converted(optimizer.state_dict(), second, first))
    places, expected = follow(second, again, resumed, 4, 3), follow(first, param, optimizer, 4, 3)
    np.testing.assert_allclose(places, expected, rtol=1e-6 if name in ("ASGD", "NAdam") else 1e-9)  # kept in single


def test_a_count_of_steps_saved_as_a_number():
    param, other = parameter(), parameter()
    optimizer, resumed = optim.Adam([param]), optim.Adam([other])
    follow(framework, param, optimizer, 2)
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["step"] = 2
    resumed.load_state_dict(state)
    assert resumed.state[other]["step"].item() == 2 and isinstance(resumed.state[other]["step"], framework.Tensor)


def test_parameters_with_names():
    model = framework.nn.Linear(2, 3)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is model.bias
    state = optimizer.state_dict()
    assert state["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = optim.SGD([("w", framework.ones(3, 2)), ("b", framework.ones(3))])
    other.load_state_dict({**state, "param_groups": [{**state["param_groups"][0]}]})
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    nameless = optim.SGD(framework.nn.Linear(2, 3).parameters()).state_dict()
    other.load_state_dict(nameless)
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="Some param names are missing"):
        optim.SGD([("w", framework.ones(2)), framework.ones(3)])
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": [framework.ones(2)]})
    with pytest.raises(ValueError, match="cannot add param group with names"):
        optim.SGD([framework.ones(2)]).add_param_group({"params": [("w", framework.ones(2))]})


class Halving(optim.SGD):
    """An optimizer whose own step calls that of its base."""

    def step(self, closure=None):
        return super().step(closure)


@pytest.mark.parametrize("kind", [optim.SGD, Halving, optim.LBFGS])
def test_hooks_of_steps(kind):
    seen = []
    x = parameter([1.0])
    optimizer = kind([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    before = optimizer.register_step_pre_hook(lambda *call: seen.append(("before", call)))
    after = optimizer.register_step_post_hook(lambda *call: seen.append(("after", call)))
    optimizer.step(closure)
    assert seen == [(when, (optimizer, (optimizer, closure), {})) for when in ("before", "after")]
    before.remove(), after.remove()
    optimizer.step(closure)
    assert len(seen) == 2
    optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: ((optimizer,), {"closure": closure}))
    assert optimizer.step(None).item() == pytest.approx(x.item() ** 2, abs=1)
    optimizer.register_step_pre_hook(lambda *call: "wrong")
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        optimizer.step(closure)


def test_hooks_of_states():
    seen = []
    optimizer = optim.Adam([parameter()])
    optimizer.register_state_dict_pre_hook(lambda optimizer: seen.append("saving"))
    optimizer.register_state_dict_post_hook(lambda optimizer, state: {**state, "note": 1})
    optimizer.register_load_state_dict_pre_hook(lambda optimizer, state: seen.append(state.pop("note")))
    optimizer.register_load_state_dict_post_hook(lambda optimizer: seen.append("loaded"))
    state = optimizer.state_dict()
    assert state["note"] == 1
    optimizer.load_state_dict(state)
    assert seen == ["saving", 1, "loaded"] and state["note"] == 1


@pytest.mark.parity
def test_parity_of_the_schedulers_warning_for_an_optimizer_of_the_users_own():
    torch = pytest.importorskip("torch")
    for namespace in (framework, torch):

        class Own(namespace.optim.Optimizer):
            def step(self, closure=None):
                pass

        optimizer = Own([namespace.ones(2)], {"lr": 0.1})
        scheduler = namespace.optim.lr_scheduler.StepLR(optimizer, 1)
        with pytest.warns(UserWarning, match="before `optimizer.step"):
            scheduler.step()
        optimizer = Own([namespace.ones(2)], {"lr": 0.1})
        scheduler = namespace.optim.lr_scheduler.StepLR(optimizer, 1)
        optimizer.step()
        scheduler.step()


def test_sparse_adam_wants_sparse_gradients():
    param = parameter()
    optimizer = optim.SparseAdam([param])
    optimizer.step()
    param.grad = framework.ones_like(param)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients, please consider Adam instead"):
        optimizer.step()

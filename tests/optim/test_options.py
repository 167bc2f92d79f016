"""What all optimizers share beyond their algorithms: tensors as rates, states that come from PyTorch, steps of the user's own."""

import copy

import numpy as np
import pytest

import framework
from framework import optim
from tests.optim.test_optim import CASES, RULES, follow, parameter


@pytest.mark.parametrize("name", [*RULES])
@pytest.mark.parametrize("switch", ["foreach", "fused", "capturable", "differentiable"])
def test_switches_of_the_implementation_are_not_offered(name, switch):
    getattr(optim, name)([parameter()], **{switch: False})
    with pytest.raises(NotImplementedError, match=f"{name}.. does not support the argument '{switch}'"):
        getattr(optim, name)([parameter()], **{switch: True})


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_rate_may_be_a_tensor(name, options):
    ended = []
    for make in (float, framework.tensor):
        param = parameter()
        optimizer = getattr(optim, name)([param], **{**options, "lr": make(0.125)})
        ended.append(follow(framework, param, optimizer, 3))
    np.testing.assert_array_equal(*ended)


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


@pytest.mark.parity
def test_parity_of_no_schedulers_warning_for_an_optimizer_of_the_users_own():
    torch = pytest.importorskip("torch")
    for namespace in (framework, torch):

        class Own(namespace.optim.Optimizer):
            def step(self, closure=None):
                pass

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

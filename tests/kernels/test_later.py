"""What a kernel leaves for later is, to whoever looks, as if it had been computed at once: the input of a ReLU behind a normalisation."""

import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels, nn


@pytest.fixture
def x():
    """A leaf, large enough for kernels."""
    framework.manual_seed(1)
    return framework.randn(4, 5, 23, 29, requires_grad=True)


def normalised(hidden):
    return F.batch_norm(hidden, None, None, training=True)


def waits(tensor) -> bool:
    return tensor._later is not None


def expected(call, *args):
    with kernels.use("reference"):
        return call(*args).detach().numpy()


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


def test_a_relu_takes_the_normalisation_along(x):
    y = normalised(x * 2)
    assert waits(y)
    kernels.reset()
    close(F.relu(y).detach().numpy(), expected(lambda: F.relu(normalised(x * 2))))
    assert kernels.report()["relu"] == {"normalised_relu": 1} and waits(y)


@pytest.mark.parametrize("sum", [lambda y, r: y + r, lambda y, r: r + y, lambda y, r: y + normalised(r), lambda y, r: y + r[:1]])
def test_a_residual_is_added_in_the_same_pass(x, sum):
    residual = framework.randn(x.shape, requires_grad=True)

    def grads(which):
        with kernels.use(which):
            hidden, other = x * 2, residual * 3
            out = F.relu(sum(normalised(hidden), other))
            return [each.numpy() for each in (out.detach(), *framework.autograd.grad((out**2).sum(), [x, residual]))]

    for ours, theirs in zip(grads("fast"), grads("reference"), strict=True):
        close(ours, theirs)


LOOKS = {
    "numpy": lambda y: y.detach().numpy(),
    "sum": lambda y: (y + 0).detach().numpy(),
    "shape": lambda y: (y.shape, y.detach().numpy())[1],
    "view": lambda y: y.view(-1)[:].detach().numpy().reshape(y.shape),
    "item": lambda y: np.array([y[0, 0, 0, 0].item(), *y.flatten()[1:].tolist()], np.float32).reshape(y.shape),
    "pickle": lambda y: pickle.loads(pickle.dumps(y)).numpy(),
    "clone": lambda y: y.clone().detach().numpy(),
    "data": lambda y: y.data.numpy(),
    "stack": lambda y: framework.stack([y, y])[1].detach().numpy(),
    "in place": lambda y: (y.mul_(2) / 2).detach().numpy(),
    "reference": lambda y: expected(lambda: -F.relu(-y) + F.relu(y)),
}


@pytest.mark.parametrize("how", LOOKS)
def test_whoever_looks_finds_the_array(x, how):
    y = normalised(x * 2)
    assert waits(y)
    close(LOOKS[how](y), expected(lambda: normalised(x * 2)))
    assert waits(y) == (how == "sum")  # which is made in one pass with it


CHANGES = {
    "a number written over": lambda hidden: hidden.fill_(7),
    "arithmetic": lambda hidden: hidden.mul_(3),
    "a part": lambda hidden: hidden.__setitem__((0, slice(1, 3)), 5.0),
    "picked elements": lambda hidden: hidden.__setitem__(hidden > 0, 5.0),
    "through a view": lambda hidden: hidden.view(-1)[3:].zero_(),
    "through detach": lambda hidden: hidden.detach().add_(1),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("recorded", [False, True])
def test_a_change_of_the_input_in_place_comes_too_late(x, change, recorded):
    hidden = x * 2
    y, before = normalised(hidden), expected(lambda: normalised(x * 2))
    assert waits(y)
    with framework.set_grad_enabled(recorded):
        CHANGES[change](hidden)
    close(y.detach().numpy(), before)
    close(F.relu(y).detach().numpy(), np.maximum(before, 0))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_nothing_waits_for_memory_that_others_hold(x):
    """What lies in a leaf, or in a view of one, may change unseen: through NumPy; nor without a tape, which would tell of changes."""
    array = np.ones((4, 5, 23, 29), np.float32)
    leaf = framework.from_numpy(array).requires_grad_()
    y, of_view = normalised(leaf), normalised(leaf.view(5, 4, 23, 29))
    with framework.no_grad():
        unrecorded = normalised(x * 2)
    with framework.inference_mode():
        inference = normalised(x.detach() * 2)
    assert not any(map(waits, (y, of_view, unrecorded, inference, normalised((x * 2).detach()))))
    array[:] = 5
    assert not y.detach().numpy().any()


def test_gradients_of_the_middle_and_hooks_on_it(x):
    """The tape is the same as without kernels: the ReLU's input has a place on it, whether it was ever computed or not."""

    def run():
        x.grad, seen = None, []
        y = normalised(x * 2)
        y.retain_grad()
        out = F.relu(y)
        y.register_hook(lambda grad: seen.append(grad.clone()))
        y.register_hook(lambda grad: grad * 2)
        (out**2).sum().backward(retain_graph=True)
        (middle,) = framework.autograd.grad((out**3).sum(), y)
        return [x.grad.numpy(), y.grad.numpy(), seen[0].numpy(), middle.numpy(), out.grad_fn.next_functions[0][0].name()]

    ours = run()
    with kernels.use("reference"):
        theirs = run()
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert ours[-1] == "BatchNormTrainBackward0"


def test_the_gradient_passes_two_relus_and_a_sum(x):
    """The second use makes the engine add a gradient that was left for later to one that was not."""

    def run():
        y = normalised(x * 2)
        return framework.autograd.grad((F.relu(y) * 3 + F.leaky_relu(y, 0.2) ** 2 + y * x).sum(), x)[0].numpy()

    ours = run()
    with kernels.use("reference"):
        np.testing.assert_allclose(ours, run(), rtol=1e-3, atol=1e-4)


def test_special_values_pass_a_relu_as_they_do_alone():
    """An infinite value that is negative becomes 0, a nan stays."""
    framework.manual_seed(1)
    x = framework.randn(4, 5, 23, 29, requires_grad=True)
    shift = framework.tensor([0.0, -np.inf, np.inf, np.nan, 1.0], requires_grad=True)
    scale = framework.ones(5)
    for call in (F.relu, lambda y: F.leaky_relu(y, 0.1)):
        y = F.batch_norm(x * 2, framework.zeros(5), framework.ones(5), scale, shift)
        assert waits(y)
        close(call(y).detach().numpy(), expected(lambda call=call: call(F.batch_norm(x * 2, scale * 0, scale, scale, shift))))


def test_modules_in_a_row_and_their_state():
    """Conv, norm, ReLU as people write them, in training and not, beside the reference; the running statistics too."""

    def run(which):
        framework.manual_seed(3)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.InstanceNorm2d(4), nn.LeakyReLU(0.2))
        images = framework.randn(6, 3, 20, 20)
        with kernels.use(which):
            model(images).square().sum().backward()
            trained = [each.grad.numpy() for each in model.parameters()]
            model.eval()
            model.zero_grad()
            out = model(images)
            out.sum().backward()
            return [*trained, out.detach().numpy(), *(each.grad.numpy() for each in model.parameters()), model[1].running_var.numpy()]

    for ours, theirs in zip(run("fast"), run("reference"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * max(1, np.abs(theirs).max()))


def test_relu_in_place(x):
    y = normalised(x * 2)
    F.relu(y, inplace=True)
    close(y.detach().numpy(), expected(lambda: F.relu(normalised(x * 2))))


def test_what_waits_is_not_kept_alive_by_its_input(x):
    hidden = x * 2
    y = weakref.ref(normalised(hidden))
    gc.collect()
    assert y() is None
    hidden.mul_(2)  # finds nothing to compute


def test_two_threads_ask_at_once(x):
    y, found = normalised(x * 2), []
    threads = [threading.Thread(target=lambda: found.append(y.detach().numpy().copy())) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    for each in found:
        np.testing.assert_array_equal(each, found[0])


def test_a_change_that_fails_is_none(x):
    """Nor does it count as one: what was kept for backward is still right."""
    hidden = x * 2
    y = normalised(hidden)
    with framework.no_grad(), pytest.raises(RuntimeError):
        hidden[hidden > 0] = framework.ones(3)
    y.sum().backward()
    assert x.grad is not None

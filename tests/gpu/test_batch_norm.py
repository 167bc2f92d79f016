"""Batch norm with what follows it on a GPU: one pass for both, in every layout, against the formulas in float64 on the CPU."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels, nn
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture
from tests.gpu.test_values import TOLERANCE, channels_last

# With channels last a thread takes 8 of 16 bits, 4 of 32, 2 of 64: of 24 channels whole ones alone, of 5 none, and 600 are several blocks'
SHAPES = {
    "images": (3, 5, 4, 3),
    "channels last": (3, 24, 4, 3),
    "odd channels last": (3, 5, 4, 3),
    "many pixels, channels last": (2, 16, 20, 37),
    "vectors": (50, 24),
    "odd vectors": (7, 5),
    "many channels": (9, 600),
    "single pixels": (6, 16, 1, 1),
    "lines": (4, 6, 11),
}
# What becomes of y = batch_norm(x): by the kernel of that name, if there is one
FOLLOWERS = {
    "nothing": (lambda y, x: y, ""),
    "relu": (lambda y, x: F.relu(y), "normalised_relu"),
    "leaky_relu": (lambda y, x: F.leaky_relu(y, 0.1), "normalised_leaky_relu"),
    "a sum": (lambda y, x: F.relu(y + x.flip(0)), "normalised_sum"),
    "a sum the other way": (lambda y, x: x.flip(0) + y, "normalised_sum"),
    "a sum of two": (lambda y, x: y + F.batch_norm(x, None, None, training=True), "normalised_sum"),
    "relu, and else": (lambda y, x: F.relu(y) * y, "normalised_relu"),
    "two relus": (lambda y, x: F.relu(y) + 2 * F.leaky_relu(y, 0.5), ""),
    "a sum with a row": (lambda y, x: y + x[0], ""),
}


def outcome(shape, last, follower, training, dtype, device, weights=None):
    """The result and its gradients, in float64; which kernels ran."""
    numbers = np.random.default_rng(1)
    arrays = [3 + 2 * numbers.standard_normal(shape), *numbers.standard_normal((2, shape[1]))]
    exact = framework.bfloat16 if dtype is framework.bfloat16 else framework.float32
    x, weight, bias = (framework.tensor(each, dtype=exact).to(device, dtype).requires_grad_() for each in arrays)
    mean = 3 + x[0].detach().reshape(shape[1], -1)[:, 0] / 9
    given = (channels_last(x) if last else x) * 1  # neither a leaf nor a view: what is made of those is computed at once
    kernels.reset()
    y = F.batch_norm(given, None if training else mean, None if training else mean.abs(), weight, bias, training)
    out = FOLLOWERS[follower][0](y, given)
    names = {name for counts in kernels.report().values() for name in counts}
    if weights is None:
        weights = np.where(abs(out.detach().numpy()) < 0.1, 0, numbers.standard_normal(shape))  # none next to a ReLU's bend
    grads = framework.autograd.grad(out, (x, weight, bias), framework.tensor(weights, dtype=exact).to(device, dtype))
    return [each.detach().cpu().double().numpy() for each in (out, *grads)], names, weights


def compare(layout, follower, training, dtype):
    with kernels.use("reference"):
        expected, _, weights = outcome(SHAPES[layout], False, follower, training, framework.float64, "cpu")
    ours, used, _ = outcome(SHAPES[layout], "last" in layout, follower, training, dtype, "cuda", weights)
    assert {f"{'two' if training else 'one'}_pass_batch_norm", FOLLOWERS[follower][1]} <= {*used, ""}
    for got, wanted in zip(ours, expected, strict=True):
        scale = abs(wanted).max()
        np.testing.assert_allclose(got / scale, wanted / scale, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda each: each.name)
@pytest.mark.parametrize("layout", SHAPES)
def test_every_layout(cupy, layout, dtype):  # noqa: F811
    compare(layout, "relu", True, dtype)


INSTANCES = {
    "nothing": lambda y: y,
    "relu": F.relu,
    "a sum": lambda y: F.relu(y + y.flip(0)),
}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda each: each.name)
@pytest.mark.parametrize("follower", INSTANCES)
@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm(cupy, follower, affine, dtype):  # noqa: F811
    """Of large planes: as of a batch of one, by its kernels."""
    numbers = np.random.default_rng(5)
    arrays = [3 + 2 * numbers.standard_normal((2, 3, 37, 29)), *numbers.standard_normal((2, 3))]
    exact = framework.bfloat16 if dtype is framework.bfloat16 else framework.float32
    arrays = [framework.tensor(each, dtype=exact) for each in arrays]

    def run(device, dtype, weights=None):
        x, *vectors = (each.to(device, dtype).requires_grad_() for each in arrays)
        kernels.reset()
        y = F.instance_norm(x * 1, None, None, *(vectors if affine else (None, None)))
        out = INSTANCES[follower](y)
        names = {name for counts in kernels.report().values() for name in counts}
        weights = np.where(abs(out.detach().numpy()) < 0.1, 0, numbers.standard_normal(out.shape)) if weights is None else weights
        given = framework.tensor(weights, dtype=exact).to(device, dtype)
        grads = framework.autograd.grad(out, (x, *vectors) if affine else (x,), given)
        return [each.detach().cpu().double().numpy() for each in (out, *grads)], names, weights

    with kernels.use("reference"):
        expected, _, weights = run("cpu", framework.float64)
    ours, used, _ = run("cuda", dtype, weights)
    assert "two_pass_instance_norm" in used and ("normalised_relu" in used or follower != "relu")
    for got, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(got / abs(wanted).max(), wanted / abs(wanted).max(), rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("follower", FOLLOWERS)
@pytest.mark.parametrize("layout", ["images", "channels last"])
def test_whatever_follows(cupy, layout, follower, training):  # noqa: F811
    compare(layout, follower, training, framework.float32)


def test_rows_that_begin_in_the_middle_of_a_pack(cupy):  # noqa: F811
    whole = framework.tensor(np.random.default_rng(2).standard_normal(1 + 24 * 10), dtype=framework.bfloat16, device="cuda")
    apart = whole[1:].reshape(10, 24)
    ours, expected = (F.batch_norm(each, None, None, training=True).float().cpu().numpy() for each in (apart, apart.float()))
    np.testing.assert_allclose(ours, expected, atol=0.03)


def test_second_derivatives_go_through_the_formulas(cupy):  # noqa: F811
    def double(device):
        x = framework.tensor(np.random.default_rng(3).standard_normal((4, 3, 5)), device=device, requires_grad=True)
        (grad,) = framework.autograd.grad((F.relu(F.batch_norm(x * 1, None, None, training=True)) ** 3).sum(), x, create_graph=True)
        return framework.autograd.grad((grad**2).sum(), x)[0].cpu().numpy()

    np.testing.assert_allclose(double("cuda"), double("cpu"), rtol=1e-9, atol=1e-12)


def test_a_change_in_place_comes_after_it(cupy):  # noqa: F811
    x = framework.tensor(np.random.default_rng(4).standard_normal((4, 3, 5)), device="cuda", requires_grad=True)
    given = x * 1
    with framework.no_grad():
        y = F.batch_norm(given.detach().clone(), None, None, training=True)
    late = F.batch_norm(given, None, None, training=True)
    with framework.no_grad():
        given += 100
    np.testing.assert_allclose(late.detach().cpu().numpy(), y.cpu().numpy())


@pytest.mark.parametrize("dtype", [framework.float32, framework.float64, framework.bfloat16, framework.float16], ids=lambda each: each.name)
@pytest.mark.parametrize("momentum", [0.1, 1.0, None])
def test_running_statistics(cupy, momentum, dtype):  # noqa: F811
    """Moved by a kernel each, over the old ones; of 16 bits they are float32, as in mixed precision."""
    numbers, outcomes = np.random.default_rng(0).standard_normal((3, 4, 5, 2, 3)) + 2, []
    for device in ("cuda", "cpu"):
        layer = nn.BatchNorm2d(5, momentum=momentum, dtype=framework.float64 if dtype is framework.float64 else None).to(device)
        mean, version = layer.running_mean, layer.running_mean._version[0]
        kernels.reset()
        for each in numbers:
            layer(framework.tensor(each, device=device).to(framework.float32 if device == "cpu" and dtype.itemsize == 2 else dtype))
        assert layer.running_mean is mean and mean._version[0] == version + 3, "changed in place, and that is known"
        outcomes.append([each.cpu().double().numpy() for each in layer.buffers()])
        if device == "cuda":
            assert kernels.report()["moving_average"] == {"average_moved_in_place": 6}
    for ours, expected in zip(*outcomes, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-2 if dtype.itemsize == 2 else 1e-5)

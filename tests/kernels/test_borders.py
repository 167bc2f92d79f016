"""Kernels at their borders: memory that may not be written to or that two share, nothing at all, and values that are not finite."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels, nn, optim


def read_only(*shape):
    return framework.from_numpy(np.frombuffer(np.random.default_rng(0).standard_normal(shape).astype(np.float32).tobytes(), np.float32)
                                .reshape(shape))  # fmt: skip


READ_ONLY = {
    "conv2d": lambda x: F.conv2d(x, framework.ones(4, 8, 3, 3), padding=1),
    "conv2d with a step": lambda x: F.conv2d(x, framework.ones(4, 8, 5, 5), stride=2),
    "conv2d to few channels": lambda x: F.conv2d(x, framework.ones(2, 8, 5, 5)),
    "conv2d, depthwise": lambda x: F.conv2d(x, framework.ones(8, 1, 3, 3), groups=8),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, framework.ones(8, 4, 4, 4), stride=2),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group_norm": lambda x: F.group_norm(x, 2),
    "layer_norm": lambda x: F.layer_norm(x, (20,)),
    "relu": F.relu,
    "gelu": F.gelu,
    "softmax": lambda x: F.softmax(x, -1),
    "cross_entropy": lambda x: F.cross_entropy(x.reshape(-1, 100), framework.zeros(len(x.reshape(-1, 100)), dtype=framework.int64)),
    "linear": lambda x: F.linear(x.reshape(-1, 400), framework.ones(50, 400)),
    "matmul": lambda x: x @ x.mT,
    "interpolate": lambda x: F.interpolate(x, scale_factor=2),
    "cumsum": lambda x: x.cumsum(-1),
    "sort": lambda x: x.sort(-1)[0],
    "sum": lambda x: x.sum((0, 2)),
    "add": lambda x: x + x[:1],
    "exp": lambda x: x.exp(),
    "transposed copy": lambda x: x.mT.contiguous(),
    "embedding": lambda x: F.embedding(framework.arange(50), x.reshape(-1, 100)),
}


@pytest.mark.parametrize("name", READ_ONLY)
def test_memory_that_may_not_be_written_to_may_be_read(name):
    """As that of a memory-mapped file."""
    x = read_only(24, 8, 20, 20)
    with kernels.use("reference"):
        expected = READ_ONLY[name](x)
    np.testing.assert_allclose(READ_ONLY[name](x).numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)


def read_only_parameter():
    weight = nn.Parameter(read_only(200, 100))
    weight.grad = framework.ones(200, 100)
    return weight


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adadelta"])
def test_an_optimizer_does_not_write_to_memory_that_may_only_be_read(name):
    weight = read_only_parameter()
    before = weight.detach().numpy().copy()
    with pytest.raises(ValueError, match="read-only"):
        getattr(optim, name)([weight], lr=0.1).step()
    np.testing.assert_array_equal(weight.detach().numpy(), before)


def test_clipping_does_not_write_to_memory_that_may_only_be_read():
    weight = nn.Parameter(framework.ones(200, 100))
    weight.grad = read_only(200, 100)
    with pytest.raises(ValueError, match="read-only"):
        nn.utils.clip_grad_norm_([weight], 1.0)


@pytest.mark.parametrize("turned", [False, True])
def test_parameters_that_share_memory_are_updated_one_after_the_other(turned):
    one = nn.Parameter(framework.ones(1000, 1000))
    other = nn.Parameter(one.detach().t() if turned else one.detach())
    one.grad, other.grad = framework.ones(1000, 1000), framework.ones(1000, 1000)
    optim.SGD([one, other], lr=0.25).step()
    assert np.unique(one.detach().numpy()).tolist() == [0.5]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adadelta"])
def test_an_infinite_parameter_stays_so(name):
    """As the logits of what is masked for good."""
    weight = framework.zeros(20_000)
    weight[0] = -np.inf
    weight.requires_grad_()
    weight.grad = framework.zeros(20_000)
    optimizer = getattr(optim, name)([weight], lr=0.1, weight_decay=0)
    for _ in range(3):
        optimizer.step()
    assert weight[0].item() == -np.inf


def test_an_empty_parameter_in_a_group_of_its_own():
    """Its count of steps is another than the other's."""
    weight, empty = framework.ones(20_000).requires_grad_(), framework.zeros(0).requires_grad_()
    optimizer = optim.Adam([weight, empty])
    weight.grad = framework.ones(20_000)
    for grad in (framework.zeros(0), None, framework.zeros(0)):
        empty.grad = grad
        optimizer.step()
    assert [optimizer.state[each]["step"].item() for each in (weight, empty)] == [3, 2]


def test_no_rows_of_a_large_embedding():
    weight = framework.randn(1000, 64, requires_grad=True)
    out = F.embedding(framework.zeros((4, 0), dtype=framework.int64), weight)
    assert out.shape == (4, 0, 64)
    out.sum().backward()
    assert weight.grad.abs().sum().item() == 0


def test_gelu_far_from_zero():
    """x Phi(x): Phi must be 0 there, not a rounding error that x makes large."""
    x = framework.zeros(100_000)
    x[:6] = framework.tensor([-6.0, -100.0, -1e4, -1e20, 1e4, 1e20])
    x.requires_grad_()
    out = F.gelu(x)
    out.sum().backward()
    np.testing.assert_allclose(out[:6].detach().numpy(), [0, 0, 0, 0, 1e4, 1e20], atol=1e-6)
    np.testing.assert_allclose(x.grad[:6].numpy(), [0, 0, 0, 0, 1, 1], atol=1e-7)


def test_a_quotient_may_be_changed_before_backward():
    """Its gradients are made of what was divided, not of what came out."""
    a, b = framework.full((300, 300), 3.0, requires_grad=True), framework.full((300, 300), 2.0, requires_grad=True)
    quotient = a / b
    quotient += 1
    quotient.sum().backward()
    assert np.unique(a.grad.numpy()).tolist() == [0.5] and np.unique(b.grad.numpy()).tolist() == [-0.75]

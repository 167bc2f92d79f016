"""Mixed precision: which type every op computes in, and that parameters, their gradients and statistics stay in float32."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

HALF, SINGLE = framework.bfloat16, framework.float32


@pytest.fixture(params=["cpu", "cuda"])
def device(request, cupy):  # noqa: F811
    return request.param


def randn(*shape, device):
    return framework.tensor(np.random.default_rng(0).standard_normal(shape).astype("f4"), device=device)


# The type of what each op makes of float32 (a product), or of what a product has made
PRODUCTS = {
    "linear": lambda x: F.linear(x, x, x[0]),
    "matmul": lambda x: x @ x,
    "bmm": lambda x: framework.bmm(x[None], x[None]),
    "einsum": lambda x: framework.einsum("ij,jk->ik", x, x),
    "conv1d": lambda x: F.conv1d(x[None], x[:, :, None]),
    "conv_transpose1d": lambda x: F.conv_transpose1d(x[None], x[:, :, None]),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "attention with a mask": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None], attn_mask=x.float()),
    "attention with a mask of bools": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None], attn_mask=x > -9),
    "multi-head attention": lambda x: F.multi_head_attention_forward(
        *[x[:, None]] * 3, 6, 2, framework.cat([x, x, x]), None, None, None, False, 0.0, x, None, attn_mask=x.float()
    )[0],
}
IN_HALF = {
    "relu": F.relu,
    "add": lambda x: x + x,
    "mean": lambda x: x.mean(0),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
}
IN_SINGLE = {
    "softmax": lambda x: F.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 1),
    "cross_entropy": lambda x: F.cross_entropy(x, framework.arange(6, device=x.device)),
    "layer_norm": lambda x: F.layer_norm(x, (6,)),
    "sum": lambda x: x.sum(),
    "norm": lambda x: x.norm(),
    "exp": framework.exp,
    "pow": lambda x: x**2,
}


@pytest.mark.parametrize("name", [*PRODUCTS, *IN_HALF, *IN_SINGLE])
def test_the_type_of_an_op(name, device):
    x = randn(6, 6, device=device)
    function = {**PRODUCTS, **IN_HALF, **IN_SINGLE}[name]
    with framework.autocast(device):
        given = x if name in PRODUCTS else x @ x
        out = function(given)
    assert out.dtype is (SINGLE if name in IN_SINGLE else HALF)
    exact = function(given.float())
    assert exact.dtype is SINGLE
    scale = abs(exact.cpu().numpy()).max()
    np.testing.assert_allclose(out.cpu().float().numpy() / scale, exact.cpu().numpy() / scale, atol=0.02)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 3),
    )  # fmt: skip


def trained(device, enabled, compiled=False, steps=20):
    framework.manual_seed(0)
    model = network().to(device)
    optimizer = optim.SGD(model.parameters(), 0.05, momentum=0.9)

    def step(images, labels):
        optimizer.zero_grad()
        with framework.autocast(device, enabled=enabled):
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    run = framework.compile(step) if compiled else step
    images, labels = randn(12, 1, 6, 6, device=device), (framework.arange(12) % 3).to(device)
    return model, [run(images, labels).item() for _ in range(steps)]


def test_a_training(device):
    model, losses = trained(device, True)
    _, exact = trained(device, False)
    assert all(each.dtype is SINGLE for each in [*model.parameters(), *(p.grad for p in model.parameters()), model[1].running_mean])
    np.testing.assert_allclose(losses, exact, rtol=0.1, atol=0.03)
    assert losses != exact and losses[-1] < 0.3 * losses[0]


def test_a_recorded_training(device):
    np.testing.assert_allclose(trained(device, True, compiled=True)[1], trained(device, True)[1], rtol=1e-6)


def test_layers_that_are_given_16_bits_beside_their_own_float32(device):
    x, layers = randn(4, 6, 6, device=device), [nn.LSTM(6, 5), nn.GRU(6, 5), nn.RNN(6, 5), nn.LSTMCell(6, 5), nn.Conv1d(6, 5, 3)]
    with framework.autocast(device):
        given = x @ x
        for layer in layers:
            out = layer.to(device)(given[0] if isinstance(layer, nn.LSTMCell) else given)
            assert (out[0] if isinstance(out, tuple) else out).dtype is HALF
        assert framework.einsum("bij,bjk->bik", given, x).dtype is HALF
    with pytest.raises((RuntimeError, ValueError)):
        layers[0](given)


def test_steps_too_small_for_16_bits_are_kept(device):
    weight = framework.ones(4, 4, device=device, requires_grad=True)
    optimizer = optim.SGD([weight], 1e-4)
    for _ in range(100):
        optimizer.zero_grad()
        with framework.autocast(device):
            loss = (framework.eye(4, device=device) @ weight).sum()
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(weight.detach().cpu().numpy(), 0.99, rtol=1e-5)


def test_a_parameter_is_cast_once_a_block(device):
    layer, x = nn.Linear(3, 3, bias=False).to(device), randn(2, 3, device=device)
    with framework.autocast(device):
        first, second = layer(x), layer(x)
        assert first.grad_fn.next_functions[1] == second.grad_fn.next_functions[1]
        with framework.no_grad():
            layer.weight.mul_(2.0)
        np.testing.assert_allclose(layer(x).float().detach().cpu().numpy(), 2 * first.float().detach().cpu().numpy(), rtol=1e-2)


def test_blocks_within_each_other(device):
    x = randn(3, 3, device=device)
    with framework.autocast(device):
        with framework.autocast(device, enabled=False):
            assert (x @ x).dtype is SINGLE and not framework.is_autocast_enabled(device)
        assert (x @ x).dtype is HALF and framework.is_autocast_enabled(device)
        with framework.autocast(device, dtype=framework.float16):
            assert (x @ x).dtype is framework.float16
    assert (x.double() @ x.double()).dtype is framework.float64


def test_of_another_kind_of_device():
    with framework.autocast("cuda"):
        assert (framework.ones(2, 2) @ framework.ones(2, 2)).dtype is SINGLE

    @framework.autocast("cpu")
    def product(x):
        return x @ x

    assert product(framework.ones(2, 2)).dtype is HALF
    with pytest.raises(RuntimeError, match="bfloat16 or float16"):
        framework.autocast("cpu", dtype=framework.float64)

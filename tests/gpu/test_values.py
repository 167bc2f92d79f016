"""Kernels for GPUs: each computes what the op's own forward computes in double precision on a CPU, forward and backward, in every type."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels, nn, optim
from framework.ops import norm
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")
TOLERANCE = {framework.float32: 1e-5, framework.float64: 1e-12, framework.bfloat16: 3e-2, framework.float16: 5e-3}
CLASSES = np.array([[0, 3, 2], [-100, 1, 6], [5, -100, 0], [4, 4, 4]])
IMAGES = 2, 3, 9, 8

ACTIVATIONS = "relu leaky_relu elu selu celu silu mish logsigmoid softplus gelu sigmoid tanh".split()
PER_CHANNEL = [(6, 5), (300, 40), (6, 5, 3), (4, 3, 8, 9), (70, 3, 40, 40)]


def pooled(*arguments, **options):
    return lambda x: F.max_pool2d(x, *arguments, **options)


def loss(function, columns, reduction, **options):
    return lambda x, target: function(x, target[:, 0] if columns == 1 else target, reduction=reduction, **options)


# name -> (the kernel that must run, a function, shapes of its floating inputs, other inputs)
CASES = {
    **{name: ("fused", getattr(F, name), [(3, 50)], []) for name in ACTIVATIONS},
    "gelu, tanh": ("fused", lambda x: F.gelu(x, "tanh"), [(3, 50)], []),
    "dropout": ("counted_dropout", lambda x: F.dropout(x, 0.3), [(7, 300)], []),
    "dropout of a transposed one": ("counted_dropout", lambda x: F.dropout(x.T, 0.3), [(7, 30)], []),
    **{f"softmax {dim}": ("block_a_row_softmax", lambda x, dim=dim: F.softmax(x, dim), [(3, 5, 300)], []) for dim in range(3)},
    **{f"log_softmax {dim}": ("block_a_row_log_softmax", lambda x, dim=dim: F.log_softmax(x, dim), [(3, 5, 300)], []) for dim in range(3)},
    "softmax of long rows": ("block_a_row_softmax", lambda x: F.softmax(x, 1), [(2, 5000)], []),
    **{f"cross_entropy {reduction} {inner}": ("block_a_row_cross_entropy", loss(F.cross_entropy, inner, reduction),
                                              [(4, 7) if inner == 1 else (4, 7, 3)], [CLASSES])
       for reduction in ("mean", "sum", "none") for inner in (1, 3)},
    **{f"nll {reduction} {inner}": ("picked_nll", loss(F.nll_loss, inner, reduction), [(4, 7) if inner == 1 else (4, 7, 3)], [CLASSES])
       for reduction in ("mean", "sum", "none") for inner in (1, 3)},
    "nll of another ignored class": ("picked_nll", loss(F.nll_loss, 1, "mean", ignore_index=3), [(4, 7)], [abs(CLASSES) % 7]),
    **{f"batch_norm {shape}": ("two_pass_batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
                               [shape, shape[1:2], shape[1:2]], []) for shape in PER_CHANNEL},
    "batch_norm, plain": ("two_pass_batch_norm", lambda x: F.batch_norm(x, None, None, None, None, True), [(6, 5, 3)], []),
    "batch_norm, its statistics": ("two_pass_batch_norm", lambda x, w, b: norm.batch_norm_train(x, w, b, 1e-5),
                                   [(6, 5, 3), (5,), (5,)], []),
    "batch_norm, these alone": ("two_pass_batch_norm", lambda x: norm.batch_norm_train(x, None, None, 1e-5)[1:], [(6, 5, 3)], []),
    "batch_norm, given ones": ("one_pass_batch_norm", lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b), [(6, 5, 3), (5,), (5,)],
                               [np.linspace(-1, 1, 5), np.linspace(0.5, 2, 5)]),
    **{f"layer_norm {shape}": ("block_a_row_layer_norm", lambda x, w, b: F.layer_norm(x, w.shape, w, b), [shape, of, of], [])
       for shape, of in (((6, 5), (5,)), ((6, 5, 3), (5, 3)), ((4, 3, 700), (700,)), ((130, 70), (70,)))},
    "layer_norm, plain": ("block_a_row_layer_norm", lambda x: F.layer_norm(x, (7,)), [(6, 7)], []),
    "rms_norm": ("block_a_row_rms_norm", lambda x, w: F.rms_norm(x, (70,), w), [(130, 70), (70,)], []),
    **{f"group_norm {groups}": ("block_a_group_norm", lambda x, w, b, groups=groups: F.group_norm(x, groups, w, b),
                                [(4, 6, 8, 9), (6,), (6,)], []) for groups in (1, 2, 6)},
    "group_norm of vectors": ("block_a_group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), [(6, 12), (12,), (12,)], []),
    "max_pool": ("thread_a_window", pooled(2), [IMAGES], []),
    "max_pool, padded": ("thread_a_window", pooled(3, 2, 1), [IMAGES], []),
    "max_pool, dilated": ("thread_a_window", pooled(3, 1, 1, 2), [IMAGES], []),
    "max_pool, over the edge": ("thread_a_window", pooled((2, 3), (3, 1), ceil_mode=True), [IMAGES], []),
    "max_pool of equals": ("thread_a_window", lambda x: F.max_pool2d((x > 0).to(x.dtype) * x.sum(), 3, 1), [IMAGES], []),
    "max_pool of lines": ("thread_a_window", lambda x: F.max_pool1d(x, 3, 2), [(2, 3, 9)], []),
    "max_pool of volumes": ("thread_a_window", lambda x: F.max_pool3d(x, 3, 2, 1), [(2, 3, 5, 4, 6)], []),
    "avg_pool": ("thread_an_output", lambda x: F.avg_pool2d(x, 3, 2, 1), [IMAGES], []),
    "interpolate": ("thread_an_output", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), [IMAGES], []),
    "interpolate, 16 taps": ("thread_an_output", lambda x: F.interpolate(x, (5, 17), mode="bicubic"), [IMAGES], []),
    "interpolate, many taps": ("thread_an_output", lambda x: F.adaptive_avg_pool2d(x, (2, 1)), [IMAGES], []),
    "interpolate volumes": ("thread_an_output", lambda x: F.interpolate(x, scale_factor=1.7, mode="trilinear"), [(2, 3, 5, 4, 6)], []),
    "interpolate volumes, two dimensions and one": ("thread_an_output", lambda x: F.interpolate(x, (7, 8, 9)), [(2, 3, 5, 4, 6)], []),
    "interpolate lines": ("thread_an_output", lambda x: F.interpolate(x, 13, mode="linear"), [(2, 3, 9)], []),
    "neighbouring channels": ("thread_an_output", lambda x: F.local_response_norm(x, 3), [IMAGES], []),
    "reflection": ("thread_an_output", lambda x: F.pad(x, (2, 2, 1, 1), mode="reflect"), [IMAGES], []),
    "embedding": ("rows_of_a_table", lambda w, i: F.embedding(i, w), [(9, 70)], [np.arange(40).reshape(4, 10) ** 2 % 9]),
    "rows": ("first_adds_all", lambda w, i: w[i], [(9, 70)], [np.arange(40).reshape(4, 10) ** 2 % 9]),
    **{f"cat {dim}": ("all_joined_at_once", lambda x, y, z, dim=dim: framework.cat([x, y[:, : 5 if dim == 1 else 7], z], dim),
                      [(4, 7, 3), (4, 7, 3), (4, 7, 3)], []) for dim in (1, -1)},
    "rows, each once": ("first_adds_all", lambda w, i: w[i], [(300, 70)], [np.arange(300)[::-1].copy()]),
    "cat of many": ("all_joined_at_once", lambda x, y: framework.cat([x, y] * 45), [(4, 700), (3, 700)], []),
    **{f"stack {dim}": ("all_stacked_at_once", lambda x, y, dim=dim: framework.stack([x, y.mT, x] * 5, dim), [(4, 7), (7, 4)], [])
       for dim in (0, 1, -1)},
    "sum of two": ("sum_of_halves", lambda x, y: x + y, [(6, 5), (6, 5)], []),
    **{f"smooth_l1 {beta}": ("smooth_absolute_of_each", lambda x, y, beta=beta: F.smooth_l1_loss(x, y, reduction="none", beta=beta),
                             [(7, 30), (7, 30)], []) for beta in (1.0, 0.1, 3.0)},
    "l1, as the smooth one without a bend": ("smooth_absolute_of_each",
                                             lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=1e-30), [(7, 30), (7, 30)], []),
    "binary_cross_entropy": ("bernoulli_cross_entropy_of_each",
                             lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), reduction="none"), [(7, 30), (7, 30)], []),
    **{f"linear, {rows} rows": ("linear_layer", F.linear, [(rows, 70), (9, 70), (9,)], []) for rows in (1, 3, 8, 9, 114)},
    "linear, much for few rows": ("linear_layer", F.linear, [(3, 700), (600, 700), (600,)], []),
    "linear of a vector": ("linear_layer", F.linear, [(70,), (3, 70), (3,)], []),
    "linear without a bias": ("linear_layer", F.linear, [(2, 70), (300, 70)], []),
    **{f"sum {shape} {dim}": ("block_a_row_sum", lambda x, dim=dim: x.sum(dim), [shape], [])
       for shape, dim in (((1,), None), ((7, 9), None), ((3, 128), -1), ((2, 3, 5, 43), (2, 3)), ((70, 301), None), ((3, 20000), 1))},
    "mean": ("block_a_row_mean", lambda x: x.mean(), [(7, 9)], []),
    "mean of many": ("block_a_row_mean", lambda x: x.mean((1, 2), keepdim=True), [(3, 64, 160)], []),
    "norm": ("norm_of_all", lambda x: x.norm(), [(90, 70)], []),
}  # fmt: skip


def results(case, dtype, device):
    """The outputs and the gradients of a weighted sum of them by all floating inputs; which kernels ran."""
    _, function, shapes, others = case
    numbers, exact = np.random.default_rng(0), dtype if dtype.itemsize == 2 else framework.float32
    inputs = [framework.tensor(numbers.standard_normal(shape), dtype=exact) for shape in shapes]
    inputs = [each.to(device, dtype if device == "cuda" else framework.float64).requires_grad_() for each in inputs]
    others = [framework.tensor(each, dtype=inputs[0].dtype if each.dtype.kind == "f" else None, device=device) for each in others]
    framework.manual_seed(1)
    kernels.reset()
    outs = function(*inputs, *others)
    outs = outs if isinstance(outs, tuple) else (outs,)
    weights = [framework.tensor(np.cos(np.arange(each.numel())).reshape(each.shape), dtype=exact).to(device, each.dtype) for each in outs]
    grads = framework.autograd.grad(outs, inputs, weights)
    ran = {name for counts in kernels.report().values() for name in counts}
    return [each.detach().cpu().double().numpy() for each in (*outs, *grads)], ran


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda each: each.name)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_equals_the_reference(case, dtype):
    ours, ran = results(case, dtype, "cuda")
    with kernels.use("reference"):
        expected, _ = results(case, dtype, "cpu")
    assert case[0] in ran or (case[0] == "sum_of_halves" and dtype.itemsize > 2)
    for got, wanted in zip(ours, expected, strict=True):
        scale = abs(wanted).max(initial=1.0)
        np.testing.assert_allclose(got / scale, wanted / scale, rtol=0, atol=TOLERANCE[dtype])


def channels_last(x):
    """The same values, in memory with the channels last."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


PASSES = {
    "relu": F.relu,
    "add": lambda x: x + x,
    "batch_norm_train": lambda x: F.batch_norm(x, None, None, training=True),
    "batch_norm_eval": lambda x: F.batch_norm(x, x[0, :, 0, 0].detach(), x[0, :, 0, 0].detach() ** 2),
    "max_pool": lambda x: F.max_pool2d(x, 2),
    "resample": lambda x: F.avg_pool2d(x, 2),
    "layer_norm": lambda x: F.layer_norm(x, (8,)),
    "softmax": lambda x: F.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 1),
}


@pytest.mark.parametrize("name", PASSES)
def test_channels_last(name):
    """As 16-bit convolutions leave them: passes over all elements leave them so, too."""
    x = framework.tensor(np.random.default_rng(0).standard_normal(IMAGES), dtype=framework.bfloat16, device="cuda", requires_grad=True)
    kernels.reset()
    out = PASSES[name](channels_last(x))
    assert "reference" not in kernels.report()[name]
    (grad,) = framework.autograd.grad(out, x, channels_last(out.detach()))
    expected = PASSES[name](x)
    (expected_grad,) = framework.autograd.grad(expected, x, expected.detach())
    for ours, wanted in ((out, expected), (grad, expected_grad)):
        np.testing.assert_allclose(ours.detach().cpu().float().numpy(), wanted.detach().cpu().float().numpy(), rtol=0.02, atol=0.02)
    if name in ("relu", "add", "batch_norm_train", "batch_norm_eval"):
        assert out.stride()[1] == 1


@pytest.mark.parametrize("options", [(2,), (3, 2, 1), ((3, 2), (1, 2), 1, (2, 1)), (2, 3, 1, 1, True)], ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda each: each.name)
def test_max_pool_with_channels_last(cupy, options, dtype):  # noqa: F811
    """As of planes, also of equals and of nan; a thread takes several channels."""
    numbers = np.random.default_rng(3).integers(-3, 3, (2, 16, 7, 6)).astype("f4")
    numbers[0, 3, 2, 2] = np.nan
    kernel, *more = options
    outcomes = []
    for of in (channels_last, lambda x: x):
        x = framework.tensor(numbers, dtype=dtype, device="cuda", requires_grad=True)
        kernels.reset()
        out = F.max_pool2d(of(x), kernel, *more[:3], ceil_mode=len(more) > 3)
        outcomes.append((out, *framework.autograd.grad(out, x, (out.detach() * 2).nan_to_num(5.0)), kernels.report()["max_pool"]))
    (last, last_grad, used), (planes, planes_grad, used_else) = outcomes
    assert used == {"thread_some_channels": 1} and used_else == {"thread_a_window": 1} and last.stride()[1] == 1
    np.testing.assert_array_equal(last.detach().cpu().float().numpy(), planes.detach().cpu().float().numpy())
    np.testing.assert_allclose(last_grad.cpu().float().numpy(), planes_grad.cpu().float().numpy(), rtol=0.02)


@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, 0.01), lambda p: optim.SGD(p, 0.01, 0.9, weight_decay=0.1, nesterov=True),
    lambda p: optim.SGD(p, 0.01, 0.9, 0.1, maximize=True), lambda p: optim.Adam(p, 0.01),
    lambda p: optim.Adam(p, 0.01, amsgrad=True, weight_decay=0.1), lambda p: optim.AdamW(p, 0.01), lambda p: optim.RMSprop(p, 0.01),
    lambda p: optim.RMSprop(p, 0.01, momentum=0.9, centered=True), optim.Adadelta,
])  # fmt: skip
def test_updates(make):
    """Of more parameters than a table has rows, with clipping."""

    def trained(device, dtype):
        framework.manual_seed(0)
        model = nn.Sequential(*[layer for _ in range(22) for layer in (nn.Linear(6, 6), nn.Tanh())]).to(device, dtype)
        optimizer = make(model.parameters())
        x = framework.tensor(np.random.default_rng(0).standard_normal((8, 6)), dtype=dtype, device=device)
        kernels.reset()
        for _ in range(4):
            optimizer.zero_grad()
            ((model(x) - x) ** 2).sum().backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
        return [each.detach().cpu().numpy() for each in model.parameters()], kernels.report()

    ours, report = trained("cuda", framework.float64)
    assert report["update_each"] == {"all_parameters_at_once": 4} and report["scale_each"] == {"all_scaled_at_once": 4}
    with kernels.use("reference"):
        expected, _ = trained("cpu", framework.float64)
    for got, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)

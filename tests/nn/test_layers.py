"""Layers: each against PyTorch (state_dict keys, output, gradients, repr), and without PyTorch against what defines it."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch

IMAGE, LINE, VOLUME, ROWS = (2, 4, 9, 7), (2, 4, 9), (2, 4, 6, 7, 5), (5, 4)
LAYERS = [
    ("Linear", (4, 3), {}, ROWS),
    ("Linear", (7, 3), {"bias": False}, IMAGE),
    ("Identity", (1, 2), {}, ROWS),
    ("Conv1d", (4, 6, 3), {"padding": 2, "dilation": 2}, LINE),
    ("Conv2d", (4, 6, 3), {}, IMAGE),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "groups": 2, "bias": False}, IMAGE),
    ("Conv2d", (4, 6, 4), {"padding": "same", "dilation": (1, 2)}, IMAGE),
    ("Conv2d", (4, 6, 3), {"padding": "valid"}, IMAGE[1:]),
    ("Conv3d", (4, 2, 3), {"stride": 2, "padding": 1}, VOLUME),
    ("MaxPool1d", (2,), {"stride": 1}, LINE),
    ("MaxPool2d", (3,), {"padding": 1, "stride": 2, "ceil_mode": True}, IMAGE),
    ("MaxPool2d", ((2, 3),), {"dilation": 2}, IMAGE),
    ("MaxPool3d", (2,), {}, VOLUME),
    ("AvgPool1d", (3,), {"padding": 1}, LINE),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, IMAGE),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, IMAGE),
    ("AvgPool2d", (2,), {"divisor_override": 3}, IMAGE),
    ("AvgPool3d", (2,), {}, VOLUME),
    ("AdaptiveAvgPool1d", (4,), {}, LINE),
    ("AdaptiveAvgPool2d", ((4, None),), {}, IMAGE),
    ("AdaptiveAvgPool2d", (1,), {}, IMAGE),
    ("AdaptiveMaxPool1d", (4,), {}, LINE),
    ("AdaptiveMaxPool2d", ((4, 3),), {}, IMAGE),
    ("BatchNorm1d", (4,), {}, ROWS),
    ("BatchNorm1d", (4,), {"affine": False}, LINE),
    ("BatchNorm2d", (4,), {"momentum": None}, IMAGE),
    ("BatchNorm2d", (4,), {"track_running_stats": False}, IMAGE),
    ("BatchNorm3d", (4,), {"eps": 0.1}, VOLUME),
    ("LayerNorm", (7,), {}, IMAGE),
    ("LayerNorm", ((9, 7),), {"elementwise_affine": False}, IMAGE),
    ("LayerNorm", (7,), {"bias": False}, IMAGE),
    ("Flatten", (), {}, IMAGE),
    ("Flatten", (0, 1), {}, IMAGE),
    *(
        (name, (), {}, ROWS)
        for name in ("ReLU", "ReLU6", "LeakyReLU", "ELU", "SiLU", "GELU", "Softplus", "Hardtanh", "Sigmoid", "Tanh", "LogSigmoid")
    ),
    ("ReLU", (), {"inplace": True}, ROWS),
    ("LeakyReLU", (0.2,), {}, ROWS),
    ("ELU", (0.5,), {}, ROWS),
    ("GELU", (), {"approximate": "tanh"}, ROWS),
    ("Softplus", (2.0, 1.0), {}, ROWS),
    ("Hardtanh", (-0.5, 0.7), {}, ROWS),
    ("Softmax", (1,), {}, IMAGE),
    ("LogSoftmax", (-1,), {}, IMAGE),
    ("Dropout", (0.5,), {}, None),
    ("Dropout2d", (), {"p": 0.1, "inplace": True}, None),
]
CASES = [(name, args, options, [] if shape is None else [shape]) for name, args, options, shape in LAYERS]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's, of its own speed
@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_parity(case):
    if case[3]:
        same_as_pytorch(case)
    else:  # random: the text alone
        torch = pytest.importorskip("torch")
        assert len({repr(getattr(library.nn, case[0])(*case[1], **case[2])) for library in (framework, torch)}) == 1


@pytest.mark.parametrize("case", [case for case in CASES if case[3]], ids=identifier)
def test_gradients(case):
    right_gradients(case)


LOSSES = [
    ("MSELoss", {}), ("L1Loss", {}), ("SmoothL1Loss", {"beta": 0.5}), ("HuberLoss", {"delta": 0.5}), ("KLDivLoss", {}),
    ("KLDivLoss", {"log_target": True}), ("BCELoss", {}), ("BCEWithLogitsLoss", {}), ("NLLLoss", {}), ("NLLLoss", {"ignore_index": 1}),
    ("CrossEntropyLoss", {}), ("CrossEntropyLoss", {"label_smoothing": 0.2}),
    ("CrossEntropyLoss", {"ignore_index": 1, "label_smoothing": 0.2}),
]  # fmt: skip
WEIGHTED = ("NLLLoss", "CrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss")


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # PyTorch's announcement of a change to KLDivLoss
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "name, options, weighted", [*((*each, False) for each in LOSSES), *((*each, True) for each in LOSSES if each[0] in WEIGHTED)]
)
def test_loss_parity(name, options, weighted, reduction):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    classes = name in ("NLLLoss", "CrossEntropyLoss")
    x = random.uniform(0.05, 0.95, (6, 4, 2))
    y = random.integers(0, 4, (6, 2)) if classes else random.uniform(0.05, 0.95, x.shape)
    results = []
    for library in (framework, torch):
        extra = {"weight": library.tensor(np.random.default_rng(1).uniform(0.5, 2, 4 if classes else (4, 2)))} if weighted else {}
        loss = getattr(library.nn, name)(**options, **extra, reduction=reduction)
        input = library.tensor(x, requires_grad=True)
        out = loss(input, library.tensor(y))
        out.sum().backward()
        results.append((out.detach().numpy(), input.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_losses_of_known_value():
    x = framework.tensor([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
    y = framework.tensor([2, 0])
    assert F.nll_loss(x.log(), y).item() == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2)
    assert F.cross_entropy(x.log(), y).item() == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2)
    assert F.cross_entropy(framework.zeros(5, 7), framework.arange(5)).item() == pytest.approx(np.log(7))
    assert F.binary_cross_entropy(framework.tensor([0.25]), framework.tensor([1.0])).item() == pytest.approx(np.log(4))
    assert F.binary_cross_entropy_with_logits(framework.tensor([1000.0, -1000.0]), framework.tensor([1.0, 0.0])).item() == 0
    assert F.mse_loss(framework.tensor([1.0, 3.0]), framework.zeros(2)).item() == 5


def test_dropout_keeps_the_mean_and_repeats_with_its_seed():
    framework.manual_seed(1)
    x = framework.ones(200, 200)
    a = F.dropout(x, 0.3)
    framework.manual_seed(1)
    assert framework.equal(a, F.dropout(x, 0.3)) and not framework.equal(a, F.dropout(x, 0.3))
    assert (a == 0).float().mean().item() == pytest.approx(0.3, abs=0.01) and a.max().item() == pytest.approx(1 / 0.7)
    channels = F.dropout2d(framework.ones(20, 30, 4, 4), 0.5).reshape(600, 16)
    assert set(channels.sum(1).tolist()) == {0.0, 32.0}


def test_batch_norm_normalizes_then_uses_what_it_gathered():
    norm = nn.BatchNorm2d(3)
    x = framework.randn(50, 3, 8, 8) * 5 + 2
    out = norm(x)
    assert out.mean((0, 2, 3)).abs().max().item() < 1e-5 and (out.var((0, 2, 3), unbiased=False) - 1).abs().max().item() < 1e-4
    assert (norm.running_mean - 0.1 * x.mean((0, 2, 3))).abs().max().item() < 1e-6
    assert norm.eval()(x).mean().item() > 0.5


def test_embedding():
    table = nn.Embedding(5, 3, padding_idx=0)
    assert table.weight[0].tolist() == [0, 0, 0]
    out = table(framework.tensor([[0, 2], [2, 4]]))
    out.sum().backward()
    assert out.shape == (2, 2, 3) and table.weight.grad[:, 0].tolist() == [0, 0, 2, 0, 1]
    with pytest.raises(IndexError, match="index out of range"):
        table(framework.tensor([5]))


def test_initial_values_follow_their_formulas():
    framework.manual_seed(0)
    weight = framework.empty(300, 200, 3, 3)
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    assert weight.std().item() == pytest.approx((2 / (300 * 9)) ** 0.5, rel=0.01)
    nn.init.xavier_uniform_(weight)
    assert weight.max().item() == pytest.approx((6 / (500 * 9)) ** 0.5, rel=0.01)
    linear = nn.Linear(400, 300)
    assert linear.weight.abs().max().item() <= 0.05 and linear.weight.std().item() == pytest.approx(0.05 / 3**0.5, rel=0.02)


def test_clipping():
    p = framework.zeros(4, requires_grad=True)
    p.grad = framework.tensor([3.0, 4.0, 0.0, 0.0])
    assert nn.utils.clip_grad_norm_([p], 1.0).item() == 5.0 and p.grad.tolist() == pytest.approx([0.6, 0.8, 0, 0], abs=1e-5)
    nn.utils.clip_grad_value_([p], 0.5)
    assert p.grad.tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize(
    "do, error, message",
    [
        (
            lambda: nn.Conv2d(3, 4, 3)(framework.ones(1, 2, 8, 8)),
            RuntimeError,
            "expected input with 3 channels, but got 2",
        ),
        (lambda: nn.Conv2d(3, 4, 9)(framework.ones(1, 3, 8, 8)), RuntimeError, "Kernel size can't be greater than actual input size"),
        (lambda: nn.Conv2d(3, 4, 3)(framework.ones(3, 8)), RuntimeError, "Expected 3D .unbatched. or 4D"),
        (lambda: nn.Conv2d(3, 4, 3)(framework.ones(1, 3, 8, 8).double()), RuntimeError, "of one dtype"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "must be divisible by groups"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), ValueError, "no padding_mode='mirror'"),
        (lambda: nn.Linear(3, 4)(framework.ones(2, 5)), RuntimeError, r"mat1 and mat2 shapes cannot be multiplied \(2x5 and 3x4\)"),
        (lambda: nn.Dropout(1.5), ValueError, "between 0 and 1, but got 1.5"),
        (lambda: nn.BatchNorm2d(3)(framework.ones(2, 3)), ValueError, "expected 4D input"),
        (lambda: nn.BatchNorm1d(3)(framework.ones(1, 3)), ValueError, "Expected more than 1 value per channel"),
        (lambda: F.nll_loss(framework.zeros(2, 3), framework.tensor([0, 3])), IndexError, "Target 3 is out of bounds"),
        (
            lambda: F.cross_entropy(framework.zeros(2, 3), framework.tensor([0])),
            ValueError,
            r"Expected target size \[2\], got \[1\]",
        ),
        (
            lambda: F.mse_loss(framework.zeros(2), framework.zeros(2), reduction="average"),
            ValueError,
            "average is not a valid value for reduction",
        ),
        (lambda: F.max_pool2d(framework.zeros(1, 1, 4, 4), 2, padding=2), RuntimeError, "pad should be at most half"),
        (lambda: F.max_pool2d(framework.zeros(1, 1, 2, 2), 5), RuntimeError, "output size is too small"),
        (lambda: nn.LayerNorm(4)(framework.zeros(2, 3)), RuntimeError, "expected input with shape"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()

"""Nonlinearities and dropout: against PyTorch, at their kinks, in place, in training."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch
from tests.samples.table import assert_same

IMAGE, ROWS = (2, 4, 3, 2), (5, 4)
CASES = [
    *((name, (), {}, [ROWS]) for name in ("CELU", "SELU", "Mish", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "PReLU", "Softshrink")),
    *((name, (), {}, [ROWS]) for name in ("Softsign", "Tanhshrink")),
    ("CELU", (0.5, True), {}, [ROWS]),
    ("ELU", (0.5, True), {}, [ROWS]),
    ("SELU", (), {"inplace": True}, [ROWS]),
    ("SiLU", (), {"inplace": True}, [ROWS]),
    ("Mish", (), {"inplace": True}, [ROWS]),
    ("LeakyReLU", (0.3, True), {}, [ROWS]),
    ("Hardsigmoid", (), {"inplace": True}, [ROWS]),
    ("Hardswish", (), {"inplace": True}, [ROWS]),
    ("Hardtanh", (-0.2, 0.7, True), {}, [ROWS]),
    ("ReLU6", (True,), {}, [ROWS]),
    ("Hardshrink", (1.5,), {}, [ROWS]),
    ("Softshrink", (), {"lambd": 1.5}, [ROWS]),
    ("GLU", (1,), {}, [IMAGE]),
    ("Threshold", (0.1, 20), {}, [ROWS]),
    ("Threshold", (0.1, 20.0, True), {}, [ROWS]),
    ("PReLU", (4, 0.1), {}, [IMAGE]),
    ("Softmin", (1,), {}, [IMAGE]),
    ("Softmax2d", (), {}, [IMAGE]),
    ("Softmax2d", (), {}, [IMAGE[1:]]),
    ("Unflatten", (1, (2, 2)), {}, [IMAGE]),
    ("Unflatten", (-1, [1, -1]), {}, [ROWS]),
    ("Bilinear", (4, 3, 5), {}, [ROWS, (5, 3)]),
    ("Bilinear", (4, 3, 5), {"bias": False}, [(2, 2, 4), (2, 2, 3)]),
    ("CosineSimilarity", (), {}, [ROWS, ROWS]),
    ("CosineSimilarity", (0, 1e-3), {}, [ROWS, ROWS]),
    ("PairwiseDistance", (), {}, [ROWS, ROWS]),
    ("PairwiseDistance", (1, 1e-3, True), {}, [ROWS, ROWS]),
]


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_parity(case):
    same_as_pytorch(case)


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_gradients(case):
    right_gradients(case)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name, options",
    [("RReLU", {}), ("RReLU", {"lower": 0.1, "upper": 0.2, "inplace": True}), ("AlphaDropout", {"p": 0.2}), ("Dropout1d", {}),
     ("Dropout3d", {"inplace": True})],
)  # fmt: skip
def test_text_of_random_layers(name, options):
    torch = pytest.importorskip("torch")
    assert len({repr(getattr(library.nn, name)(**options)) for library in (framework, torch)}) == 1


POINTWISE = ("celu", "selu", "mish", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "softsign", "tanhshrink", "rrelu", "elu")
SPECIAL = [-np.inf, -100.0, -3.0, -0.5, -0.0, 0.0, 0.5, 3.0, 100.0, np.inf, np.nan]


@pytest.mark.parity
@pytest.mark.parametrize("name", POINTWISE)
def test_special_values(name):
    torch = pytest.importorskip("torch")
    for value in SPECIAL:
        results = []
        for library in (framework, torch):
            leaf = library.tensor([value, 0.25], requires_grad=True)
            out = getattr(library.nn.functional, name)(leaf)
            (grad,) = library.autograd.grad(out.sum(), leaf)
            results.append([out, *([grad] if bool(library.isfinite(out).all()) else [])])
        assert_same(*results)


NOT_SMOOTH = ("relu", "threshold", "leaky_relu", "hardswish", "hardshrink", "softshrink", "hardsigmoid", "rrelu")


@pytest.mark.parity
@pytest.mark.parametrize("name", NOT_SMOOTH)
def test_the_gradient_at_nan(name):
    """PyTorch's formula, which a vector of few elements goes through; of many, its vectorised loops decide otherwise."""
    torch = pytest.importorskip("torch")
    args = {"threshold": (0.1, 20.0), "rrelu": (0.25, 0.25, True)}.get(name, ())
    results = []
    for library in (framework, torch):
        leaf = library.tensor([np.nan], requires_grad=True)
        results.append(library.autograd.grad(getattr(library.nn.functional, name)(leaf, *args).sum(), leaf))
    assert_same(*results)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_gelu_far_out():
    """Where x^3 overflows the approximation's gradient is nan, as PyTorch's is."""
    torch = pytest.importorskip("torch")
    array = np.array([-np.inf, -1e30, -1e19, -1e13, -300.0, 300.0, 1e13, 1e19, 1e30, np.inf, np.nan], np.float32)
    results = []
    for library in (framework, torch):
        leaf = library.tensor(array, requires_grad=True)
        out = library.nn.functional.gelu(leaf, approximate="tanh")
        results.append([out, *library.autograd.grad(out.sum(), leaf)])
    assert_same(*results)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
@pytest.mark.parametrize("name, args", [*((name, ()) for name in POINTWISE), ("relu6", ()), ("hardtanh", ()), ("threshold", (1, 2)),
                                        ("relu", ()), ("silu", ()), ("gelu", ()), ("glu", ()), ("softmin", (0,))])  # fmt: skip
def test_integers_as_pytorch_takes_or_refuses_them(name, args, dtype):
    torch = pytest.importorskip("torch")
    results = []
    for library in (framework, torch):
        try:
            results.append(getattr(library.nn.functional, name)(library.tensor([0, 1, 4, 9], dtype=getattr(library, dtype)), *args))
        except RuntimeError as error:
            results.append(error)
    ours, theirs = results
    if isinstance(theirs, RuntimeError) and name not in ("softsign", "tanhshrink", "softmin"):  # those fail at the bool in - and abs
        assert isinstance(ours, RuntimeError)
    elif not isinstance(theirs, RuntimeError):
        assert_same(ours, theirs)


def test_rrelu_draws_a_slope_for_each_element():
    framework.manual_seed(0)
    x = -framework.ones(10000)
    slopes = -nn.RReLU(0.2, 0.6)(x)
    assert 0.2 <= slopes.min().item() < 0.21 and 0.59 < slopes.max().item() < 0.6 and slopes.mean().item() == pytest.approx(0.4, abs=0.01)
    assert framework.allclose(nn.RReLU(0.2, 0.6).eval()(x), 0.4 * x)
    x = framework.tensor([-1.0, 2.0], requires_grad=True)
    out = F.rrelu(x, training=True)
    out.sum().backward()
    assert x.grad[1].item() == 1 and x.grad[0].item() == pytest.approx(-out[0].item())


def test_alpha_dropout_keeps_mean_and_variance():
    framework.manual_seed(0)
    x = framework.randn(200000).requires_grad_()
    out = F.alpha_dropout(x, 0.3, training=True)
    assert out.mean().item() == pytest.approx(0, abs=0.01) and out.std().item() == pytest.approx(1, abs=0.01)
    out.sum().backward()
    scale = (0.7 * (1 + 0.3 * 1.7580993408473766**2)) ** -0.5
    assert set(np.unique(x.grad.numpy().round(5))) == {0.0, np.float32(scale).round(5)}
    assert F.alpha_dropout(x, 0.3) is x and not F.alpha_dropout(x, 1.0, training=True).any()


@pytest.mark.filterwarnings("ignore:dropout")
def test_dropout_of_channels_by_dimensions():
    """(N, C, …) for each; unbatched (C, …) for 1d and 3d, while 2d takes three dimensions for (N, C, L)."""
    framework.manual_seed(0)
    for dims, shape, kept in [(1, (40, 30, 5), 2), (1, (40, 5), 1), (2, (40, 30, 5), 2), (2, (40, 30, 2, 2), 2), (3, (40, 2, 2, 2), 1)]:
        function = getattr(F, f"dropout{dims}d")
        channels = function(framework.ones(shape), 0.5).flatten(kept)
        assert (channels == channels[..., :1]).all() and set(channels.flatten().tolist()) == {0.0, 2.0}
        assert channels[..., 0].float().mean().item() == pytest.approx(1, abs=0.5)


def test_in_place_dropout_is_differentiable():
    for size in (10, 10000):  # by the formula, and by the kernel
        x = framework.ones(size, requires_grad=True)
        y = x * 1
        out = F.dropout(y, 0.5, inplace=True)
        out.sum().backward()
        assert out is y and framework.equal(x.grad, out.detach())


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: nn.Threshold(1), TypeError, "missing a required argument: 'value'"),
        (lambda: nn.ELU(1, False, 3), TypeError, "too many positional arguments"),
        (lambda: nn.ELU(beta=1), TypeError, "unexpected keyword argument 'beta'"),
        (lambda: nn.ELU(1.0, alpha=2.0), TypeError, "multiple values for argument 'alpha'"),
        (lambda: F.hardtanh(framework.ones(2), 1, -1), ValueError, "min_val cannot be greater"),
        (lambda: F.celu(framework.ones(2), 0.0), RuntimeError, "alpha cannot be 0 for CELU"),
        (lambda: F.rrelu(framework.ones(2), 0.3, 0.1), RuntimeError, "expected finite bounds, lower <= upper, but got 0.3 and 0.1"),
        (lambda: F.rrelu(framework.ones(2), 0.3, 0.1, True), RuntimeError, "expected finite bounds"),
        (lambda: F.rrelu(framework.ones(2), -np.inf, 0.1), RuntimeError, "expected finite bounds"),
        (lambda: F.rrelu(framework.ones(2), 0.1, np.nan), RuntimeError, "expected finite bounds"),
        (lambda: F.cosine_similarity(framework.ones(2, 3), framework.ones(4, 3)), RuntimeError, "broadcast"),
        (lambda: F.glu(framework.ones(3)), RuntimeError, "Halving dimension must be even, but dimension 0 is size 3"),
        (lambda: F.glu(framework.ones(())), RuntimeError, "does not support 0-dimensional tensors"),
        (lambda: F.glu(framework.ones(2), 1), IndexError, "Dimension out of range"),
        (lambda: F.softshrink(framework.ones(2), -1), RuntimeError, "lambda must be greater or equal to 0, but found to be -1"),
        (lambda: F.prelu(framework.ones(2, 3), framework.ones(2)), RuntimeError, "expected 1 or 3 slopes, but got"),
        (lambda: F.prelu(framework.ones(2), framework.ones(1).double()), RuntimeError, "Type promoting not supported"),
        (lambda: F.prelu(framework.ones(2), framework.ones(1, 1)), RuntimeError, "expected 1 or 1 slopes, but got"),
        (lambda: F.selu(framework.ones(2, dtype=framework.int64)), NotImplementedError, "not implemented for 'int64'"),
        (lambda: F.relu6(framework.ones(2, requires_grad=True), inplace=True), RuntimeError, "a leaf Variable that requires grad"),
        (lambda: F.dropout1d(framework.ones(2)), RuntimeError, "Expected 2D or 3D input"),
        (lambda: F.alpha_dropout(framework.ones(2), 1.5), ValueError, "between 0 and 1, but got 1.5"),
        (lambda: nn.Softmax2d()(framework.ones(2)), ValueError, "expected input to be 3D or 4D, got 1D"),
        (lambda: nn.Unflatten(1, 4), TypeError, "not iterable"),
        (lambda: nn.Unflatten(1, (2, "a")), TypeError, "a dimension and a tuple of lengths, integers"),
        (lambda: nn.Unflatten("x", (2, 2)), TypeError, "a dimension and a tuple of lengths, integers"),
        (lambda: nn.Bilinear(0, 2, 3), ValueError, "in1_features must be > 0, but got 0"),
        (lambda: F.bilinear(framework.ones(2, 3), framework.ones(3, 3), framework.ones(1, 3, 3)), RuntimeError, "bilinear.*but got"),
        (lambda: F.bilinear(framework.ones(3), framework.ones(2), framework.ones(1, 3, 3)), RuntimeError, "bilinear.*but got"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()

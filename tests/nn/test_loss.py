"""Losses: every module and every reduction against PyTorch, options, empty batches, errors."""

import copy
import itertools

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn

RANDOM = np.random.default_rng(0)


def x(*shape):
    return RANDOM.standard_normal(shape)


def p(*shape):
    return RANDOM.uniform(0.05, 0.95, shape)


def signs(*shape):
    return RANDOM.choice([-1, 1], shape)


def classes(n, *shape):
    return RANDOM.integers(0, n, shape)


LOSSES = [  # name, arguments, keyword arguments (arrays are weights), inputs
    ("PoissonNLLLoss", (), {}, [x(4, 3), classes(6, 4, 3)]),
    ("PoissonNLLLoss", (False, True), {"eps": 0.1}, [p(4, 3), 5 * p(4, 3)]),
    ("GaussianNLLLoss", (), {"full": True, "eps": 0.3}, [x(4, 3), x(4, 3), p(4, 3)]),
    ("GaussianNLLLoss", (), {}, [x(4, 3), x(4, 3), p(4)]),
    ("GaussianNLLLoss", (), {}, [x(4, 3), x(4, 3), p(1, 3)]),
    ("SoftMarginLoss", (), {}, [x(4, 3), signs(4, 3)]),
    ("HingeEmbeddingLoss", (0.5,), {}, [x(4, 3), signs(4, 3)]),
    ("MarginRankingLoss", (0.5,), {}, [x(4), x(4), signs(4)]),
    ("CosineEmbeddingLoss", (0.1,), {}, [x(4, 3), x(4, 3), signs(4)]),
    ("CosineEmbeddingLoss", (), {}, [x(3), x(3), np.array(1)]),
    ("MultiMarginLoss", (2, 0.5), {"weight": p(3)}, [x(4, 3), classes(3, 4)]),
    ("MultiMarginLoss", (), {}, [x(3), np.array([1])]),
    ("MultiLabelMarginLoss", (), {}, [x(2, 4), np.array([[3, 0, -1, 1], [-1, 2, 1, 0]])]),
    ("MultiLabelMarginLoss", (), {}, [x(4), np.array([3, 3, 1, -1])]),
    ("MultiLabelSoftMarginLoss", (), {"weight": p(4)}, [x(2, 4), p(2, 4)]),
    ("TripletMarginLoss", (), {}, [x(4, 3), x(4, 3), x(4, 3)]),
    ("TripletMarginLoss", (0.5, 1, 1e-3, True), {}, [x(4, 3), x(4, 3), x(4, 3)]),
    ("TripletMarginWithDistanceLoss", (), {"margin": 2.0, "swap": True}, [x(4, 3), x(4, 3), x(4, 3)]),
    ("HuberLoss", (), {"delta": 0.4}, [x(4, 3), x(4, 3)]),
    ("SmoothL1Loss", (), {"beta": 0.0}, [x(4, 3), x(4, 3)]),
    ("BCELoss", (), {"weight": p(4, 1)}, [p(4, 3), p(4, 3)]),
    ("BCELoss", (), {}, [np.array([0.0, 1.0]), np.array([1.0, 1.0])]),
    ("BCEWithLogitsLoss", (), {"weight": p(3), "pos_weight": p(3)}, [x(4, 3), p(4, 3)]),
    ("CrossEntropyLoss", (), {"weight": p(3), "label_smoothing": 0.2}, [x(4, 3, 2), p(4, 3, 2)]),
    ("CrossEntropyLoss", (), {"weight": p(3), "label_smoothing": 0.2, "ignore_index": 1}, [x(4, 3, 2), classes(3, 4, 2)]),
    ("CrossEntropyLoss", (), {}, [x(3), np.array(2)]),
    ("CrossEntropyLoss", (), {"ignore_index": 1}, [x(4, 3), np.ones(4, int)]),
    ("NLLLoss", (), {"ignore_index": 1, "weight": p(3)}, [x(4, 3, 2, 2), classes(3, 4, 2, 2)]),
    *((name, (), {}, [x(0, 3), np.zeros(0, int)]) for name in ("NLLLoss", "CrossEntropyLoss")),
    ("CrossEntropyLoss", (), {}, [x(0, 3), x(0, 3)]),
    *((name, (), {}, [x(0, 3), x(0, 3)]) for name in ("MSELoss", "L1Loss", "KLDivLoss", "BCEWithLogitsLoss")),
    *((name, (), {}, [x(), x()]) for name in ("MSELoss", "L1Loss", "HuberLoss", "BCEWithLogitsLoss")),
]


def value_and_gradients(library, case, reduction):
    """Of all floating inputs that PyTorch gives a gradient."""
    name, args, options, inputs = case
    options = {key: library.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    loss = getattr(library.nn, name)(*args, **options, reduction=reduction)
    tensors = [library.tensor(each) for each in inputs]
    leaves = [each.requires_grad_() for each in tensors if each.is_floating_point()]
    out = loss(*tensors)
    return [out.detach(), *library.autograd.grad(out.sum(), leaves)], [repr(loss), *loss.state_dict()]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", LOSSES, ids=lambda case: f"{case[0]}{case[1]}{[*case[2]]}{[each.shape for each in case[3]]}")
def test_parity(case, reduction):
    torch = pytest.importorskip("torch")
    (ours, text), (theirs, their_text) = (value_and_gradients(library, case, reduction) for library in (framework, torch))
    assert text == their_text
    for a, b in zip(ours, theirs, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-7, atol=1e-10)


@pytest.mark.parity
@pytest.mark.parametrize("size_average, reduce", itertools.product((None, True, False), repeat=2))
def test_the_old_arguments(size_average, reduce):
    torch = pytest.importorskip("torch")
    if size_average is None and reduce is None:
        return
    found = []
    for library in (framework, torch):
        with pytest.warns(UserWarning, match="please use reduction='(.*)' instead") as warned:
            module = library.nn.HingeEmbeddingLoss(1.0, size_average, reduce)
        with pytest.warns(UserWarning, match="please use reduction="):
            out = library.nn.functional.l1_loss(library.ones(3), library.zeros(3), size_average=size_average, reduce=reduce)
        found.append((module.reduction, out.tolist(), str(warned[0].message)))
    assert found[0] == found[1]


def test_a_distance_of_ones_own():
    loss = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().amax(-1), margin=0.5)
    a, b, c = framework.zeros(2, 3), framework.ones(2, 3), framework.full((2, 3), 1.2)
    assert loss(a, b, c).item() == pytest.approx(0.3)


def test_losses_are_copied_and_keep_their_weights():
    loss = copy.deepcopy(nn.MultiMarginLoss(weight=framework.tensor([1.0, 2.0])))
    assert list(loss.state_dict()) == ["weight"] and loss.double().weight.dtype is framework.float64


def test_the_variance_is_clamped_without_its_gradient():
    var = framework.tensor([0.0, 2.0], requires_grad=True)
    F.gaussian_nll_loss(framework.ones(2), framework.zeros(2), var, eps=0.5, reduction="sum").backward()
    assert var.grad.tolist() == [(1 / 0.5 - 1 / 0.25) / 2, (1 / 2 - 1 / 4) / 2] and var.tolist() == [0, 2]
    assert F.gaussian_nll_loss(framework.ones(2), framework.zeros(2), 2.0).item() == pytest.approx((np.log(2) + 0.5) / 2)


def ones(*shape):
    return framework.ones(*shape)


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: F.gaussian_nll_loss(ones(2), ones(2), -ones(2)), ValueError, "var has negative entry"),
        (lambda: F.gaussian_nll_loss(ones(2, 3), ones(2, 3), ones(3)), ValueError, "var is of incorrect size"),
        (lambda: F.margin_ranking_loss(ones(2), ones(2), ones(2, 1)), RuntimeError, "All input tensors should have same dimension"),
        (lambda: F.cosine_embedding_loss(ones(2, 3), ones(2, 3), ones(2, 1)), RuntimeError, "expected inputs of size .N, D"),
        (lambda: F.cosine_embedding_loss(ones(2), ones(2), ones(2)), RuntimeError, r"or \(D\) and \(\)"),
        (lambda: F.multi_margin_loss(ones(2, 3), ones(2).long(), p=3), ValueError, "only p == 1 and p == 2 supported"),
        (lambda: F.multi_margin_loss(ones(2, 3), framework.tensor([0, 3])), RuntimeError, "index 3 is out of bounds"),
        (lambda: F.multilabel_margin_loss(ones(2, 3), framework.tensor([0, 1, 2])), RuntimeError, "inconsistent target size"),
        (lambda: F.triplet_margin_loss(ones(2), ones(2), ones(1, 2)), RuntimeError, "should have same dimension"),
        (lambda: nn.TripletMarginLoss(0)(ones(2), ones(2), ones(2)), ValueError, "margin must be greater than 0, got 0"),
        (lambda: F.triplet_margin_with_distance_loss(ones(2), ones(2), ones(2), margin=-1), ValueError, "greater than 0, got -1"),
        (lambda: F.mse_loss(ones(2), ones(2), weight=ones(1)), ValueError, "Weights and input must have the same size"),
        (lambda: F.huber_loss(ones(2), ones(2), weight=ones(1)), ValueError, "Weights and input must have the same size"),
        (lambda: F.cross_entropy(ones(2, 3), ones(2, 3), ignore_index=1), RuntimeError, "ignore_index is not supported for floating"),
        (lambda: F.nll_loss(ones(2, 3), ones(2).int()), RuntimeError, "expected target dtype to be Long or Byte"),
        (lambda: F.nll_loss(ones(()), ones(()).long()), ValueError, "Expected 1 or more dimensions"),
        (lambda: F.nll_loss(ones(2, 3), ones(2, 1).long()), RuntimeError, r"Expected target size \[2\], got \[2, 1\]"),
        (lambda: F.binary_cross_entropy(2 * ones(2), ones(2)), RuntimeError, "between 0 and 1"),
        (lambda: F.poisson_nll_loss(ones(2), ones(2), reduction="all"), ValueError, "all is not a valid value for reduction"),
        (lambda: nn.MSELoss(weight=ones(1)), TypeError, "unexpected keyword argument 'weight'"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()

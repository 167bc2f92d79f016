"""Tables of vectors: Embedding, EmbeddingBag and one_hot against PyTorch, for every option."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.standard_normal((6, 3))


def rows(*shape):
    return RANDOM.integers(0, 6, shape)


CASES = [
    ("Embedding", (6, 3), {}, [rows(4, 2)]),
    ("Embedding", (6, 3), {"padding_idx": -2}, [rows(4, 2)]),
    ("Embedding", (6, 3), {"scale_grad_by_freq": True, "padding_idx": 1}, [rows(4, 3)]),
    ("EmbeddingBag", (6, 3), {}, [rows(4, 2)]),
    ("EmbeddingBag", (6, 3), {"mode": "max", "padding_idx": 2}, [rows(4, 5)]),
    ("EmbeddingBag", (6, 3), {"mode": "sum"}, [rows(4, 5)]),
    ("EmbeddingBag", (6, 3), {"mode": "mean", "padding_idx": 0}, [rows(8), np.array([0, 3, 3])]),
    ("EmbeddingBag", (6, 3), {"mode": "mean", "include_last_offset": True}, [rows(8), np.array([0, 3, 3, 8])]),
]


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_parity(case):
    same_as_pytorch(case)


@pytest.mark.parametrize("case", [case for case in CASES if "scale_grad_by_freq" not in case[2]], ids=identifier)
def test_gradients(case):
    if case[2].get("padding_idx") is None:
        right_gradients(case)


@pytest.mark.parity
@pytest.mark.parametrize("function", ["embedding", "embedding_bag"])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf")])
def test_max_norm_changes_the_table(function, norm_type):
    torch = pytest.importorskip("torch")
    results = []
    for library in (framework, torch):
        table = library.tensor(TABLE, requires_grad=True)
        out = getattr(library.nn.functional, function)(library.tensor([[0, 1, 1], [3, 0, 3]]), table, max_norm=1.0, norm_type=norm_type)
        out.sum().backward()
        results.append([each.detach().numpy() for each in (out, table, table.grad)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b)


def test_bags_scaled_by_frequency():
    """What PyTorch says; what it does is to divide by the frequency of the smallest index."""
    table = framework.zeros(4, 1, requires_grad=True)
    index = framework.tensor([[1, 1], [1, 2], [2, 3]])
    out = F.embedding_bag(index, table, mode="sum", scale_grad_by_freq=True, padding_idx=3)
    out.backward(framework.tensor([[1.0], [10.0], [100.0]]))
    assert table.grad.flatten().tolist() == [0, 12 / 3, 110 / 2, 0]


BAGS = {
    "offsets": ([0, 2, 2, 5], {}),
    "empty ones": ([0, 0, 8], {}),
    "last offset": ([0, 2, 2, 8], {"include_last_offset": True}),
    "padding": ([0, 2, 2, 5], {"padding_idx": -3}),
    "none": ([], {}),
}


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("name", BAGS)
def test_bags(name, mode):
    torch = pytest.importorskip("torch")
    offsets, options = BAGS[name]
    if (name, mode) == ("none", "max"):
        return  # PyTorch has none of it
    results = []
    for library in (framework, torch):
        table = library.tensor(TABLE, requires_grad=True)
        index = library.tensor([5, 3, 3, 0, 1, 3, 2, 3] if offsets else [], dtype=library.int64)
        offsets_ = library.tensor(offsets, dtype=library.int64)
        out = library.nn.functional.embedding_bag(index, table, offsets_, mode=mode, **options)
        out.sum().backward()
        results.append((out.detach().numpy(), table.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b)


@pytest.mark.parity
@pytest.mark.parametrize("shape, offsets", [((4, 2), None), ((8,), [0, 3, 3])])
def test_weights_of_samples(shape, offsets):
    torch = pytest.importorskip("torch")
    index, weights, results = RANDOM.integers(0, 6, shape), RANDOM.standard_normal(shape), []
    for library in (framework, torch):
        leaves = [library.tensor(each, requires_grad=True) for each in (TABLE, weights)]
        given = None if offsets is None else library.tensor(offsets)
        out = library.nn.EmbeddingBag.from_pretrained(leaves[0], False, mode="sum")(library.tensor(index), given, leaves[1])
        out.sum().backward()
        results.append((out.detach().numpy(), leaves[1].grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b)


def test_from_pretrained():
    table = framework.tensor(TABLE)
    for layer in (nn.Embedding.from_pretrained(table, padding_idx=1), nn.EmbeddingBag.from_pretrained(table)):
        assert not layer.weight.requires_grad and framework.equal(layer.weight, table) and layer.num_embeddings == 6
    assert nn.Embedding.from_pretrained(table, False, 2).padding_idx == 2
    with pytest.raises(TypeError, match="missing a required argument: 'embedding_dim'"):
        nn.Embedding.from_pretrained(framework.ones(3))


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, r"padding_idx \(3\) must be within num_embeddings \(3\)"),
        (lambda: nn.Embedding(3, 2, _weight=framework.ones(2, 2)), AssertionError, "should have the shape"),
        (lambda: nn.Embedding(3, 2, sparse=True), NotImplementedError, "sparse gradients are not supported"),
        (lambda: F.embedding(framework.ones(2).bool(), framework.ones(3, 2)), RuntimeError, "of the type int64 or int32, not bool"),
        (lambda: F.embedding(framework.tensor([0]), framework.ones(3)), RuntimeError, "'weight' must be 2-D"),
        (lambda: F.embedding(framework.tensor([-1]), framework.ones(3, 2)), IndexError, "index out of range in self"),
        (lambda: F.embedding_bag(framework.tensor([0]), framework.ones(3, 2)), ValueError, "1D with 1D offsets.* but is 1D, offsets None"),
        (lambda: bag([[0]], [0]), ValueError, "2D with offsets None, but is 2D, offsets 1"),
        (lambda: bag([0, 1], [1]), RuntimeError, r"offsets\[0\] has to be 0"),
        (lambda: bag([0, 1], [0, 3]), RuntimeError, "can not be greater than input's length 2"),
        (lambda: bag([0, 1], [0], mode="median"), ValueError, "mode has to be one of sum, mean or max"),
        (lambda: bag([0, 1], [0], mode="max", scale_grad_by_freq=True), ValueError, "max mode does not support scaling"),
        (lambda: bag([0], [0], per_sample_weights=framework.ones(1)), NotImplementedError, "only supported for mode='sum'"),
        (lambda: bag([0], [0], mode="sum", per_sample_weights=framework.ones(2)), ValueError, "must have the shape of the input"),
        (lambda: F.one_hot(framework.ones(2)), RuntimeError, "only applicable to index tensor"),
        (lambda: F.one_hot(framework.tensor([-1, 2])), RuntimeError, "Class values must be non-negative"),
        (lambda: F.one_hot(framework.tensor([1, 2]), 2), RuntimeError, "smaller than num_classes"),
        (lambda: F.one_hot(framework.tensor([1]), 0), RuntimeError, "num_classes should be positive"),
        (lambda: F.one_hot(framework.zeros(0, dtype=framework.int64)), RuntimeError, "of a tensor that is not empty"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()


def bag(index, offsets, **options):
    return F.embedding_bag(framework.tensor(index), framework.ones(3, 2), framework.tensor(offsets), **options)

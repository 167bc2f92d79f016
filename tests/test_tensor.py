"""Tensors: creation, indexing, methods, and how they meet Python, NumPy and pickle."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import framework as torch

# The article that is the seed of the project


def test_the_articles_snippets():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    x = torch.tensor([1.5])
    y = torch.ones_like(x, device=device)
    z = x.to(device) + y
    assert str(z.cpu()) == "tensor([2.5000])"
    z = torch.tensor([1.9422])
    assert repr(z.to("cpu", torch.double)) in ("tensor([1.9422], dtype=framework.float64)",)
    x = torch.ones(2, 2)
    x.requires_grad_()
    y = (x + 2) ** 2 * 3
    out = y.mean()
    out.backward()
    assert x.grad.tolist() == [[4.5, 4.5], [4.5, 4.5]]
    with torch.no_grad():
        assert not (x**2).requires_grad
    x = torch.zeros(2)
    assert x.add_(1).mul_(3).sub_(1).tolist() == [2, 2]
    assert x.numpy().sum() == 4 and torch.from_numpy(np.ones(2)).dtype is torch.float64


# Making tensors


def test_types_of_new_tensors():
    for data, dtype in [(1, "int64"), (1.0, "float32"), (True, "bool"), ([1, 2.0], "float32"), ([True, 2], "int64"), ([], "float32")]:
        assert torch.tensor(data).dtype is getattr(torch, dtype)
    assert torch.tensor(np.float64(1)).dtype is torch.float64
    assert torch.tensor(np.ones(1, np.int16)).dtype is torch.int16
    assert torch.full((2,), 1).dtype is torch.int64 and torch.full((2,), 1.0).dtype is torch.float32
    assert torch.arange(3).dtype is torch.int64 and torch.arange(3.0).dtype is torch.float32
    assert torch.tensor([[1, 2], [3, 4]]).shape == (2, 2) and torch.tensor(5).shape == ()
    assert torch.tensor([torch.tensor(1.0), torch.tensor(2.0)]).tolist() == [1, 2]
    assert torch.Tensor(2, 3).shape == (2, 3) and torch.Tensor([1, 2]).tolist() == [1, 2]
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype is torch.float64 and (torch.tensor(1) / 2).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_creation():
    assert torch.zeros(2, 3).tolist() == [[0] * 3] * 2 and torch.ones((2,)).tolist() == [1, 1]
    assert torch.arange(1, 10, 4).tolist() == [1, 5, 9] and torch.arange(1, 0, -0.5).tolist() == [1, 0.5]
    np.testing.assert_allclose(torch.linspace(0, 1, 5).numpy(), [0, 0.25, 0.5, 0.75, 1])
    assert torch.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert torch.zeros_like(torch.ones(2, dtype=torch.int8)).dtype is torch.int8
    assert torch.full_like(torch.ones(2), 7).tolist() == [7, 7]
    assert torch.empty(2, 0).shape == (2, 0)
    x = torch.ones(2, dtype=torch.float64)
    assert x.new_zeros(3).dtype is torch.float64 and x.new_tensor([1]).tolist() == [1] and x.new_full((2,), 3).tolist() == [3, 3]
    assert torch.ones(1, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: torch.tensor([[1], [2, 3]]), ValueError, "inhomogeneous"),
        (lambda: torch.tensor("text"), TypeError, "can't convert"),
        (lambda: torch.tensor(1j), NotImplementedError, "complex"),
        (lambda: torch.from_numpy([1]), TypeError, "expected np.ndarray"),
        (lambda: torch.from_numpy(np.ones(2, np.uint16)), TypeError, "supported types"),
        (lambda: torch.from_numpy(np.ones(3)[::-1]), ValueError, "negative"),
        (lambda: torch.arange(0, 1, -1), RuntimeError, "lead from start to end"),
        (lambda: torch.device("tpu"), RuntimeError, "Expected one of cpu, cuda"),
        (lambda: torch.ones(2) + torch.ones(3), RuntimeError, r"a \(2\) must match the size of tensor b \(3\) at non-singleton"),
        (lambda: torch.ones(2, 3) @ torch.ones(2, 3), RuntimeError, r"cannot be multiplied \(2x3 and 2x3\)"),
        (lambda: torch.ones(2, 3).view(4), RuntimeError, r"cannot reshape array of size 6 into shape \(4,\)"),
        (lambda: torch.ones(2, 3).t().view(6), RuntimeError, "Use .reshape"),
        (lambda: torch.ones(2).sum(1), IndexError, "Dimension out of range"),
        (lambda: torch.ones(2)[5], IndexError, "out of bounds"),
        (lambda: torch.ones(2)[0, 0], IndexError, "too many indices"),
        (lambda: torch.ones(2)[::-1], ValueError, "step must be greater than zero"),
        (lambda: torch.ones(2).item(), RuntimeError, "cannot be converted to Scalar"),
        (lambda: bool(torch.ones(2)), RuntimeError, "2 elements cannot be converted to a truth value"),
        (lambda: len(torch.tensor(1)), TypeError, "unsized"),
        (lambda: list(torch.tensor(1)), TypeError, "unsized"),
        (lambda: torch.ones(2, dtype=torch.int64).mean(), RuntimeError, "could not infer output dtype"),
        (lambda: torch.ones(2, requires_grad=True).numpy(), RuntimeError, "detach"),
        (lambda: torch.ones(1) + "text", TypeError, "unsupported operand"),
        (lambda: torch.ones(1).size(3), IndexError, "Dimension out of range"),
        (lambda: torch.stack([torch.ones(1), torch.ones(2)]), RuntimeError, "equal size"),
        (lambda: torch.cat([torch.ones(1, 2), torch.ones(1, 3)]), RuntimeError, "cat"),
        (lambda: torch.ones(2).gather(0, torch.tensor([2])), RuntimeError, "out of bounds"),
        (lambda: range(3)[torch.tensor(1.0)], TypeError, "as an integer"),
        (lambda: torch.ones(2).clamp(), RuntimeError, "must not be None"),
        (lambda: torch.ones(2).to("cuda") if not torch.cuda.is_available() else pytest.skip(), RuntimeError, "no CUDA GPU can be used"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Indexing

SHAPES = npst.array_shapes(max_dims=4, max_side=4, min_side=0)


@st.composite
def basic_indexing(draw):
    shape = draw(SHAPES)
    index = draw(npst.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    parts = index if isinstance(index, tuple) else (index,)
    return shape, tuple(slice(each.start, each.stop, abs(each.step or 1)) if isinstance(each, slice) else each for each in parts)


@st.composite
def advanced_indexing(draw):
    shape = draw(npst.array_shapes(max_dims=3, max_side=4))
    return shape, draw(npst.integer_array_indices(shape) | npst.arrays(bool, shape).map(lambda mask: (mask,)))


def arange(shape):
    return np.arange(np.prod(shape), dtype=np.float64).reshape(shape)


@given(basic_indexing())
def test_slices_are_views(case):
    shape, index = case
    array = arange(shape)
    tensor = torch.tensor(array)
    np.testing.assert_array_equal(tensor[index].numpy(), array[index])
    part = tensor[index]
    part.add_(1)
    array[index] += 1
    np.testing.assert_array_equal(tensor.numpy(), array)
    tensor[index] = 5.0
    array[index] = 5
    np.testing.assert_array_equal(tensor.numpy(), array)


@given(advanced_indexing())
def test_indices_and_masks(case):
    shape, index = case
    array = arange(shape)
    tensor, places = torch.tensor(array), tuple(torch.tensor(each) for each in index)
    np.testing.assert_array_equal(tensor[places].numpy(), array[index])
    tensor[places] = -1.0
    array[index] = -1
    np.testing.assert_array_equal(tensor.numpy(), array)


@settings(deadline=None)  # the first call imports scipy.sparse
@given(advanced_indexing())
def test_gradient_of_indexing_counts_repetitions(case):
    shape, index = case
    x = torch.tensor(arange(shape), requires_grad=True)
    x[tuple(torch.tensor(each) for each in index)].sum().backward()
    counts = np.zeros(shape)
    np.add.at(counts, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


def test_index_forms():
    x = torch.arange(12).reshape(3, 4)
    assert x[torch.tensor(1)].tolist() == x[1].tolist() == x[np.int64(1)].tolist()
    assert x[[0, 2]].tolist() == x[torch.tensor([0, 2])].tolist() == x[np.array([0, 2])].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert x[:, [1, 1]].tolist() == [[1, 1], [5, 5], [9, 9]]
    assert x[[]].shape == (0, 4) and x[..., None].shape == (3, 4, 1) and x[None].shape == (1, 3, 4)
    assert x[x > 9].tolist() == [10, 11] and x[True].shape == (1, 3, 4)
    x[1] = torch.tensor([7, 7, 7, 7])
    x[0, :2] = 9
    x[x == 8] = 0
    x[[0, 1], [3, 3]] = torch.tensor([-1, -2])
    assert x.tolist() == [[9, 9, 2, -1], [7, 7, 7, -2], [0, 9, 10, 11]]
    assert x[0, 0].shape == () and x[0, 0].item() == 9
    x[2, 2] += 5
    assert x[2, 2].item() == 15


# Broadcasting and reductions


@given(npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0))
def test_broadcasting(shapes):
    a, b = (arange(shape) for shape in shapes.input_shapes)
    x, y = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    out = x + 2 * y
    np.testing.assert_array_equal(out.detach().numpy(), a + 2 * b)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(a.shape, out.numel() / max(a.size, 1)))
    np.testing.assert_array_equal(y.grad.numpy(), np.full(b.shape, 2 * out.numel() / max(b.size, 1)))


@given(st.data(), npst.array_shapes(max_dims=4, max_side=3))
def test_reductions(data, shape):
    dims = tuple(data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda d: d % len(shape))))
    keepdim = data.draw(st.booleans())
    array = arange(shape) + 1
    x = torch.tensor(array, requires_grad=True)
    for name in ("sum", "mean", "amax"):
        out = getattr(x, name)(dims, keepdim)
        expected = getattr(np, name)(array, axis=dims or None, keepdims=keepdim)
        np.testing.assert_allclose(out.detach().numpy(), expected)
    (grad,) = torch.autograd.grad(x.sum(dims, keepdim).sum(), x)
    np.testing.assert_array_equal(grad.numpy(), np.ones(shape))


# Attributes and methods


def test_attributes():
    x = torch.ones(2, 3, 4)
    assert x.shape == torch.Size([2, 3, 4]) == (2, 3, 4) and repr(x.shape) == "framework.Size([2, 3, 4])"
    assert x.size(-1) == 4 and x.size() == x.shape and x.dim() == x.ndim == 3 and x.numel() == x.shape.numel() == 24
    assert isinstance(x.shape[:2], torch.Size) and len(x) == 2
    assert x.stride() == (12, 4, 1) and x.transpose(0, 1).stride() == (4, 12, 1) and x.expand(5, 2, 3, 4).stride()[0] == 0
    assert x.is_contiguous() and not x.mT.is_contiguous() and x.mT.contiguous().is_contiguous()
    assert x.element_size() == 4 and x.device == torch.device("cpu") and not x.is_cuda and x.is_floating_point()
    assert torch.is_tensor(x) and not torch.is_tensor(1)


def test_views_share_memory():
    x = torch.zeros(2, 3)
    views = [x.view(6), x.t(), x.reshape(3, 2), x[1:], x.flatten(), x.unsqueeze(0), x.squeeze(), x.expand(2, 2, 3), x.unbind()[1], x.mT]
    for view in (*views, x.detach(), x.data):
        with torch.no_grad():
            x.zero_()
        x[1, 0] = 3
        assert 3 in view.numpy() and np.shares_memory(view.numpy(), x.numpy())
    assert x.view(6)._base is x and x.view(6)[1:]._base is x
    for copied in (x.clone(), x + 0, x[[0, 1]], x.t().reshape(6), x.double(), x.repeat(1, 1)):
        assert not np.shares_memory(copied.numpy(), x.numpy())
    assert x.to(torch.float32) is x and x.cpu() is x and x.contiguous().data_ptr() == x.data_ptr()


def test_conversions():
    x = torch.tensor([1.7, -1.7])
    assert x.int().tolist() == x.long().tolist() == [1, -1] and x.long().dtype is torch.int64
    assert x.half().dtype is torch.float16 and x.bfloat16().dtype is torch.bfloat16 and x.bool().tolist() == [True, True]
    assert x.double().dtype is x.to(torch.float64).dtype is x.to("cpu", torch.float64).dtype is x.type(torch.float64).dtype is torch.float64
    assert x.to(torch.ones(1, dtype=torch.int8)).dtype is x.type_as(torch.ones(1, dtype=torch.int8)).dtype is torch.int8
    assert x.byte().dtype is torch.uint8 and x.char().dtype is torch.int8 and x.short().dtype is torch.int16
    assert x.to(torch.float32, copy=True) is not x
    y = torch.ones(2, requires_grad=True)
    y.double().sum().backward()
    assert y.grad.dtype is torch.float32


def test_python_protocols():
    x = torch.tensor(3)
    assert int(x) == 3 and float(x) == 3.0 and [10, 20, 30, 40][x] == 40 and f"{torch.tensor(1.5):.2f}" == "1.50"
    assert x and not torch.tensor(0)
    assert [each.item() for each in torch.arange(3)] == [0, 1, 2] and 2 in torch.arange(3) and 5 not in torch.arange(3)
    assert len({x, x, torch.tensor(3)}) == 2  # hashed by identity
    assert torch.tensor([True]).item() is True and isinstance(torch.tensor(1.0).item(), float) and isinstance(x.item(), int)
    assert isinstance(torch.tensor(1.0, dtype=torch.bfloat16).item(), float)
    assert (x == None) is False  # noqa: E711
    a, b = torch.ones(2, 2)
    assert a.shape == (2,)


def test_with_numpy():
    array = np.ones(3)
    x = torch.from_numpy(array)
    array[0] = 5
    x[1] = 6
    assert x.tolist() == array.tolist() == [5, 6, 1]
    assert torch.as_tensor(array).data_ptr() == x.data_ptr() and torch.as_tensor(x) is x and torch.tensor(array).data_ptr() != x.data_ptr()
    assert isinstance(array + x, torch.Tensor) and isinstance(np.float64(2) * x, torch.Tensor)
    assert np.asarray(x) is not None and np.sin(x.numpy()).shape == (3,) and np.asarray(x, np.float32).dtype == np.float32
    assert torch.ones(2, requires_grad=True).numpy(force=True).tolist() == [1, 1]


def test_dlpack():
    x = torch.arange(4)
    y = torch.from_dlpack(x)
    z = np.from_dlpack(x)
    x[0] = 9
    assert y[0].item() == z[0] == 9
    assert torch.from_dlpack(np.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool"])
def test_pickle_and_copy(dtype):
    x = torch.ones(2, 3, dtype=getattr(torch, dtype)).t()
    if x.is_floating_point():
        x.requires_grad_()
        x.grad = torch.ones(3, 2, dtype=x.dtype)
    for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.deepcopy([x, x])[1]):
        assert again.dtype is x.dtype and again.requires_grad == x.requires_grad and torch.equal(again, x)
        assert not np.shares_memory(again.detach().numpy(), x.detach().numpy())
    if x.requires_grad:
        assert copy.deepcopy(x).grad is not x.grad and torch.equal(copy.deepcopy(x).grad, x.grad)
        with pytest.raises(RuntimeError, match="graph leaves"):
            copy.deepcopy(x * 2)
    one, other = copy.deepcopy([x, x])
    assert one is other and pickle.loads(pickle.dumps(torch.float32)) is torch.float32


def test_random_fills():
    torch.manual_seed(0)
    x = torch.empty(1000)
    assert x.uniform_(2, 3).min() >= 2 and x.max() < 3
    assert abs(x.normal_(5, 0.1).mean().item() - 5) < 0.02
    assert set(x.bernoulli_(0.3).tolist()) == {0, 1} and 200 < x.sum().item() < 400


def test_equal_and_allclose():
    x = torch.tensor([1.0, 2.0])
    assert torch.equal(x, x.clone()) and not torch.equal(x, x + 1) and not torch.equal(x, torch.ones(3))
    assert torch.allclose(x, x + 1e-9) and not torch.allclose(x, x + 1)

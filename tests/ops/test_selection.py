"""Reductions, sorting, scatter, unique, drawn at random; named results; options and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import framework
from tests.samples.table import assert_same

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
SMALL = arrays.arrays(np.float64, SHAPES, elements=st.sampled_from([-2.5, -1.0, 0.0, 1.0, 3.25]))
NAN = arrays.arrays(np.float64, SHAPES, elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0, np.nan, np.inf]))
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "all": np.all, "any": np.any, "nansum": np.nansum,
              "var": lambda x, **named: np.var(x, ddof=1, **named), "count_nonzero": np.count_nonzero}  # fmt: skip


def dims_of(draw, ndim):
    """One, several or all dimensions, counted from either end."""
    dims = draw(st.lists(st.integers(0, max(ndim - 1, 0)), unique=True, min_size=1, max_size=max(ndim, 1)))
    dims = [each - max(ndim, 1) * draw(st.integers(0, 1)) for each in dims]
    return draw(st.sampled_from([None, dims[0], tuple(dims), list(dims)]))


@pytest.mark.filterwarnings("ignore")  # NumPy's, of the mean of nothing
@pytest.mark.parametrize("name", REDUCTIONS)
@given(data=st.data())
def test_reductions(name, data):
    array, keepdim = data.draw(SMALL), data.draw(st.booleans())
    dim = dims_of(data.draw, array.ndim)
    named = {} if name == "count_nonzero" else {"keepdim": keepdim}
    reduced = [array.shape[each] for each in np.atleast_1d(dim)] if dim is not None and array.ndim else [array.size]
    if name in ("amax", "amin") and 0 in reduced:
        with pytest.raises((IndexError, RuntimeError), match="reduction"):
            getattr(framework, name)(framework.tensor(array), () if dim is None else dim)
        return
    out = getattr(framework, name)(framework.tensor(array), () if dim is None and name in ("amax", "amin") else dim, **named)
    axis = tuple(dim) if isinstance(dim, list) else dim
    axis = None if not array.ndim else axis
    expected = REDUCTIONS[name](array, axis=axis, **({"keepdims": keepdim} if named else {}))
    assert tuple(out.shape) == np.shape(expected)
    if name != "var" or np.prod(reduced) > 1:
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12, atol=1e-12)


@given(NAN, st.booleans(), st.data())
def test_sort_and_what_is_read_off_it(array, descending, data):
    dim = data.draw(st.integers(-max(array.ndim, 1), max(array.ndim, 1) - 1))
    x, line = framework.tensor(array), np.atleast_1d(array)
    values, indices = x.sort(dim, descending)
    expected = np.sort(line, dim) if not descending else np.flip(np.sort(line, dim), dim)  # nan after all numbers, or before them
    np.testing.assert_array_equal(values.numpy(), expected.reshape(array.shape))
    np.testing.assert_array_equal(np.take_along_axis(line, np.atleast_1d(indices.numpy()), dim), expected)
    values, order = (np.moveaxis(each, dim, -1) for each in (expected, np.atleast_1d(indices.numpy())))
    assert (np.diff(order)[values[..., 1:] == values[..., :-1]] > 0).all()  # stable
    k = data.draw(st.integers(0, line.shape[dim]))
    top = x.topk(k if array.ndim else 1, dim, largest=descending)
    np.testing.assert_array_equal(np.atleast_1d(top.values.numpy()), expected.take(range(k if array.ndim else 1), dim))
    if line.shape[dim]:
        kept = [np.sort(each[~np.isnan(each)]) for each in np.moveaxis(line, dim, -1).reshape(-1, line.shape[dim])]
        wanted = [each[(len(each) - 1) // 2] if len(each) else np.nan for each in kept]
        np.testing.assert_array_equal(np.ravel(x.nanmedian(dim).values.numpy()), wanted)


@given(SMALL, st.booleans(), st.data())
def test_unique(array, along, data):
    dim = data.draw(st.integers(0, array.ndim - 1)) if along and array.ndim and array.size else None
    x, rows = framework.tensor(array), array.reshape(-1) if dim is None else np.moveaxis(array, dim, 0)
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True, dim=dim)
    np.testing.assert_array_equal(values.numpy(), np.unique(array, axis=dim))
    moved = values.numpy() if dim is None else np.moveaxis(values.numpy(), dim, 0)
    np.testing.assert_array_equal(moved[inverse.numpy().ravel()], rows)
    np.testing.assert_array_equal(counts.numpy(), np.bincount(inverse.numpy().ravel(), minlength=len(moved)))
    values, inverse, counts = x.unique_consecutive(return_inverse=True, return_counts=True, dim=dim)
    moved = values.numpy() if dim is None else np.moveaxis(values.numpy(), dim, 0)
    np.testing.assert_array_equal(moved[inverse.numpy().ravel()], rows)
    np.testing.assert_array_equal(np.repeat(moved, counts.numpy(), 0), rows)
    assert not len(moved) or all((a != b).any() for a, b in zip(moved[1:], moved[:-1], strict=True))


@pytest.mark.parity
@pytest.mark.parametrize("name", ["scatter_add", "sum", "prod", "mean", "amax", "amin"])
@settings(deadline=None)
@given(data=st.data())
def test_scatter(name, data):
    torch = pytest.importorskip("torch")
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=3))
    dim, include = data.draw(st.integers(-len(shape), len(shape) - 1)), data.draw(st.booleans())
    sizes = [data.draw(st.integers(0, 4 if d == dim % len(shape) else n)) for d, n in enumerate(shape)]
    index = data.draw(arrays.arrays(np.int64, sizes, elements=st.integers(0, shape[dim] - 1)))
    random, results = np.random.default_rng(0), []
    array, source = random.standard_normal(shape), random.standard_normal(sizes)
    for library in (framework, torch):
        leaves = [library.tensor(each, requires_grad=True) for each in (array, source)]
        args = (dim, library.tensor(index), leaves[1])
        out = leaves[0].scatter_add(*args) if name == "scatter_add" else leaves[0].scatter_reduce(*args, name, include_self=include)
        results.append([out, *library.autograd.grad((out * out).sum(), leaves)])
    assert_same(*results, rtol=1e-9)


def test_prod_of_scatter_where_factors_are_zero():
    x, y = (framework.tensor(each, requires_grad=True) for each in ([0.0, 2.0, 3.0], [4.0, 5.0, 0.0, 0.0]))
    out = x.scatter_reduce(0, framework.tensor([0, 0, 1, 2]), y, "prod")
    grads = framework.autograd.grad(out.sum(), (x, y))
    assert out.tolist() == [0, 0, 0] and grads[0].tolist() == [20, 0, 0] and grads[1].tolist() == [0, 0, 2, 3]


def test_gradient_of_a_part_of_the_source():
    """PyTorch has none where `src` is larger than `index`; here the rest gets zeros."""
    x, y = framework.zeros(3, requires_grad=True), framework.ones(4, requires_grad=True)
    for out in (x.scatter(0, framework.tensor([1, 0]), y), x.scatter_add(0, framework.tensor([1, 0]), y)):
        assert framework.autograd.grad(out.sum(), y)[0].tolist() == [1, 1, 0, 0]


def test_cumprod_through_zeros():
    x = framework.tensor([2.0, 0.0, 3.0, 0.0, 4.0], requires_grad=True)
    assert framework.autograd.gradcheck(lambda x: x.cumprod(0), (x.double().detach().requires_grad_(),))
    (grad,) = framework.autograd.grad(x.cumprod(0).sum(), x)
    assert grad.tolist() == [1, 8, 0, 0, 0]


def test_named_results():
    x = framework.tensor([[1.0, 3.0, 2.0]])
    for call in ("max", "min", "median", "nanmedian", "cummax", "cummin"):
        out = getattr(x, call)(1)
        assert out.values is out[0] and out.indices is out[1] and type(out).__name__ == call and len(out) == 2
    assert repr(x.max(1)) == "framework.return_types.max(\nvalues=tensor([3.]),\nindices=tensor([1]))"
    assert x.sort().indices.tolist() == [[0, 2, 1]] and type(x.topk(1)).__name__ == "topk"
    assert x.aminmax().min.item() == 1 and x.aminmax().max.item() == 3


def test_half_is_reduced_in_single():
    x = framework.ones(70000).half()
    assert x.mean().item() == 1 and x.var().item() == 0 and x.mean().dtype is framework.float16
    assert framework.full((3,), 300.0).half().norm().item() == pytest.approx(519.5)
    assert framework.full((300,), 300.0).half().std().item() == 0


def test_numpy_spelling():
    x = framework.arange(6.0).reshape(2, 3)
    for name in ("sum", "mean", "var", "std", "prod", "amax", "max", "logsumexp", "argmax", "all", "nansum"):
        ours, numpys = getattr(x, name)(dim=1, keepdim=True), getattr(x, name)(axis=1, keepdims=True)
        assert_same(ours, numpys)


def test_nuclear_norm_is_refused():
    with pytest.raises(NotImplementedError, match="nuc"):
        framework.eye(2).norm("nuc")


BAD = {
    "dim": (lambda T, x: x.sum(2), IndexError, "Dimension out of range"),
    "dim of max": (lambda T, x: x.max(-3), IndexError, "Dimension out of range"),
    "dim of var": (lambda T, x: x.var((0, 5)), IndexError, "Dimension out of range"),
    "dim of cumsum": (lambda T, x: x.cumsum(2), IndexError, "Dimension out of range"),
    "dim of sort": (lambda T, x: x.sort(7), IndexError, "Dimension out of range"),
    "dim twice": (lambda T, x: x.mean((0, -2)), RuntimeError, "appears multiple times"),
    "dim twice in all": (lambda T, x: x.all((1, 1)), RuntimeError, "appears multiple times"),
    "max of nothing": (lambda T, x: x[:0].max(), RuntimeError, "no identity"),
    "max along nothing": (lambda T, x: x[:0].max(0), IndexError, "dim 0 to have non-zero size"),
    "amin along nothing": (lambda T, x: x[:0].amin(0), IndexError, "dim 0 to have non-zero size"),
    "argmax of nothing": (lambda T, x: x[:0].argmax(), IndexError, "dim 0 to have non-zero size"),
    "argmax along nothing": (lambda T, x: x[:0].argmax(0), IndexError, "dim 0 to have non-zero size"),
    "median along nothing": (lambda T, x: x[:0].median(0), IndexError, "dim 0 to have non-zero size"),
    "argmax of two dims": (lambda T, x: x.argmax((0, 1)), TypeError, "'dim' must be int, not tuple"),
    "mean of integers": (lambda T, x: x.long().mean(), RuntimeError, "floating point.* Got: int64"),
    "mean as integers": (lambda T, x: x.mean(dtype=T.int64), RuntimeError, "floating point.* Got: int64"),
    "var of integers": (lambda T, x: x.long().var(), RuntimeError, "not implemented for 'int64'"),
    "norm of integers": (lambda T, x: x.long().norm(), RuntimeError, "not implemented for 'int64'"),
    "topk": (lambda T, x: x.topk(4), RuntimeError, "k out of range"),
    "quantile out of range": (lambda T, x: x.quantile(1.5), RuntimeError, r"must be in the range \[0, 1\] but got 1.5"),
    "quantiles out of range": (lambda T, x: x.quantile(T.tensor([0.5, -0.1])), RuntimeError, r"must be in the range \[0, 1\]"),
    "quantile of a matrix": (lambda T, x: x.quantile(T.ones(1, 1)), RuntimeError, "scalar or 1D tensor"),
    "quantile type": (lambda T, x: x.quantile(T.ones(1).double()), RuntimeError, "dtype, but got 1D framework.float64"),
    "quantile of nothing": (lambda T, x: x[:0].quantile(0.5), RuntimeError, "must be non-empty"),
    "quantile of integers": (lambda T, x: x.long().quantile(0.5), RuntimeError, "must be either float or double"),
    "quantile method": (lambda T, x: x.quantile(0.5, interpolation="foo"), RuntimeError, "must be one of linear.* but got foo"),
    "diff n": (lambda T, x: x.diff(n=-1), RuntimeError, "non-negative but got -1"),
    "diff of no dimension": (lambda T, x: T.tensor(1.0).diff(), RuntimeError, "at least 1 dimension"),
    "diff prepend": (lambda T, x: x.diff(prepend=T.zeros(2)), RuntimeError, "same dimension as input"),
    "bincount of negatives": (lambda T, x: T.bincount(T.tensor([-1])), RuntimeError, "1-d non-negative integral"),
    "bincount weights": (lambda T, x: T.bincount(T.tensor([1]), T.ones(2)), RuntimeError, "same length"),
    "bincount minlength": (lambda T, x: T.bincount(T.tensor([1]), minlength=-1), RuntimeError, "must not be negative"),
    "gather dims": (lambda T, x: x.gather(1, T.tensor([0])), RuntimeError, r"index \[1\] to be no larger than \[2, 3\]"),
    "gather range": (lambda T, x: x.gather(1, T.tensor([[3]])), RuntimeError, "index 3 is out of bounds for dimension 1 with size 3"),
    "gather floats": (lambda T, x: x.gather(1, T.tensor([[0.0]])), RuntimeError, "int32/int64"),
    "scatter range": (lambda T, x: x.scatter(1, T.tensor([[-1]]), 1.0), RuntimeError, "index -1 is out of bounds"),
    "scatter type": (lambda T, x: x.scatter(1, T.tensor([[0]]), T.ones(1, 1).double()), RuntimeError, "float32 and float64"),
    "scatter dims of src": (lambda T, x: x.scatter(1, T.tensor([[0]]), T.tensor(1.0)), RuntimeError, r"no larger than src \[\]"),
    "scatter size": (lambda T, x: x.scatter(1, T.zeros(3, 1, dtype=T.int64), 1.0), RuntimeError, "apart from dimension 1"),
    "scatter size of src": (lambda T, x: x.scatter(1, T.zeros(2, 2, dtype=T.int64), T.ones(1, 2)), RuntimeError, "no larger than src"),
    "scatter reduce": (lambda T, x: x.scatter(1, T.tensor([[0]]), 1.0, reduce="foo"), RuntimeError, "add or multiply"),
    "scatter_reduce": (lambda T, x: x.scatter_reduce(1, T.tensor([[0]]), x, "foo"), RuntimeError, "got foo"),
    "index_add type": (lambda T, x: x.index_add(1, T.tensor([0]), T.ones(2, 1).double()), RuntimeError, "float32 and float64"),
    "index_add range": (lambda T, x: x.index_add(1, T.tensor([5]), T.ones(2, 1)), RuntimeError, "index 5 is out of bounds"),
    "index_add floats": (lambda T, x: x.index_add(1, T.tensor([0.0]), T.ones(2, 1)), RuntimeError, "int32/int64"),
    "index_add short": (lambda T, x: x.index_add(1, T.tensor([0]).short(), T.ones(2, 1)), RuntimeError, "int32/int64"),
    "index_select range": (lambda T, x: x.index_select(0, T.tensor([5])), IndexError, "index 5 is out of bounds"),
    "index_select short": (lambda T, x: x.index_select(1, T.tensor([0]).short()), RuntimeError, "int32/int64"),
    "gather short": (lambda T, x: x.gather(1, T.tensor([[0]]).short()), RuntimeError, "int32/int64"),
    "scatter short": (lambda T, x: x.scatter(1, T.tensor([[0]]).short(), 1.0), RuntimeError, "int32/int64"),
    "scatter value": (lambda T, x: x.long().scatter(1, T.tensor([[0]]), float("nan")), RuntimeError, "without overflow"),
    "index_copy short": (lambda T, x: x.index_copy(1, T.tensor([0]).short(), T.ones(2, 1)), RuntimeError, "int32/int64"),
    "index_copy type": (lambda T, x: x.index_copy(1, T.tensor([0]), T.ones(2, 1).double()), RuntimeError, "float32 and float64"),
    "index_copy number": (lambda T, x: x.index_copy(1, T.tensor([0]), T.ones(2, 2)), IndexError, r"shape \[2, 1\], but got \[2, 2\]"),
    "index_fill range": (lambda T, x: x.index_fill(1, T.tensor([7]), 1.0), IndexError, "index 7 is out of bounds"),
    "index_fill value": (lambda T, x: x.index_fill(1, T.tensor([0]), T.ones(1)), RuntimeError, "without dimensions"),
    "masked_fill value": (lambda T, x: x.masked_fill(x > 0, T.ones(1)), RuntimeError, "without dimensions"),
    "masked_select mask": (lambda T, x: x.masked_select(x.long()), RuntimeError, "boolean mask"),
    "take type": (lambda T, x: x.take(T.tensor([0.0])), RuntimeError, "long tensor"),
    "take_along_dim range": (lambda T, x: x.take_along_dim(T.tensor([9])), RuntimeError, "index 9 is out of bounds"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_errors(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call(framework, framework.arange(6.0).reshape(2, 3))


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_pytorch_raises_them_too(name):
    torch = pytest.importorskip("torch")
    call, error, _ = BAD[name]
    with pytest.raises(error):
        call(torch, torch.arange(6.0).reshape(2, 3))

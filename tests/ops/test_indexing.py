"""Indices of every form, drawn at random: reading, writing and their gradients, against NumPy and against PyTorch."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework


@st.composite
def positions(draw, shape):
    """An index of an array of `shape`: ints, slices, None, ..., bools, integer arrays that broadcast together, masks."""
    parts, dims = [], list(range(len(shape)))
    common = draw(st.sampled_from([(2,), (3,), (2, 1), (1,)]))
    while dims:
        n, kind = shape[dims[0]], draw(st.sampled_from(["int", "slice", "array", "list", "mask", "none", "bool", "skip", "all"]))
        if kind == "int" and n:
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "array" and n:
            values = draw(st.lists(st.integers(-n, n - 1), min_size=2, max_size=2))
            parts.append(np.resize(values, draw(st.sampled_from([common, (1,), common[-1:]]))))
        elif kind == "list" and n:
            parts.append(draw(st.lists(st.integers(-n, n - 1), min_size=common[-1], max_size=common[-1])))
        elif kind == "mask":
            mask = np.zeros(n, bool)
            mask[: common[-1]] = True
            if mask.sum() != common[-1]:
                continue
            parts.append(mask)
        elif kind in ("none", "bool") and len(parts) < 6:
            parts.append(None if kind == "none" else True)
            continue
        elif kind == "skip" and not any(each is ... for each in parts):
            parts.append(...)
            dims = dims[draw(st.integers(0, len(dims))) :]
            continue
        elif kind == "all" and not any(each is ... for each in parts):
            break
        else:
            start, stop = draw(st.integers(-3, 3)), draw(st.integers(-3, 3))
            parts.append(slice(draw(st.sampled_from([None, start])), draw(st.sampled_from([None, stop])), draw(st.sampled_from([None, 2]))))
        dims = dims[1:]
    return tuple(parts)


@st.composite
def cases(draw):
    shape = draw(st.lists(st.integers(0, 4), max_size=4).map(tuple))
    return shape, draw(positions(shape))


def of(library, position):
    return tuple(library.tensor(each) if isinstance(each, np.ndarray) else each for each in position)


def two_steps(position) -> tuple:
    """The index that selects a view, and the one that then picks: what PyTorch does with ints that stand beside arrays."""
    basic, picks = [], []
    for each in position:
        if isinstance(each, (list, np.ndarray)):
            basic.append(slice(None))
            picks.append(each)
        elif each is True:
            basic.append(None)
            picks.append([0])
        else:
            basic.append(each)
            if not isinstance(each, int):
                picks.append(... if each is ... else slice(None))
    return tuple(basic), tuple(picks)


@settings(deadline=None)  # the first call imports scipy.sparse
@given(cases())
def test_reading_and_its_gradient(case):
    shape, position = case
    array = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    basic, picks = two_steps(position)
    expected = array[basic][picks]
    leaf = framework.tensor(array, requires_grad=True)
    out = leaf[of(framework, position)]
    np.testing.assert_array_equal(out.detach().numpy(), expected)
    weights = np.cos(np.arange(expected.size)).reshape(expected.shape)
    (grad,) = framework.autograd.grad(out, leaf, framework.tensor(weights))
    wanted = np.zeros(shape)
    np.add.at(wanted[basic if any(each is ... for each in basic) else (*basic, ...)], picks, weights)
    np.testing.assert_allclose(grad.numpy(), wanted, atol=1e-12)


@pytest.mark.parity
@settings(deadline=None)
@given(cases(), st.booleans())
def test_as_pytorch(case, broadcast):
    torch = pytest.importorskip("torch")
    shape, position = case
    array = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    read, written, grads = [], [], []
    for library in (framework, torch):
        leaf = library.tensor(array, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = leaf[of(library, position)]
            sizes = (1,) * 2 if broadcast else tuple(out.shape)
            value = library.tensor(np.sin(np.arange(np.prod(sizes, dtype=int))).reshape(sizes), requires_grad=True)
            changed = leaf * 1
            changed[of(library, position)] = value
        read.append(out.detach().numpy())
        written.append(changed.detach().numpy())
        grads.append([each.numpy() for each in library.autograd.grad((changed * changed).sum() + (out**3).sum(), (leaf, value))])
    np.testing.assert_array_equal(*read)
    distinct = len(np.unique(np.arange(array.size).reshape(shape)[two_steps(position)[0]][two_steps(position)[1]])) == read[0].size
    if distinct or broadcast:  # else which of the values written to one place stays is not said
        np.testing.assert_array_equal(*written)
    if distinct:
        for ours, theirs in zip(*grads, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_basic_indices_are_views_and_others_copies():
    x = framework.zeros(3, 4)
    for view in (x[1], x[1:, ::2], x[..., None], x[None], x[0, 0], x[:]):
        assert view._base is x
    for copy in (x[[0]], x[x > 1], x[framework.tensor([0, 1])], x[True]):
        assert copy._base is None
    x[1][2] = 5
    x[framework.tensor(0)][1] = 6
    assert x[1, 2].item() == 5 and x[0, 1].item() == 6


def test_changes_in_place_through_an_index_are_recorded():
    leaf = framework.tensor([1.0, 2.0, 3.0], requires_grad=True)
    factor = framework.tensor(2.0, requires_grad=True)
    x = leaf * 1
    x[1] += factor
    x[[0, 2]] *= factor
    x[x > 5.5] = factor * factor
    assert x.tolist() == [2, 4, 4]
    grads = framework.autograd.grad(x.sum(), (leaf, factor))
    assert grads[0].tolist() == [2, 1, 0] and grads[1].item() == 1 + 1 + 4


def test_index_arrays_changed_before_backward_are_noticed():
    index = framework.tensor([0, 1])
    out = framework.ones(3, requires_grad=True)[index]
    index[0] = 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


ERRORS = {
    "int": (lambda T, x: x[5], IndexError, "index 5 is out of bounds"),
    "negative": (lambda T, x: x[:, -4], IndexError, "index -4 is out of bounds"),
    "array": (lambda T, x: x[T.tensor([0, 2])], IndexError, "index 2 is out of bounds"),
    "too many": (lambda T, x: x[0, 0, 0], IndexError, "too many indices"),
    "too many arrays": (lambda T, x: x[[0], [0], [0]], IndexError, "too many indices"),
    "of no dimension": (lambda T, x: T.tensor(1.0)[0], IndexError, "too many indices"),
    "mask": (lambda T, x: x[T.tensor([True, False, True])], IndexError, "size of axis is 2 but .* is 3"),
    "second mask": (lambda T, x: x[:, T.tensor([True, False])], IndexError, "axis 1; size of axis is 3 but .* is 2"),
    "mask of two dimensions": (lambda T, x: x[T.ones(2, 2, dtype=T.bool)], IndexError, "axis 1; size of axis is 3 but .* is 2"),
    "floats": (lambda T, x: x[T.tensor([1.0])], IndexError, "long, int, byte or bool"),
    "int16": (lambda T, x: x[T.tensor([1], dtype=T.int16)], IndexError, "long, int, byte or bool"),
    "a float": (lambda T, x: x[1.0], IndexError, "not float"),
    "arrays that do not broadcast": (lambda T, x: x[[0, 1], [0, 1, 2]], IndexError, "shape mismatch"),
    "backwards": (lambda T, x: x[::-1], ValueError, "step must be greater than zero"),
    "value": (lambda T, x: x.__setitem__([0, 1], T.ones(2)), RuntimeError, "shape mismatch"),
    "value for a mask": (lambda T, x: x.__setitem__(x >= 0, T.ones(2)), RuntimeError, "cannot assign 2 input values to the 6"),
    "type of the value": (lambda T, x: x.__setitem__([0], T.ones(3, dtype=T.int64)), RuntimeError, "float32 and int64"),
    "written outside": (lambda T, x: x.__setitem__([7], 1.0), IndexError, "index 7 is out of bounds"),
    "index_put": (lambda T, x: x.index_put((T.tensor([0]),), T.ones(3).double()), RuntimeError, "float32 and float64"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, says = ERRORS[name]
    with pytest.raises(error, match=says):
        call(framework, framework.zeros(2, 3))


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_pytorch_raises_them_too(name):
    torch = pytest.importorskip("torch")
    call, error, _ = ERRORS[name]
    with pytest.raises(error):
        call(torch, torch.zeros(2, 3))


def test_deprecated_forms():
    x = framework.arange(6).reshape(2, 3)
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        assert x[framework.tensor([0, 1], dtype=framework.uint8)].tolist() == [[3, 4, 5]]
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        assert x[[[0, 1], [1, 0]]].tolist() == [1, 3]


@settings(deadline=None)
@given(st.lists(st.integers(-5, 4), max_size=12), st.sampled_from(["float32", "float16", "int64"]))
def test_adding_at_repeated_rows(rows, dtype):
    """What reading rows sends back, and index_put(accumulate=True)."""
    dtype = getattr(framework, dtype)
    values = np.arange(len(rows) * 3).reshape(-1, 3) % 7
    index = framework.tensor(rows, dtype=framework.int64)
    out = framework.ones(5, 3, dtype=dtype).index_put((index,), framework.tensor(values).to(dtype), accumulate=True)
    expected = np.ones((5, 3))
    np.add.at(expected, np.array(rows, int), values)
    assert out.dtype is dtype and out.tolist() == expected.tolist()


def test_an_ellipsis_that_stands_for_nothing_parts_nobody():
    """NumPy takes the indices around it for separated, and puts their dimension first; PyTorch does not."""
    x = framework.arange(24).reshape(2, 3, 4)
    assert x[:, [0, 1], ..., [1, 2]].tolist() == [[1, 6], [13, 18]]
    x[:, [0, 1], ..., [1, 2]] = 0
    assert x.sum().item() == sum(range(24)) - 1 - 6 - 13 - 18

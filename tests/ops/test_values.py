"""Every row of the table against NumPy: values, shapes and types; and whatever the layout and the type of the inputs."""

import numpy as np
import pytest

import framework
from framework.autograd.op import Op
from tests.samples.table import Drawn, outputs, samples

KINDS = {"b": 0, "i": 1, "f": 2}
LOW_PRECISION = {"float32": 1e-4, "float16": 5e-2, "bfloat16": 3e-1}


def compute(sample, convert=lambda array: array) -> list:
    return outputs(sample.row(framework, *sample.tensors(framework, convert=convert)))


@pytest.mark.parametrize("sample", samples(where=lambda row: row.expected is not None))
def test_values(sample):
    expected = sample.row.expected(*sample.arrays())
    expected = expected if isinstance(expected, (tuple, list)) else [expected]
    results = compute(sample)
    assert len(results) == len(expected)
    for out, value in zip(results, map(np.asarray, expected), strict=True):
        assert tuple(out.shape) == value.shape
        assert out.dtype.kind == KINDS[value.dtype.kind]
        np.testing.assert_allclose(out.numpy(), value, rtol=1e-5 if sample.row.single else 1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda array: np.repeat(array, 2, axis=-1)[..., ::2]], ids=["fortran", "with gaps"])
@pytest.mark.parametrize("sample", samples(where=lambda row: row.any_layout))
def test_memory_layout_does_not_matter(sample, layout):
    def shared(array):  # from_numpy keeps the layout
        return framework.from_numpy(layout(array) if array.ndim else array)

    inputs = [shared(each) if isinstance(each, np.ndarray) else each for each in sample.arrays()]
    for ours, plain in zip(outputs(sample.row(framework, *inputs)), compute(sample), strict=True):
        np.testing.assert_allclose(ours.numpy(), plain.numpy(), rtol=1e-6 if sample.row.single else 1e-12, atol=1e-14)


ALL_TYPES = samples(where=lambda row: row.gradient and not row.single and row.halves)
FLOATING = [each for each in ALL_TYPES if any(isinstance(input, Drawn) and input.kind == "f" for input in each.values[0].inputs)]


@pytest.mark.parametrize("dtype", LOW_PRECISION)
@pytest.mark.parametrize("sample", FLOATING)
def test_floating_types_stay_what_they_are(sample, dtype):
    wanted = getattr(framework, dtype)

    def rounded(array):
        return array.astype(wanted.numpy) if array.dtype.kind == "f" else array

    if sample.row.name == "double":
        return
    for low, exact in zip(compute(sample, convert=rounded), compute(sample), strict=True):
        assert low.dtype is (wanted if exact.is_floating_point() else exact.dtype)
        if exact.is_floating_point():
            np.testing.assert_allclose(low.double().numpy(), exact.numpy(), rtol=LOW_PRECISION[dtype], atol=LOW_PRECISION[dtype])


OTHERS = ("where", "unfold")  # methods that take other arguments than the function
METHODS = samples(where=lambda row: row.call is None and hasattr(framework.Tensor, row.function) and row.function not in OTHERS)


@pytest.mark.parametrize("sample", METHODS)
def test_methods_are_the_functions(sample):
    first, *others = sample.tensors(framework)
    result = getattr(first, sample.row.function)(*others, **sample.row.keywords)
    for a, b in zip(outputs(result), compute(sample), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("sample", [each for each in METHODS if hasattr(framework.Tensor, each.values[0].row.function + "_")])
def test_in_place_methods(sample):
    """The same values and gradients, in the tensor itself; an error where they would not fit."""
    out_of_place, start = value_and_gradients(sample, ""), sample.tensors(framework)[0]
    if out_of_place[0].shape != start.shape:
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            value_and_gradients(sample, "_")
    else:
        in_place = value_and_gradients(sample, "_")
        assert in_place[0].dtype is start.dtype
        for a, b in zip(out_of_place, in_place, strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def value_and_gradients(sample, underscore) -> list:
    leaves = sample.tensors(framework, requires_grad=True)
    out = getattr(leaves[0].clone(), sample.row.function + underscore)(*leaves[1:], **sample.row.keywords)
    wanted = [each for each in leaves if getattr(each, "requires_grad", False)]
    return [out, *(framework.autograd.grad(out.sum(), wanted) if sample.row.gradient else [])]


def test_every_function_is_in_the_table():
    rows = {each.values[0].row.function for each in samples()}
    public = vars(framework).items()
    names = {name for name, each in public if isinstance(each, Op) or getattr(each, "__module__", "").startswith("framework.ops")}
    assert len(names) > 100 and not names - rows - {"allclose", "equal", "result_type"}  # which give no tensor
    assert not set(framework.nn.functional.__all__) - rows - {"dropout", "dropout1d", "dropout2d", "dropout3d"}

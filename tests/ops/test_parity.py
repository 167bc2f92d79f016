"""Every row of the table against PyTorch: values, shapes, types and gradients, for every type of input."""

import itertools
import warnings

import numpy as np
import pytest

import framework
from tests.samples.table import assert_same, outputs, samples

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
# What PyTorch refuses on a CPU for want of a kernel, by its message, and what is computed here
MORE_THAN_PYTORCH = (
    "\"slow_conv_dilated<>\" not implemented for 'Byte'",  # without dilation it computes
    "\"max_pool1d_impl\" not implemented for 'Byte'",  # with return_indices it computes
    "\"max_pool1d_impl\" not implemented for 'Long'",
    "\"avg_pool3d_out_frame\" not implemented for 'Half'",  # on a GPU it computes
    "\"avg_pool3d_out_frame\" not implemented for 'BFloat16'",
    *(f"\"{kernel}\" not implemented for '{half}'" for half in ("Half", "BFloat16") for kernel in (
        "multi_margin_loss_cpu_kernel", "multilabel_margin_loss_forward_out_frame", "ctc_loss_cpu")),
    '"cdist" not implemented for',
    '"pdist" not implemented for',
)
PRECISION = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 1e-4}


@pytest.mark.parametrize("sample", samples())
def test_values_and_gradients(sample):
    results = []
    for namespace in (framework, torch):
        inputs = sample.tensors(namespace, requires_grad=sample.row.gradient)
        leaves = [each for each in inputs if getattr(each, "requires_grad", False)]
        outs = outputs(sample.row(namespace, *inputs))
        recorded = [out for out in outs if out.requires_grad]
        weights = [namespace.tensor(np.cos(np.arange(out.numel())).reshape(out.shape)).to(out.dtype) for out in recorded]
        grads = namespace.autograd.grad(recorded, leaves, weights, allow_unused=True) if recorded and leaves else ()
        results.append((outs, [each for each in grads if each is not None]))
    (values, grads), (their_values, their_grads) = results
    assert [out.requires_grad for out in values] == [out.requires_grad for out in their_values]
    assert_same(values, their_values)
    assert_same(grads, their_grads, rtol=1e-5)


def result_or_error(sample, namespace, dtype):
    """The result with all floating inputs cast to `dtype`, or the error that it is."""
    inputs = sample.tensors(namespace)
    inputs = [each.to(getattr(namespace, dtype)) if getattr(each, "dtype", None) == namespace.float64 else each for each in inputs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overflow and division by zero, which NumPy warns of
            return sample.row(namespace, *inputs)
    except (RuntimeError, NotImplementedError, TypeError, OverflowError) as error:
        return error


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "float32"])
@pytest.mark.parametrize("sample", samples())
def test_types(sample, dtype):
    """The same result, or refused where PyTorch refuses."""
    ours, theirs = (result_or_error(sample, namespace, dtype) for namespace in (framework, torch))
    if isinstance(theirs, Exception):
        if not any(text in str(theirs) for text in MORE_THAN_PYTORCH):
            assert isinstance(ours, type(theirs)), f"PyTorch refuses: {theirs}"  # NotImplementedError is a RuntimeError
    elif isinstance(ours, NotImplementedError):  # of no elements, PyTorch returns before it looks at their type
        empty = any(each.size == 0 for each in sample.arrays() if isinstance(each, np.ndarray))
        assert empty or not sample.row.integers and "float" not in dtype, ours
    else:
        assert not isinstance(ours, Exception), ours
        assert_same(ours, theirs, rtol=PRECISION.get(dtype, 1e-6))


OPERATIONS = {
    "add": lambda T, x, y: x + y,
    "mul": lambda T, x, y: x * y,
    "div": lambda T, x, y: x / y,
    "pow": lambda T, x, y: x**y,
    "remainder": lambda T, x, y: x % y,
    "where": lambda T, x, y: T.where(T.tensor([True, False]), x, y),
    "eq": lambda T, x, y: x == y,
}
REFUSED = ("pow", "remainder")  # of two bools


@pytest.mark.parametrize("name", OPERATIONS)
def test_promotion(name):
    """Every pair of types, among tensors, tensors of no dimension and Python numbers."""

    def operands(namespace):
        for dtype in DTYPES:
            yield f"{dtype} tensor", namespace.ones(2, dtype=getattr(namespace, dtype))
            yield f"{dtype} 0-d tensor", namespace.tensor(1, dtype=getattr(namespace, dtype))
        yield from (("True", True), ("1", 1), ("1.0", 1.0))

    def types(namespace):
        for (a, x), (b, y) in itertools.product(operands(namespace), repeat=2):
            bools = a.startswith(("bool", "True")) and b.startswith(("bool", "True"))
            if "tensor" in a + b and not (bools and name in REFUSED):
                yield f"{a}, {b}: {str(OPERATIONS[name](namespace, x, y).dtype).partition('.')[2]}"

    assert list(types(framework)) == list(types(torch))

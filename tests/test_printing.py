"""Tensors as text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import framework

LITERALS = {
    "tensor(1.)": lambda T: T.tensor(1.0),
    "tensor([1., 2.])": lambda T: T.tensor([1.0, 2.0]),
    "tensor([0.1000, 2.0000])": lambda T: T.tensor([0.1, 2.0]),
    "tensor([1.0000e-05, 1.0000e+00])": lambda T: T.tensor([1e-5, 1.0]),
    "tensor([1.0000e-03, 2.0000e+00])": lambda T: T.tensor([1e-3, 2.0]),
    "tensor([0.0040, 2.0000])": lambda T: T.tensor([4e-3, 2.0]),
    "tensor([1.0000e+09])": lambda T: T.tensor([1e9]),
    "tensor([nan, inf, -inf])": lambda T: T.tensor([float("nan"), float("inf"), -float("inf")]),
    "tensor([ 1, -2])": lambda T: T.tensor([1, -2]),
    "tensor([ True, False])": lambda T: T.tensor([True, False]),
    "tensor([], size=(0, 3))": lambda T: T.empty(0, 3),
    "tensor([], dtype=framework.int64)": lambda T: T.tensor([], dtype=T.int64),
    "tensor([1.], dtype=framework.float64)": lambda T: T.tensor([1.0], dtype=T.float64),
    "tensor(1, dtype=framework.int32)": lambda T: T.tensor(1, dtype=T.int32),
    "tensor([1.], requires_grad=True)": lambda T: T.tensor([1.0], requires_grad=True),
    "tensor([2.], grad_fn=<MulBackward0>)": lambda T: T.tensor([1.0], requires_grad=True) * 2,
    "tensor([[1., 2.],\n        [3., 4.]])": lambda T: T.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "tensor([[[0],\n         [1]],\n\n        [[2],\n         [3]]])": lambda T: T.arange(4).reshape(2, 2, 1),
    "tensor([   0,    1,    2,  ..., 1998, 1999, 2000])": lambda T: T.arange(2001),
}


@pytest.mark.parametrize("text", LITERALS)
def test_literals(text):
    assert repr(LITERALS[text](framework)) == text


def test_options():
    try:
        framework.set_printoptions(precision=2, sci_mode=False)
        assert repr(framework.tensor([1e-5, 1.25])) == "tensor([0.00, 1.25])"
        framework.set_printoptions(threshold=2, edgeitems=1)
        assert repr(framework.arange(4)) == "tensor([0,  ..., 3])"
    finally:
        framework.set_printoptions(profile="default")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def same_text(torch, array, dtype=None):
    ours, theirs = framework.tensor(array), torch.tensor(array)
    if dtype:
        ours, theirs = ours.to(getattr(framework, dtype)), theirs.to(getattr(torch, dtype))
    assert repr(ours) == repr(theirs).replace("torch.", "framework.")


@pytest.mark.parity
@pytest.mark.parametrize("text", LITERALS)
def test_literals_are_pytorchs(torch, text):
    assert repr(LITERALS[text](torch)).replace("torch.", "framework.") == text


FINE, ROUGH = st.floats(width=32), st.floats(-100, 100, width=16)
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


@pytest.mark.parity
@given(npst.arrays(np.float32, SHAPES, elements=FINE) | npst.arrays(np.float32, SHAPES, elements=ROUGH))
def test_floats(torch, array):
    same_text(torch, array)


@pytest.mark.parity
@given(npst.arrays(np.int64, SHAPES, elements=st.integers(-1000, 1000)), st.sampled_from(["float64", "float32", "float16", "bfloat16"]))
def test_whole_floats(torch, array, dtype):
    same_text(torch, array, dtype)


@pytest.mark.parity
@given(npst.arrays(st.sampled_from([np.int64, np.int32, np.uint8, np.bool_]), SHAPES))
def test_integers_and_bools(torch, array):
    same_text(torch, array)


@pytest.mark.parity
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.sampled_from(["float32", "int64", "bool", "float64"]))
def test_large_tensors(torch, shape, dtype):
    array = np.random.default_rng(0).standard_normal(shape) * 3
    same_text(torch, array, dtype)


@pytest.mark.parity
@given(npst.arrays(np.float32, SHAPES, elements=ROUGH), st.integers(0, 6), st.integers(20, 120), st.sampled_from([None, True, False]))
def test_options_are_pytorchs(torch, array, precision, linewidth, sci_mode):
    options = {"precision": precision, "linewidth": linewidth, "sci_mode": sci_mode, "edgeitems": 1 + precision % 3, "threshold": 20}
    try:
        for namespace in (framework, torch):
            namespace.set_printoptions(**options)
        same_text(torch, array)
    finally:
        for namespace in (framework, torch):
            namespace.set_printoptions(profile="default")


MIXED = st.one_of(ROUGH, FINE, st.sampled_from([0.0, -0.0, 1e-9, 1e9, float("nan"), float("inf"), -float("inf"), 1.5, 1000.0, 99999.5]))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.integers(0, 60),
        "edgeitems": st.integers(1, 4),
        "linewidth": st.integers(10, 160),
        "profile": st.sampled_from(["default", "short", "full"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@pytest.mark.parity
@settings(max_examples=300)
@given(
    npst.arrays(np.float64, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6), elements=MIXED),
    st.sampled_from(["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]),
    OPTIONS,
    st.sampled_from(["plain", "requires_grad", "computed", "transposed", "parameter"]),
)
def test_any_tensor_under_any_options(torch, array, dtype, options, kind):
    """Whatever the type, the numbers, the options and the notes after them."""
    if not dtype.startswith(("float", "bfloat")):
        array = np.nan_to_num(np.clip(array, 0, 127) if dtype == "uint8" else np.clip(array, -128, 127))
    texts = []
    try:
        for namespace in (framework, torch):
            namespace.set_printoptions(**options)
            x = namespace.tensor(array).to(getattr(namespace, dtype))
            if kind == "transposed" and x.ndim:
                x = x.transpose(0, -1)
            if kind not in ("plain", "transposed") and x.is_floating_point():
                x = namespace.nn.Parameter(x) if kind == "parameter" else x.requires_grad_()
                x = x * 1 if kind == "computed" else x
            texts.append(repr(x).replace("torch.", "framework."))
    finally:
        for namespace in (framework, torch):
            namespace.set_printoptions(profile="default", linewidth=80)
    assert texts[0] == texts[1]

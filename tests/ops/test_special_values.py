"""Where functions have kinks, poles and ties: the values and the gradients that PyTorch chooses there."""

import itertools

import numpy as np
import pytest

import framework
from tests.samples.table import assert_same, samples

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # NumPy warns of log(0), PyTorch does not

SPECIAL = np.array([-np.inf, -2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5, 100.0, 1e30, np.inf, np.nan])
ROWS = {each.values[0].row.name: each.values[0].row for each in samples() if [*map(str, each.values[0].inputs)] == ["f2x3"]}
WITH_KINKS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sigmoid erf erfc erfinv logit sin cos tan asin acos atan sinh cosh tanh "
    "asinh acosh atanh sinc deg2rad rad2deg floor ceil trunc round frac sign abs square neg nan_to_num isposinf isneginf isnan isinf "
    "isfinite relu clamp relu6 leaky_relu elu gelu silu softplus logsigmoid hardtanh max min sum mean var std prod norm"
)
OF_TWO = (
    "add sub mul div floor_divide remainder fmod pow atan2 hypot copysign logaddexp logaddexp2 xlogy maximum minimum fmax fmin heaviside "
    "isclose eq lt ge"
)
WITHOUT_GRADIENT = ("floor_divide", "heaviside")
TIES = {
    "max": lambda T, x: x.max(),
    "min along": lambda T, x: x.min(1)[0],
    "amax": lambda T, x: x.amax(1),
    "amin": lambda T, x: x.amin(),
    "maximum": lambda T, x: T.maximum(x, x.flip(1)),
    "clamp": lambda T, x: T.clamp(x, 1, 2),
    "prod of zeros": lambda T, x: (x * 0).prod(),
    "prod of one zero": lambda T, x: (x - 2).prod(0),
    "norm of zeros": lambda T, x: (x * 0).norm(),
    "std of equals": lambda T, x: x.std(0),
    "pow of zero": lambda T, x: (x * 0) ** 2,
    "zero to the zero": lambda T, x: (x * 0) ** 0,
    "exponent of zero": lambda T, x: T.pow(T.zeros_like(x), x),
    "where hides nan": lambda T, x: T.where(x > 0, x, (x * 0).log()),
    "logsumexp": lambda T, x: T.logsumexp(T.cat([x, x.detach() - float("inf")], 1), 1),
    "softmax": lambda T, x: T.softmax(T.cat([x, x.detach() - float("inf")], 1), 1),
    "max_pool": lambda T, x: T.nn.functional.max_pool2d(x[None, None], 2, 1),
}


def value_and_gradient(call, namespace, array):
    """The result, and the gradient where the result is finite."""
    leaf = namespace.tensor(array, requires_grad=True)
    out = call(namespace, leaf)
    if not out.requires_grad or not bool(namespace.isfinite(out).all()):
        return [out]
    return [out, *namespace.autograd.grad(out.sum(), leaf)]


@pytest.mark.parametrize("name", WITH_KINKS.split())
def test_special_values(name):
    for value in SPECIAL:
        assert_same(*(value_and_gradient(ROWS[name], namespace, np.array([[value, 0.25]])) for namespace in (framework, torch)))


@pytest.mark.parametrize("name", OF_TWO.split())
def test_special_values_of_two(name):
    for first, second in itertools.product(SPECIAL, repeat=2):
        results = []
        for namespace in (framework, torch):
            leaves = [namespace.tensor(np.array([each, 0.25]), requires_grad=name not in WITHOUT_GRADIENT) for each in (first, second)]
            out = getattr(namespace, name)(*leaves)
            recorded = out.requires_grad and bool(namespace.isfinite(out).all())
            results.append([out, *(namespace.autograd.grad(out.sum(), leaves) if recorded else [])])
        assert_same(*results)


BESIDE_NAN = {
    "max": lambda T, x: x.max(),
    "min": lambda T, x: x.min(),
    "amax": lambda T, x: x.amax(1),
    "median": lambda T, x: x.median(),
    "nanmedian": lambda T, x: x.nanmedian(),
    "maximum": lambda T, x: T.maximum(x, T.zeros_like(x)),
    "minimum": lambda T, x: T.minimum(T.ones_like(x), x),
    "fmax": lambda T, x: T.fmax(x, x.flip(1)),
    "fmin": lambda T, x: T.fmin(x, x.flip(1)),
    "norm 1": lambda T, x: x.norm(1),
    "norms 1": lambda T, x: x.norm(1, 1),
    "quantile": lambda T, x: x.quantile(0.3),
    "quantiles": lambda T, x: x.quantile(T.tensor([0.3, 0.5]).to(x.dtype), 1, interpolation="midpoint"),
}


@pytest.mark.parametrize("name", BESIDE_NAN)
def test_gradients_beside_nan(name):
    results = []
    for namespace in (framework, torch):
        leaf = namespace.tensor(np.array([[1.0, np.nan, 3.0], [2.0, 2.0, 4.0]]), requires_grad=True)
        out = BESIDE_NAN[name](namespace, leaf)
        results.append([out, *namespace.autograd.grad(out.sum(), leaf)])
    assert_same(*results)


@pytest.mark.parametrize("name", TIES)
def test_ties_and_zeros(name):
    array = np.array([[1.0, 2.0, 2.0], [1.0, 1.0, 2.0]])
    assert_same(*(value_and_gradient(TIES[name], namespace, array) for namespace in (framework, torch)))

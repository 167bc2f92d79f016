"""Functions of one number and of two by all threads: against NumPy and SciPy in double precision, at every kind of number."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy import special

import framework
from framework import kernels
from framework.kernels import SMALL

LARGEST, SMALLEST, NORMAL = 3.4028235e38, 1e-45, 1.1754944e-38
SPECIAL = [0, 1, 2, 3, 0.5, 0.25, 1e-20, 1e-4, 1e-3, 0.99999994, 1.0000001, 10, 88.72, 89.4, 104, 126.9, 128, 150, 1e6, 1e8, 1e20]
SPECIAL = np.float32([sign * each for each in [*SPECIAL, LARGEST, SMALLEST, NORMAL, 1e-39, np.inf, np.nan] for sign in (1, -1)])
ULP = {"exp": 1.5, "exp2": 1.5}  # units in the last place, of which 0.5 come of rounding; for the others:
NEAREST = 0.55
UNARY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erf": special.erf, "erfc": special.erfc,
}  # fmt: skip
EXPONENTS = [2, 3, 0.5, -1, -2, 4, 2.5, -0.5, 1e-3, 100, -7]


def numbers(size, seed=0):
    """Special numbers; then of every size that float32 has, from 2^-149 to 2^128; and then what one computes with."""
    rng = np.random.default_rng(seed)
    of_every_size = rng.integers(0, 1 << 32, size // 2, np.uint32).view(np.float32)
    usual = rng.uniform(-1, 1, size - size // 2) * rng.choice([1, 1.5, 10, 100], size - size // 2)
    out = np.concatenate([of_every_size, usual.astype(np.float32)])
    out[: SPECIAL.size] = rng.permutation(SPECIAL)
    return out


def compute(name, *args):
    """The result of an op, and what computed it; the kernels give no warnings."""
    kernels.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = getattr(framework, name)(*[framework.from_numpy(each) if isinstance(each, np.ndarray) else each for each in args])
    return out.numpy(), set(kernels.report().get(name, {}))


def check(found, exact, ulp):
    """`found` lies within so many units in the last place of `exact`, and is the same where that is 0, infinite or no number."""
    with np.errstate(all="ignore"):
        nearest = exact.astype(found.dtype)
        error = np.abs(found.astype(exact.dtype) - exact) / np.spacing(np.abs(nearest)).astype(exact.dtype)
    fine = np.where(np.isfinite(nearest), error <= ulp, (found == nearest) | np.isnan(found) & np.isnan(nearest))
    fine &= (nearest != 0) | (np.signbit(found) == np.signbit(nearest))
    assert fine.all(), (found[~fine][:5], exact[~fine][:5])


@pytest.mark.parametrize("size", [SMALL, 40_001])
@pytest.mark.parametrize("name", UNARY)
def test_one_number(name, size):
    x = numbers(size)
    found, by = compute(name, x)
    assert by == {f"parallel_{name}"} and found.dtype == np.float32
    with np.errstate(all="ignore"):
        exact = UNARY[name](x.astype(np.float64))
    check(found, exact, ULP.get(name, NEAREST))


@pytest.mark.parametrize("name, exact", [("pow", np.power), ("atan2", np.arctan2)])
def test_two_numbers(name, exact):
    x, y = numbers(800 * SPECIAL.size), numbers(800 * SPECIAL.size, 1)
    x[-8000:] = np.abs(x[-8000:])
    pairs = np.meshgrid(SPECIAL, SPECIAL)
    x, y = (np.concatenate([each, pair.reshape(-1)]).reshape(-1, SPECIAL.size) for each, pair in zip((x, y), pairs, strict=True))
    found, by = compute(name, x, y)
    assert by == {f"parallel_{name}"} and found.dtype == np.float32 and found.shape == x.shape
    with np.errstate(all="ignore"):
        check(found, exact(x.astype(np.float64), y.astype(np.float64)), NEAREST)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_power_of_one_exponent(exponent):
    x = numbers(70_001)
    found, by = compute("pow", x, exponent)
    assert by == {"parallel_pow"} and found.dtype == np.float32
    with np.errstate(all="ignore"):
        check(found, np.power(x.astype(np.float64), float(np.float32(exponent))), NEAREST)
        if exponent in (2, 0.5, -1):
            np.testing.assert_array_equal(found, np.power(x, exponent))
    np.testing.assert_array_equal(compute("pow", x, np.array(exponent, np.float32))[0], found)


@pytest.mark.parametrize("base", [2, 2.3, -1.5, 0, -1, 1, 1e-40])
def test_powers_of_one_base(base):
    y = numbers(20_001)
    y[10_000:] = np.round(y[10_000:])
    found, by = compute("pow", base, y)
    assert by == {"parallel_pow"} and found.dtype == np.float32
    with np.errstate(all="ignore"):
        check(found, np.power(float(np.float32(base)), y.astype(np.float64)), NEAREST)


@pytest.mark.parametrize("name", ["exp", "log"])
def test_double_precision(name):
    of_every_size = np.random.default_rng(0).integers(0, 1 << 63, 20_001, np.uint64).view(np.float64)
    with np.errstate(all="ignore"):
        x = np.concatenate([numbers(20_000).astype(np.float64), of_every_size, [-745.1, -708.5, 709.7, 5e-324, 2e-308]])
        exact = getattr(np, name)(x.astype(np.longdouble))
    found, by = compute(name, x)
    assert by == {f"parallel_{name}"} and found.dtype == np.float64
    check(found, exact, 2)


@pytest.mark.parametrize("name", UNARY)
def test_the_rest_is_left_to_numpy(name):
    x = np.full((200, 200), 1 if name == "acosh" else 0.5, np.float32)
    for other in (x.T[:, :150], x[:, ::2], *([x.astype(np.float64)] if name not in ("exp", "log") else [])):
        assert compute(name, other)[1] == {"reference"}
    assert compute(name, x[0, :1].repeat(SMALL - 1))[1] == set()


def test_other_pairs_are_left_to_numpy():
    x = np.full((200, 200), 0.5, np.float32)
    for other in (x.T, x[:1], x.astype(np.float64), 0, 1, float("nan")):
        found, by = compute("pow", x, other)
        assert by == {"reference"}, other
        np.testing.assert_array_equal(found, np.power(x, other), strict=True)
    assert compute("pow", x, 2)[1] == {"reference"}  # for which 40,000 elements are few


@pytest.mark.parametrize("name", [*UNARY, "pow", "atan2"])
def test_gradients_of_every_order(name):
    def gradients(which):
        with kernels.use(which):
            rng = np.random.default_rng(0)
            start = 1.1 if name == "acosh" else 0.1
            args = [
                framework.from_numpy(rng.uniform(start, start + 0.8, SMALL).astype(np.float32)) for _ in range(1 if name in UNARY else 2)
            ]
            for each in args:
                each.requires_grad_()
            first = framework.autograd.grad(getattr(framework, name)(*args).sum(), args, create_graph=True)
            return [*first, *framework.autograd.grad(sum((each * each).sum() for each in first), args)]

    for found, expected in zip(gradients("fast"), gradients("reference"), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_compiled_once(tmp_path):
    """The loops are made of one piece of source; the disk tells them apart."""
    code = "import framework as f; x = f.full((10000,), 0.5); print(*[each(x)[9999].item() for each in (f.sinh, f.cosh)])"
    command, environment = [sys.executable, "-c", code], os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2))
    assert first.stdout == second.stdout == "0.5210952758789062 1.1276259422302246\n"
    assert "compiling" in first.stderr and "compiling" not in second.stderr

"""Our own matrix product against NumPy's, of any shape and order."""

import numba as nb
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framework.kernels.cpu_gemm import gemm as product
from framework.kernels.cpu_gemm import in_panels
from framework.kernels.cpu_tile import ROWS
from framework.kernels.cpu_vectors import lanes


@nb.njit
def gemm(a, b, out, add):
    product(a, b, out, add)


@nb.njit
def laid(weight, turned):
    return in_panels(weight, turned)


size = st.one_of(st.integers(0, 2 * ROWS + 1), st.integers(0, 130))
many, wide = st.one_of(size, st.integers(180, 260)), st.one_of(size, st.integers(400, 1100))  # enough for b to be copied at once


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(m=many, depth=st.one_of(size, st.integers(380, 800)), n=wide, a_by_rows=st.booleans(), b_by_rows=st.booleans(), add=st.booleans())
@example(m=1000, depth=90, n=33, a_by_rows=False, b_by_rows=False, add=True)  # more rows than are taken at once
@example(m=200, depth=400, n=520, a_by_rows=True, b_by_rows=True, add=False)  # part of a panel, of columns that are copied at once
@example(m=200, depth=400, n=1043, a_by_rows=False, b_by_rows=True, add=True)
@example(m=200, depth=400, n=1043, a_by_rows=True, b_by_rows=False, add=True)
@example(m=ROWS, depth=1, n=32, a_by_rows=True, b_by_rows=True, add=True)
@example(m=1, depth=1, n=1, a_by_rows=True, b_by_rows=False, add=False)
@example(m=3, depth=0, n=4, a_by_rows=True, b_by_rows=True, add=False)
@example(m=2, depth=0, n=4, a_by_rows=True, b_by_rows=True, add=True)
def test_gemm(dtype, m, depth, n, a_by_rows, b_by_rows, add):
    """Matrices that are parts of larger ones; what lies beside the result is left alone."""
    random = np.random.default_rng(m + depth + n)

    def part(rows, columns, by_rows):
        """Of whole numbers, whose products and sums are exact."""
        around = random.integers(-9, 10, (rows + 2, columns + 3) if by_rows else (columns + 3, rows + 2)).astype(dtype)
        return (around if by_rows else around.T)[1 : 1 + rows, 1 : 1 + columns], around

    (a, _), (b, _), (out, around) = part(m, depth, a_by_rows), part(depth, n, b_by_rows), part(m, n, True)
    expected = around.copy()
    expected[1 : 1 + m, 1 : 1 + n] = a @ b + (out if add else 0)
    before = around.copy()
    gemm(a, b, out, add)
    np.testing.assert_array_equal(around, expected)

    around[:] = before
    weight = np.ascontiguousarray(b if b_by_rows else b.T)
    gemm(a, laid(weight, not b_by_rows), out, add)
    np.testing.assert_array_equal(around, expected)


def test_gemm_is_as_exact_as_its_type():
    """Within the bound of a sum of so many products."""
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        a, b = random.standard_normal((70, 900)).astype(dtype), random.standard_normal((900, 90)).astype(dtype)
        out = np.empty((70, 90), dtype)
        gemm(a, b, out, False)
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
        assert np.abs(out - exact).max() < 4 * np.finfo(dtype).eps * 900


def test_a_nan_stays_in_its_row_and_column():
    vector = lanes(np.dtype(np.float32))
    a, b, column = np.ones((13, 20), np.float32), np.ones((20, 3 * vector + 1), np.float32), 2 * vector + 5
    a[3, 7], b[5, column] = np.nan, np.inf
    out = np.empty((13, b.shape[1]), np.float32)
    gemm(a, b, out, False)
    expected = np.full_like(out, 20)
    expected[:, column], expected[3] = np.inf, np.nan
    np.testing.assert_array_equal(out, expected)

"""Winograd's matrices, and that each way of working is taken where it should be."""

import numpy as np
import pytest

from framework.kernels import cpu_winograd_lines as lines
from framework.kernels.cpu_winograd import Winograd


@pytest.mark.parametrize("taps", [2, 3])
def test_a_line_is_filtered(taps):
    """y_k = Σ_j d_(k+j) g_j, and B and A are the transposes of what is applied to d and m."""
    n = taps + 3
    random = np.random.default_rng(0)
    d, g = random.standard_normal((n, 7)), random.standard_normal((taps, 7))
    y = lines.times_at([v * u for v, u in zip(lines.times_bt(list(d)), lines.G[taps] @ g, strict=True)])
    expected = [sum(d[k + j] * g[j] for j in range(taps)) for k in range(4)]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    bt, at = np.stack(lines.times_bt(list(np.eye(n)))), np.stack(lines.times_at(list(np.eye(n))))
    np.testing.assert_array_equal(np.stack(lines.times_b(list(np.eye(n)))), bt.T)
    np.testing.assert_array_equal(np.stack(lines.times_a(list(np.eye(4)), n)), at.T)


@pytest.mark.parametrize(
    ("input_shape", "out_shape", "taps", "stride", "by_products", "compact"),
    [
        ((128, 16, 32, 32), (128, 16, 32, 32), 3, 1, False, False),
        ((1, 170, 31, 29), (1, 150, 31, 29), 3, 1, True, False),
        ((21, 150, 8, 4), (21, 140, 8, 4), 3, 1, True, True),
        ((43, 37, 9, 8), (43, 160, 4, 4), 4, 2, True, True),
        ((150, 150, 8, 4), (150, 140, 8, 4), 3, 1, False, True),
    ],
)
def test_how_the_work_is_shared_out(input_shape, out_shape, taps, stride, by_products, compact):
    weight = np.zeros((out_shape[1], input_shape[1], taps, taps), np.float32)
    assert Winograd.pays(out_shape, weight, (stride, stride), (1, 1), 1)
    convolution = Winograd(input_shape, out_shape, weight, (stride, stride), (1, 1), (1, 1), 1)
    assert (convolution.by_products, convolution.geometry.compact) == (by_products, compact)

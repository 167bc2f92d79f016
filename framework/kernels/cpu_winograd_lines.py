"""Winograd's minimal filtering of a line, F(4, r) for r = 2 or 3 taps, on many tiles at once: the matrices Bᵀ, A and G.

A tile has n = r + 3 inputs d, which lead to 4 outputs y (Winograd, 1980, Arithmetic Complexity of Computations; Lavin and Gray, 2016):

    y_k = Σ_j d_(k+j) g_j        y = Aᵀ [(G g) * (Bᵀ d)]

G and A evaluate polynomials at n - 1 points and at infinity, B interpolates between them.  With the points 0, ±p and ±q, or 0, ±p and q
for two taps, p = 5/8 and q = 3/2, all three stay small: in float32 a convolution is off by some 2e-6 of the largest output, a quarter of
what the textbook's 0, ±1, ±2 lose.

Each matrix is applied to all tiles at once: row i of every argument, (n, T) or (4, T), is element i of T tiles.
"""

import numpy as np

from .cpu import compiled

p, q = 5 / 8, 3 / 2
# Exact in float32, so that they serve both types:
_P, _Q, _P2, _Q2, _P3, _Q3 = np.array([p, q, p**2, q**2, p**3, q**3], np.float32)
_P2_Q, _P2_Q2, _P2_AND_Q2 = np.array([p**2 * q, p**2 * q**2, p**2 + q**2], np.float32)


def _g(taps: int):
    """G (n, r): at every point x the powers 1, x, …, over the product of its distances from the other points."""
    points = (0, p, -p, q, -q)[: taps + 2]
    rows = [x ** np.arange(taps) / np.prod([x - other for other in points if other != x]) for x in points]
    return np.stack([*rows, np.eye(taps)[-1]])


GG = {taps: np.kron(_g(taps), _g(taps)) for taps in (2, 3)}  # (n², r²): G g Gᵀ is a product with it, for g written as a line


@compiled()
def times_bt(d, v):
    """v = Bᵀ d."""
    d0, d1, d2, d3, d4 = d[0], d[1], d[2], d[3], d[4]
    v0, v1, v2, v3, v4 = v[0], v[1], v[2], v[3], v[4]
    if len(d) == 5:
        for t in range(d0.size):
            v0[t] = _P2_Q * d0[t] - _P2 * d1[t] - _Q * d2[t] + d3[t]
            even, odd = d3[t] - _Q * d2[t], _P * (d2[t] - _Q * d1[t])
            v1[t], v2[t] = even + odd, even - odd
            v3[t] = d3[t] - _P2 * d1[t]
            v4[t] = _P2_Q * d1[t] - _P2 * d2[t] - _Q * d3[t] + d4[t]
    else:
        d5, v5 = d[5], v[5]
        for t in range(d0.size):
            v0[t] = _P2_Q2 * d0[t] - _P2_AND_Q2 * d2[t] + d4[t]
            even, odd = d4[t] - _Q2 * d2[t], _P * (d3[t] - _Q2 * d1[t])
            v1[t], v2[t] = even + odd, even - odd
            even, odd = d4[t] - _P2 * d2[t], _Q * (d3[t] - _P2 * d1[t])
            v3[t], v4[t] = even + odd, even - odd
            v5[t] = _P2_Q2 * d1[t] - _P2_AND_Q2 * d3[t] + d5[t]


@compiled()
def times_b(v, d):
    """d = B v."""
    v0, v1, v2, v3, v4 = v[0], v[1], v[2], v[3], v[4]
    d0, d1, d2, d3, d4 = d[0], d[1], d[2], d[3], d[4]
    if len(d) == 5:
        for t in range(v0.size):
            even, odd = v1[t] + v2[t], _P * (v1[t] - v2[t])
            d0[t] = _P2_Q * v0[t]
            d1[t] = _P2_Q * v4[t] - _P2 * (v0[t] + v3[t]) - _Q * odd
            d2[t] = odd - _Q * (even + v0[t]) - _P2 * v4[t]
            d3[t] = v0[t] + even + v3[t] - _Q * v4[t]
            d4[t] = v4[t]
    else:
        v5, d5 = v[5], d[5]
        for t in range(v0.size):
            even_p, odd_p, even_q, odd_q = v1[t] + v2[t], _P * (v1[t] - v2[t]), v3[t] + v4[t], _Q * (v3[t] - v4[t])
            d0[t] = _P2_Q2 * v0[t]
            d1[t] = _P2_Q2 * v5[t] - _Q2 * odd_p - _P2 * odd_q
            d2[t] = -_P2_AND_Q2 * v0[t] - _Q2 * even_p - _P2 * even_q
            d3[t] = -_P2_AND_Q2 * v5[t] + odd_p + odd_q
            d4[t] = v0[t] + even_p + even_q
            d5[t] = v5[t]


@compiled()
def times_at(m, bias, y):
    """y = Aᵀ m + bias."""
    m0, m1, m2, m3, m4 = m[0], m[1], m[2], m[3], m[4]
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    if len(m) == 5:
        for t in range(m0.size):
            even, odd = m1[t] + m2[t], m1[t] - m2[t]
            y0[t] = bias + m0[t] + even + m3[t]
            y1[t] = bias + _P * odd + _Q * m3[t]
            y2[t] = bias + _P2 * even + _Q2 * m3[t]
            y3[t] = bias + _P3 * odd + _Q3 * m3[t] + m4[t]
    else:
        m5 = m[5]
        for t in range(m0.size):
            even_p, odd_p, even_q, odd_q = m1[t] + m2[t], m1[t] - m2[t], m3[t] + m4[t], m3[t] - m4[t]
            y0[t] = bias + m0[t] + even_p + even_q
            y1[t] = bias + _P * odd_p + _Q * odd_q
            y2[t] = bias + _P2 * even_p + _Q2 * even_q
            y3[t] = bias + _P3 * odd_p + _Q3 * odd_q + m5[t]


@compiled()
def times_a(y, m):
    """m = A y."""
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    m0, m1, m2, m3, m4 = m[0], m[1], m[2], m[3], m[4]
    if len(m) == 5:
        for t in range(y0.size):
            m0[t], m4[t] = y0[t], y3[t]
            even, odd = y0[t] + _P2 * y2[t], _P * (y1[t] + _P2 * y3[t])
            m1[t], m2[t] = even + odd, even - odd
            m3[t] = y0[t] + _Q2 * y2[t] + _Q * (y1[t] + _Q2 * y3[t])
    else:
        m5 = m[5]
        for t in range(y0.size):
            m0[t], m5[t] = y0[t], y3[t]
            even, odd = y0[t] + _P2 * y2[t], _P * (y1[t] + _P2 * y3[t])
            m1[t], m2[t] = even + odd, even - odd
            even, odd = y0[t] + _Q2 * y2[t], _Q * (y1[t] + _Q2 * y3[t])
            m3[t], m4[t] = even + odd, even - odd

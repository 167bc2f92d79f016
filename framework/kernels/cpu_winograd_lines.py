"""Winograd's minimal filtering of a line, F(4, r) for r = 2 or 3 taps: the matrices Bᵀ, A and G.

A tile has n = r + 3 inputs d, which lead to 4 outputs y (Winograd, 1980, Arithmetic Complexity of Computations; Lavin and Gray, 2016):

    y_k = Σ_j d_(k+j) g_j        y = Aᵀ [(G g) * (Bᵀ d)]

G and A evaluate polynomials at n - 1 points and at infinity, B interpolates between them.  With the points 0, ±p and ±q, or 0, ±p and q
for two taps, p = 5/8 and q = 3/2, all three stay small: in float32 a convolution is off by some 2e-6 of the largest output, a quarter of
what the textbook's 0, ±1, ±2 lose.

What is transformed is a list of anything that can be added and multiplied by numbers: NumPy's arrays, or vectors of cpu_vectors.py.
"""

import numpy as np

p, q = 5 / 8, 3 / 2  # their products, too, are exact in float32


def _g(taps: int):
    """G (n, r): at every point x the powers 1, x, …, over the product of its distances from the other points."""
    points = (0, p, -p, q, -q)[: taps + 2]
    rows = [x ** np.arange(taps) / np.prod([x - other for other in points if other != x]) for x in points]
    return np.stack([*rows, np.eye(taps)[-1]])


G = {taps: _g(taps) for taps in (2, 3)}


def times_bt(d: list) -> list:
    """v = Bᵀ d."""
    if len(d) == 5:
        even, odd = d[3] - q * d[2], d[2] - q * d[1]
        first, last = (d[i + 3] - q * d[i + 2] - p**2 * d[i + 1] for i in (0, 1))
        return [first + p**2 * q * d[0], even + p * odd, even - p * odd, d[3] - p**2 * d[1], last + p**2 * q * d[1]]
    by_p, by_q = (d[4] - q**2 * d[2], d[3] - q**2 * d[1]), (d[4] - p**2 * d[2], d[3] - p**2 * d[1])
    first, last = (p**2 * q**2 * d[i] + d[i + 4] - (p**2 + q**2) * d[i + 2] for i in (0, 1))
    return [first, by_p[0] + p * by_p[1], by_p[0] - p * by_p[1], by_q[0] + q * by_q[1], by_q[0] - q * by_q[1], last]


def times_b(v: list) -> list:
    """d = B v."""
    even, odd = v[1] + v[2], v[1] - v[2]
    if len(v) == 5:
        first = p**2 * q * v[4] - p**2 * (v[0] + v[3]) - p * q * odd
        return [p**2 * q * v[0], first, p * odd - q * (even + v[0]) - p**2 * v[4], v[0] + even + v[3] - q * v[4], v[4]]
    even_q, odd_q = v[3] + v[4], v[3] - v[4]
    middle = -(p**2 + q**2) * v[0] - q**2 * even - p**2 * even_q, p * odd + q * odd_q - (p**2 + q**2) * v[5]
    return [p**2 * q**2 * v[0], p**2 * q**2 * v[5] - q**2 * p * odd - p**2 * q * odd_q, *middle, v[0] + even + even_q, v[5]]


def times_at(m: list) -> list:
    """y = Aᵀ m."""
    even, odd = m[1] + m[2], m[1] - m[2]
    if len(m) == 5:
        even_q = odd_q = m[3]
    else:
        even_q, odd_q = m[3] + m[4], m[3] - m[4]
    return [m[0] + even + even_q, p * odd + q * odd_q, p**2 * even + q**2 * even_q, p**3 * odd + q**3 * odd_q + m[-1]]


def times_a(y: list, n: int) -> list:
    """m = A y."""

    def at_both(x):
        """The polynomial at x and at -x."""
        even, odd = y[0] + x**2 * y[2], y[1] + x**2 * y[3]
        return even + x * odd, even - x * odd

    return [y[0], *at_both(p), *at_both(q)[: n - 4], y[3]]

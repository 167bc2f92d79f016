"""3 × 3 convolutions on a CPU by Winograd's minimal filtering F(4 × 4, 3 × 3): 36 multiplications for 16 outputs instead of 144.

For each tile of 6 × 6 inputs d, four apart, and each filter g (Lavin and Gray, 2016, Fast Algorithms for Convolutional Neural Networks):

    y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A

G and A evaluate polynomials at the points 0, ±p, ±q and ∞, B interpolates between them.  With p = 5/8 and q = 3/2 all three stay small: in
float32 the result is off by some 2e-6 of the largest.  The elementwise product, summed over channels, is 36 matrix products over all tiles
at once:

    M[k] (O, T) = U[k] (O, C) @ V[k] (C, T)   U = G g Gᵀ,  V = Bᵀ d B,  y = Aᵀ M A

Backward is the same chain transposed: M̄ = A ȳ Aᵀ, Ū[k] = M̄[k] V[k]ᵀ, V̄[k] = U[k]ᵀ M̄[k], d̄ = B V̄ Bᵀ, ḡ = Gᵀ Ū G.

Each thread takes its images in strips: some rows of tiles, or several small images.  A plane of a strip is held as rows (6, 4T), row r of
every tile, one tile after another, so that both directions of a transform are loops over long lines; T counts one tile more than a row of
tiles has, for the two columns beyond.
"""

import numpy as np

from ..ops import conv as ops
from ..threads import get_num_threads
from .cpu import compiled, contiguous, floats, kernel, pieces_of, run_shares
from .cpu_blas import gemm, memcpy
from .cpu_conv import band, plane_sums  # and its kernel, older than this one, takes what is declined here
from .cpu_matmul import product

p, q = 5 / 8, 3 / 2
_POINTS = (0, p, -p, q, -q)
_G = np.array([[1, x, x * x] / np.prod([x - other for other in _POINTS if other != x]) for x in _POINTS] + [[0, 0, 1]])
_GG = np.kron(_G, _G)  # (36, 9): G g Gᵀ is a product with it, for g written as a line of 9
# Exact in float32, so that they serve both types:
_P, _Q, _P2, _Q2, _P3, _Q3, _SUM, _PRODUCT = np.array([p, q, p**2, q**2, p**3, q**3, p**2 + q**2, p**2 * q**2], np.float32)
_STRIP_BYTES = 4 << 20  # of V and M,
_STRIP_LEAST = 128  # but no fewer tiles: below, a product is slower than the reading of U
_CHANNELS_LEAST = 4  # on either side
_U_COST = 64  # multiplications in the time that an element of U takes

_lines = compiled(fastmath={"contract"})  # a multiplication and an addition may be one instruction


@_lines
def _bt(d, v):
    """v (6, n) = Bᵀ d (6, n)."""
    d0, d1, d2, d3, d4, d5 = d[0], d[1], d[2], d[3], d[4], d[5]
    v0, v1, v2, v3, v4, v5 = v[0], v[1], v[2], v[3], v[4], v[5]
    for t in range(d0.size):
        v0[t] = _PRODUCT * d0[t] - _SUM * d2[t] + d4[t]
        even, odd = d4[t] - _Q2 * d2[t], _P * (d3[t] - _Q2 * d1[t])
        v1[t], v2[t] = even + odd, even - odd
        even, odd = d4[t] - _P2 * d2[t], _Q * (d3[t] - _P2 * d1[t])
        v3[t], v4[t] = even + odd, even - odd
        v5[t] = _PRODUCT * d1[t] - _SUM * d3[t] + d5[t]


@_lines
def _b(v, d):
    """d (6, n) = B v (6, n)."""
    v0, v1, v2, v3, v4, v5 = v[0], v[1], v[2], v[3], v[4], v[5]
    d0, d1, d2, d3, d4, d5 = d[0], d[1], d[2], d[3], d[4], d[5]
    for t in range(v0.size):
        even_p, odd_p, even_q, odd_q = v1[t] + v2[t], _P * (v1[t] - v2[t]), v3[t] + v4[t], _Q * (v3[t] - v4[t])
        d0[t] = _PRODUCT * v0[t]
        d1[t] = _PRODUCT * v5[t] - _Q2 * odd_p - _P2 * odd_q
        d2[t] = -_SUM * v0[t] - _Q2 * even_p - _P2 * even_q
        d3[t] = -_SUM * v5[t] + odd_p + odd_q
        d4[t] = v0[t] + even_p + even_q
        d5[t] = v5[t]


@_lines
def _at(m, bias, y):
    """y (4, n) = Aᵀ m (6, n) + bias."""
    m0, m1, m2, m3, m4, m5 = m[0], m[1], m[2], m[3], m[4], m[5]
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    for t in range(m0.size):
        even_p, odd_p, even_q, odd_q = m1[t] + m2[t], m1[t] - m2[t], m3[t] + m4[t], m3[t] - m4[t]
        y0[t] = bias + m0[t] + even_p + even_q
        y1[t] = bias + _P * odd_p + _Q * odd_q
        y2[t] = bias + _P2 * even_p + _Q2 * even_q
        y3[t] = bias + _P3 * odd_p + _Q3 * odd_q + m5[t]


@_lines
def _a(y, m):
    """m (6, n) = A y (4, n)."""
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    m0, m1, m2, m3, m4, m5 = m[0], m[1], m[2], m[3], m[4], m[5]
    for t in range(y0.size):
        m0[t], m5[t] = y0[t], y3[t]
        even, odd = y0[t] + _P2 * y2[t], _P * (y1[t] + _P2 * y3[t])
        m1[t], m2[t] = even + odd, even - odd
        even, odd = y0[t] + _Q2 * y2[t], _Q * (y1[t] + _Q2 * y3[t])
        m3[t], m4[t] = even + odd, even - odd


@compiled()
def _split(line, columns):
    """columns[j] (T,) = column j of every tile in the line (4T,); the last two are the first two of the next tile."""
    c0, c1, c2, c3 = columns[0], columns[1], columns[2], columns[3]
    for t in range(c0.size):
        c0[t], c1[t], c2[t], c3[t] = line[4 * t], line[4 * t + 1], line[4 * t + 2], line[4 * t + 3]
    for j in range(4, len(columns)):
        columns[j, :-1] = columns[j - 4, 1:]
        columns[j, -1] = 0


@compiled()
def _join(columns, line):
    """line (4T,) = the first four columns of every tile, to which the others belong that overlap them from the tile before."""
    for j in range(4, len(columns)):
        first, last = columns[j - 4], columns[j]
        for t in range(1, first.size):
            first[t] += last[t - 1]
    c0, c1, c2, c3 = columns[0], columns[1], columns[2], columns[3]
    for t in range(c0.size):
        line[4 * t], line[4 * t + 1], line[4 * t + 2], line[4 * t + 3] = c0[t], c1[t], c2[t], c3[t]


@compiled()
def _load(plane, rows, width, place, first, count, padding):
    """rows[r] from element `place` on, `width` for a tile row = row r of the plane's `count` tile rows from `first` on; nothing outside."""
    height, across = plane.shape
    size, to, from_ = plane.itemsize, rows.ctypes.data, plane.ctypes.data
    for r in range(len(rows)):
        for i in range(count):
            y = 4 * (first + i) + r - padding[0]
            if 0 <= y < height:
                memcpy(to + (r * rows.shape[1] + place + i * width + padding[1]) * size, from_ + y * across * size, across * size)


@compiled()
def _store(rows, width, place, plane, first, count):
    """The opposite: the plane's rows from `rows`."""
    height, across = plane.shape
    size, to, from_ = plane.itemsize, plane.ctypes.data, rows.ctypes.data
    for r in range(4):
        for i in range(min(count, (height + 3 - r) // 4 - first)):
            y = 4 * (first + i) + r
            memcpy(to + y * across * size, from_ + (r * rows.shape[1] + place + i * width) * size, across * size)


@compiled()
def _add_back(rows, width, place, plane, first, count, padding):
    """`_load` transposed: every element of `rows` added to where it came from."""
    height, across = plane.shape
    for r in range(len(rows)):
        for i in range(count):
            y, start = 4 * (first + i) + r - padding[0], place + i * width + padding[1]
            if 0 <= y < height:
                for x in range(across):
                    plane[y, x] += rows[r, start + x]


@compiled()
def _strips(images, height, together, strip, pieces, first_item, last_item):
    """[(first image, last, first tile row, tile rows, piece, is it the piece's first strip?)] of the work items."""
    strips = []
    for item in range(first_item, last_item):
        block, piece, top, bottom = band(item, pieces, (height + 3) // 4)
        start = block * together
        for first in range(top, bottom, strip):
            strips.append((start, min(start + together, images), first, min(strip, bottom - first), piece, first == top))
    return strips


@compiled()
def _room(channels, filters, width, most, dtype):
    """Memory for one strip of at most so many tiles: rows, lines, columns, V and M, each as a line to cut from."""
    return (np.empty(6 * 4 * most, dtype), np.empty(6 * 4 * most, dtype), np.empty(6 * most, dtype),
            np.empty(36 * channels * most, dtype), np.empty(36 * filters * most, dtype))  # fmt: skip


@compiled()
def _cut(room, channels, filters, tiles):
    """The same for a strip of `tiles` tiles: rows (6, 4T), lines (6, 4T), columns (6, T), V (C, 36, T), M (O, 36, T)."""
    rows, lines, columns, v, m = room
    return (rows[: 24 * tiles].reshape(6, -1), lines[: 24 * tiles].reshape(6, -1), columns[: 6 * tiles].reshape(6, -1),
            v[: 36 * channels * tiles].reshape(channels, 36, -1), m[: 36 * filters * tiles].reshape(filters, 36, -1))  # fmt: skip


@compiled()
def _input_tiles(input, images, first, count, padding, width, rows, lines, columns, v):
    """V of some tile rows of some images."""
    rows[:] = 0  # beyond the edges; within them every channel overwrites the one before
    for c in range(input.shape[1]):
        for place, image in enumerate(images):
            _load(input[image, c], rows, width, place * count * width, first, count, padding)
        _bt(rows, lines)
        for i in range(6):
            _split(lines[i], columns)
            _bt(columns, v[c, 6 * i : 6 * i + 6])


@compiled()
def _forward(input, u, bias, out, padding, together, strip, pieces, share, first_item, last_item):
    """out (N, O, oH, oW) from input (N, C, H, W) and u (36, O, C)."""
    filters, height, across = out.shape[1:]
    channels, none = input.shape[1], bias.dtype.type(0)
    width = 4 * ((across + 3) // 4 + 1)  # of a row of tiles and what is beyond it
    room = _room(channels, filters, width, together * strip * width // 4, input.dtype)
    for start, end, first, count, _, _ in _strips(len(input), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        rows, lines, columns, v, m = _cut(room, channels, filters, len(images) * count * width // 4)
        _input_tiles(input, images, first, count, padding, width, rows, lines, columns, v)
        for k in range(36):
            gemm(u[k], v[:, k], m[:, k], 0)
        for o in range(filters):
            for i in range(6):
                _at(m[o, 6 * i : 6 * i + 6], none, columns)
                _join(columns[:4], lines[i])
            _at(lines, bias[o], rows)
            for place, image in enumerate(images):
                _store(rows, width, place * count * width, out[image, o], first, count)


@compiled()
def _backward(grad, input, u, input_grads, u_grads, padding, together, strip, pieces, share, first_item, last_item):
    """input_grads (pieces, N, C, H, W), a part from each band, and u_grads (shares, 36, O, C), this share's; empty if not needed."""
    filters, height, across = grad.shape[1:]
    channels = input.shape[1]
    width = 4 * ((across + 3) // 4 + 1)
    room = _room(channels, filters, width, together * strip * width // 4, grad.dtype)
    for start, end, first, count, piece, opens in _strips(len(grad), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        rows, lines, columns, v, m = _cut(room, channels, filters, len(images) * count * width // 4)
        rows[:] = 0
        for o in range(filters):
            for place, image in enumerate(images):
                _load(grad[image, o], rows[:4], width, place * count * width, first, count, (0, 0))
            _a(rows, lines)
            for i in range(6):
                _split(lines[i], columns[:4])
                _a(columns, m[o, 6 * i : 6 * i + 6])
        if u_grads.size:
            _input_tiles(input, images, first, count, padding, width, rows, lines, columns, v)
            for k in range(36):
                gemm(m[:, k], v[:, k].T, u_grads[share, k], 1)
        if input_grads.size:
            if opens:
                input_grads[piece, start:end] = 0
            for k in range(36):
                gemm(u[k].T, m[:, k], v[:, k], 0)
            for c in range(channels):
                for i in range(6):
                    _b(v[c, 6 * i : 6 * i + 6], columns)
                    _join(columns, lines[i])
                _b(lines, rows)
                for place, image in enumerate(images):
                    _add_back(rows, width, place * count * width, input_grads[piece, image, c], first, count, padding)


def _pays(weight, out, tiles) -> bool:
    """Whether Winograd's products over `tiles`, its transforms, and U of them all, are quicker than direct products."""
    positions = len(out) * out.shape[2] * out.shape[3]
    return min(weight.shape[:2]) >= _CHANNELS_LEAST and 36 * tiles <= 6 * positions and 9 * positions - 36 * tiles >= 36 * _U_COST


@kernel(ops.conv)
def winograd_conv(input, weight, bias, stride, padding, dilation, groups):
    simple = input.ndim == 4 and weight.shape[2:] == (3, 3) and groups == 1 and {*stride, *dilation} == {1}
    if not simple or not floats(input, weight, bias) or not contiguous(input):
        return NotImplemented
    filters, channels = weight.shape[:2]
    out = np.empty((len(input), filters, *(n + 2 * p - 2 for n, p in zip(input.shape[2:], padding, strict=True))), input.dtype)
    tile_rows, tile_columns = -(-out.shape[2] // 4), -(-out.shape[3] // 4) + 1
    if not _pays(weight, out, len(input) * tile_rows * tile_columns):
        return NotImplemented
    to_u = _GG.astype(input.dtype)
    u = product(to_u, weight.reshape(-1, 9).T).reshape(36, filters, channels)
    most = max(_STRIP_LEAST, _STRIP_BYTES // (36 * (filters + channels) * input.itemsize))  # tiles in a strip
    strip = max(1, min(tile_rows, most // tile_columns))
    shares, pieces = get_num_threads(), pieces_of(len(input))
    together = 1 if strip < tile_rows or pieces > 1 else max(1, min(most // (tile_rows * tile_columns), -(-len(input) // shares)))
    items = -(-len(input) // together) * pieces
    cuts = tuple(padding), together, strip, pieces
    run_shares(_forward, items, input, u, np.zeros(filters, input.dtype) if bias is None else bias, out, *cuts)

    def backward(grad, needs_input, needs_weight, needs_bias):
        input_grads = np.empty((pieces, *input.shape) if needs_input else (0,) * 5, input.dtype)
        u_grads = np.zeros((shares, *u.shape) if needs_weight else (0,) * 4, input.dtype)
        run_shares(_backward, items, np.ascontiguousarray(grad), input, u, input_grads, u_grads, *cuts)
        return (
            (input_grads[0] if pieces == 1 else input_grads.sum(0)) if needs_input else None,
            product(u_grads.sum(0).reshape(36, -1).T, to_u).reshape(weight.shape) if needs_weight else None,
            plane_sums(grad) if needs_bias else None,
        )

    return out, backward

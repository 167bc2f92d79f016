"""3 × 3 convolutions on a CPU by Winograd's minimal filtering F(2 × 2, 3 × 3): 16 multiplications for 4 outputs instead of 36.

For each tile of 4 × 4 inputs d and each filter g (Lavin and Gray, 2016, Fast Algorithms for Convolutional Neural Networks):

    y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A          Bᵀ = 1  0 -1  0     G = 1   0   0      Aᵀ = 1 1  1  0
                                                  0  1  1  0         ½   ½   ½           0 1 -1 -1
The elementwise product, summed over channels,    0 -1  1  0         ½  -½   ½
is 16 matrix products over all tiles at once:     0  1  0 -1         0   0   1

    M[k] (O, T) = U[k] (O, C) @ V[k] (C, T)   U = G g Gᵀ,  V = Bᵀ d B,  y = Aᵀ M A

Backward is the same chain transposed: M̄ = A ȳ Aᵀ, Ū[k] = M̄[k] V[k]ᵀ, V̄[k] = U[k]ᵀ M̄[k], d̄ = B V̄ Bᵀ, ḡ = Gᵀ Ū G.  Each thread takes its
images in strips of tile rows whose V and M stay in its cache.
"""

import numpy as np

from ..ops import conv as ops
from ..threads import get_num_threads
from .cpu import compiled, contiguous, floats, kernel, pieces_of, run_shares
from .cpu_blas import gemm
from .cpu_conv import band, plane_sums  # and its kernel, older than this one, takes what is declined here

_G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_STRIP_BYTES = 900 * 1024  # of V and M
_FILTERS_BYTES = 2 << 20  # of U: beyond, reading it for every strip costs more than Winograd saves


@compiled()
def _load(image, plane, top, padding):
    """plane (rows, columns) = the image (H, W) from its padded row `top` on, zeros where there is none."""
    height, width = image.shape
    for y in range(plane.shape[0]):
        source = top + y - padding[0]
        if source < 0 or source >= height:
            plane[y] = 0
            continue
        last = min(width + padding[1], plane.shape[1])
        for x in range(padding[1]):
            plane[y, x] = 0
        for x in range(padding[1], last):
            plane[y, x] = image[source, x - padding[1]]
        for x in range(last, plane.shape[1]):
            plane[y, x] = 0


@compiled()
def _add_back(plane, image, top, padding):
    """The opposite of `_load`: the plane added to where it came from."""
    height, width = image.shape
    for y in range(plane.shape[0]):
        target = top + y - padding[0]
        if 0 <= target < height:
            for x in range(padding[1], min(width + padding[1], plane.shape[1])):
                image[target, x - padding[1]] += plane[y, x]


@compiled()
def _input_tiles(plane, lines, v, c, tile_rows, tile_columns):
    """v[:, c] = Bᵀ d B of every tile of the plane; lines (4, columns) is scratch."""
    for row in range(tile_rows):
        y = 2 * row
        for x in range(plane.shape[1]):
            lines[0, x] = plane[y, x] - plane[y + 2, x]
            lines[1, x] = plane[y + 1, x] + plane[y + 2, x]
            lines[2, x] = plane[y + 2, x] - plane[y + 1, x]
            lines[3, x] = plane[y + 1, x] - plane[y + 3, x]
        for a in range(4):
            for column in range(tile_columns):
                x, tile = 2 * column, row * tile_columns + column
                d0, d1, d2, d3 = lines[a, x], lines[a, x + 1], lines[a, x + 2], lines[a, x + 3]
                v[4 * a, c, tile] = d0 - d2
                v[4 * a + 1, c, tile] = d1 + d2
                v[4 * a + 2, c, tile] = d2 - d1
                v[4 * a + 3, c, tile] = d1 - d3


@compiled()
def _input_grads(v, c, lines, plane, tile_rows, tile_columns):
    """plane = the sum of B v Bᵀ over its overlapping tiles: `_input_tiles` transposed."""
    plane[:] = 0
    for row in range(tile_rows):
        y = 2 * row
        for a in range(4):
            carried_0 = carried_1 = v.dtype.type(0)  # what the tile before adds to this one's first two columns
            for column in range(tile_columns):
                x, tile = 2 * column, row * tile_columns + column
                v0, v1, v2, v3 = v[4 * a, c, tile], v[4 * a + 1, c, tile], v[4 * a + 2, c, tile], v[4 * a + 3, c, tile]
                lines[a, x] = carried_0 + v0
                lines[a, x + 1] = carried_1 + v1 - v2 + v3
                carried_0, carried_1 = v1 + v2 - v0, -v3
            lines[a, 2 * tile_columns] = carried_0
            lines[a, 2 * tile_columns + 1] = carried_1
        for x in range(plane.shape[1]):
            plane[y, x] += lines[0, x]
            plane[y + 1, x] += lines[1, x] - lines[2, x] + lines[3, x]
            plane[y + 2, x] += lines[1, x] + lines[2, x] - lines[0, x]
            plane[y + 3, x] -= lines[3, x]


@compiled()
def _output_tiles(m, o, quarter, out, bias, top, tile_rows, tile_columns):
    """out (oH, oW) from row `top` on = Aᵀ m A + bias; quarter (4, T) holds the four outputs of every tile in between."""
    tiles = tile_rows * tile_columns
    for t in range(tiles):
        a0, a1 = m[0, o, t] + m[4, o, t] + m[8, o, t], m[4, o, t] - m[8, o, t] - m[12, o, t]
        b0, b1 = m[1, o, t] + m[5, o, t] + m[9, o, t], m[5, o, t] - m[9, o, t] - m[13, o, t]
        c0, c1 = m[2, o, t] + m[6, o, t] + m[10, o, t], m[6, o, t] - m[10, o, t] - m[14, o, t]
        d0, d1 = m[3, o, t] + m[7, o, t] + m[11, o, t], m[7, o, t] - m[11, o, t] - m[15, o, t]
        quarter[0, t], quarter[1, t] = a0 + b0 + c0, b0 - c0 - d0
        quarter[2, t], quarter[3, t] = a1 + b1 + c1, b1 - c1 - d1
    for y in range(top, min(top + 2 * tile_rows, out.shape[0])):
        start, which = (y - top) // 2 * tile_columns, 2 * ((y - top) % 2)
        for x in range(out.shape[1]):
            out[y, x] = quarter[which + x % 2, start + x // 2] + bias


@compiled()
def _output_grads(grad, quarter, m, o, top, tile_rows, tile_columns):
    """m[:, o] = A ȳ Aᵀ of every tile: `_output_tiles` transposed."""
    quarter[:] = 0
    for y in range(top, min(top + 2 * tile_rows, grad.shape[0])):
        start, which = (y - top) // 2 * tile_columns, 2 * ((y - top) % 2)
        for x in range(grad.shape[1]):
            quarter[which + x % 2, start + x // 2] = grad[y, x]
    zero, one = m.dtype.type(0), m.dtype.type(1)
    for a in range(4):  # a row of A at a time: sixteen streams of writes at once would push each other out of the cache
        upper, lower = (zero, -one) if a == 3 else (one, (zero, one, -one)[a])
        for t in range(tile_rows * tile_columns):
            p, q = upper * quarter[0, t] + lower * quarter[2, t], upper * quarter[1, t] + lower * quarter[3, t]
            m[4 * a, o, t], m[4 * a + 1, o, t], m[4 * a + 2, o, t], m[4 * a + 3, o, t] = p, p + q, p - q, -q


@compiled()
def _forward(input, u, bias, out, padding, strip, pieces, share, first_item, last_item):
    """out (N, O, oH, oW) of some bands of images, from input (N, C, H, W) and u (16, O, C), `strip` tile rows at a time."""
    channels = input.shape[1]
    tile_rows, tile_columns = (out.shape[2] + 1) // 2, (out.shape[3] + 1) // 2
    plane = np.empty((2 * strip + 2, 2 * tile_columns + 2), input.dtype)
    lines = np.empty((4, plane.shape[1]), input.dtype)
    quarter = np.empty((4, strip * tile_columns), input.dtype)
    v = np.empty((16, channels, strip * tile_columns), input.dtype)
    m = np.empty((16, out.shape[1], strip * tile_columns), input.dtype)
    for item in range(first_item, last_item):
        image, _, start, end = band(item, pieces, tile_rows)
        for first in range(start, end, strip):
            rows = min(strip, end - first)
            tiles = rows * tile_columns
            for c in range(channels):
                _load(input[image, c], plane, 2 * first, padding)
                _input_tiles(plane, lines, v, c, rows, tile_columns)
            for k in range(16):
                gemm(u[k], v[k, :, :tiles], m[k, :, :tiles], 0)
            for o in range(out.shape[1]):
                _output_tiles(m, o, quarter, out[image, o], bias[o], 2 * first, rows, tile_columns)


@compiled()
def _backward(grad, input, u, input_grads, u_grads, padding, strip, pieces, share, first_item, last_item):
    """input_grads (pieces, N, C, H, W), a part from each band, and u_grads (shares, 16, O, C), this share's; empty if not needed."""
    channels = input.shape[1]
    tile_rows, tile_columns = (grad.shape[2] + 1) // 2, (grad.shape[3] + 1) // 2
    plane = np.empty((2 * strip + 2, 2 * tile_columns + 2), input.dtype)
    lines = np.empty((4, plane.shape[1]), input.dtype)
    quarter = np.empty((4, strip * tile_columns), input.dtype)
    v = np.empty((16, channels, strip * tile_columns), input.dtype)
    m = np.empty((16, grad.shape[1], strip * tile_columns), input.dtype)
    for item in range(first_item, last_item):
        image, piece, start, end = band(item, pieces, tile_rows)
        if input_grads.size:
            input_grads[piece, image] = 0
        for first in range(start, end, strip):
            rows = min(strip, end - first)
            tiles = rows * tile_columns
            for o in range(grad.shape[1]):
                _output_grads(grad[image, o], quarter, m, o, 2 * first, rows, tile_columns)
            if u_grads.size:
                for c in range(channels):
                    _load(input[image, c], plane, 2 * first, padding)
                    _input_tiles(plane, lines, v, c, rows, tile_columns)
                for k in range(16):
                    gemm(m[k, :, :tiles], v[k, :, :tiles].T, u_grads[share, k], 1)
            if input_grads.size:
                for k in range(16):
                    gemm(u[k].T, m[k, :, :tiles], v[k, :, :tiles], 0)
                for c in range(channels):
                    _input_grads(v, c, lines, plane, rows, tile_columns)
                    _add_back(plane, input_grads[piece, image, c], 2 * first, padding)


def _pays(input, weight, stride, dilation, groups) -> bool:
    """3 × 3 with step 1 everywhere, and channels enough on both sides for the products to outweigh the transforms."""
    if input.ndim != 4 or weight.shape[2:] != (3, 3) or groups != 1 or {*stride, *dilation} != {1}:
        return False
    filters, channels = weight.shape[:2]
    return min(filters, channels) >= 16 and 16 * filters * channels * weight.itemsize <= _FILTERS_BYTES


@kernel(ops.conv)
def winograd_conv(input, weight, bias, stride, padding, dilation, groups):
    if not floats(input, weight, bias) or not contiguous(input) or not _pays(input, weight, stride, dilation, groups):
        return NotImplemented
    out_shape = (len(input), len(weight), *(n + 2 * p - 2 for n, p in zip(input.shape[2:], padding, strict=True)))
    to_u = _G.astype(input.dtype)
    u = np.einsum("ai,bj,ocij->aboc", to_u, to_u, weight, optimize=True).reshape(16, *weight.shape[:2])
    u = np.ascontiguousarray(u)
    out = np.empty(out_shape, input.dtype)
    tile_columns, shares = (out_shape[3] + 1) // 2, get_num_threads()
    strip_row = 16 * (input.shape[1] + len(weight)) * tile_columns * input.itemsize
    strip = max(1, min((out_shape[2] + 1) // 2, _STRIP_BYTES // strip_row))
    start = np.zeros(len(weight), input.dtype) if bias is None else bias
    pieces = pieces_of(len(input))
    cuts = tuple(padding), strip, pieces
    run_shares(_forward, len(input) * pieces, input, u, start, out, *cuts)

    def backward(grad, needs_input, needs_weight, needs_bias):
        arrived = np.ascontiguousarray(grad)
        input_grads = np.empty((pieces, *input.shape) if needs_input else (0,) * 5, input.dtype)
        u_grads = np.zeros((shares, *u.shape) if needs_weight else (0, 0, 0, 0), input.dtype)
        run_shares(_backward, len(input) * pieces, arrived, input, u, input_grads, u_grads, *cuts)
        weight_grad = None
        if needs_weight:
            u_grad = u_grads.sum(0).reshape(4, 4, *weight.shape[:2])
            weight_grad = np.ascontiguousarray(np.einsum("ai,bj,aboc->ocij", to_u, to_u, u_grad, optimize=True))
        input_grad = (input_grads[0] if pieces == 1 else input_grads.sum(0)) if needs_input else None
        return input_grad, weight_grad, plane_sums(grad) if needs_bias else None

    return out, backward

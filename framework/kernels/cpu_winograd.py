"""Convolutions of 3 × 3 taps on a CPU by Winograd's minimal filtering: 36 multiplications for 4 × 4 outputs instead of 144.

For each tile of n × n inputs d, four apart, and each filter g of r × r taps, n = r + 3 (Lavin and Gray, 2016, Fast Algorithms for
Convolutional Neural Networks; the matrices are those of cpu_winograd_lines):

    y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A

The elementwise product, summed over channels, is n² matrix products over all tiles at once:

    M[k] (O, T) = U[k] (O, C) @ V[k] (C, T)   U = G g Gᵀ,  V = Bᵀ d B,  y = Aᵀ M A

Backward is the same chain transposed: M̄ = A ȳ Aᵀ, Ū[k] = M̄[k] V[k]ᵀ, V̄[k] = U[k]ᵀ M̄[k], d̄ = B V̄ Bᵀ, ḡ = Gᵀ Ū G.

A step s > 1 sorts rows and columns by their remainders on division by s: C channels become C s² in which the step is 1, each with every
s-th tap of the filter.  So 4 × 4 taps with step 2 are 2 × 2 taps of four times as many channels.

Each thread takes its images in strips: some rows of tiles, or several small images.  A plane of a strip is held as rows (n, 4T), row i of
every tile, one tile after another, so that both directions of a transform are loops over long lines; T counts one tile more than a row of
tiles has, for the columns beyond.
"""

import functools
import math

import numpy as np

from ..threads import get_num_threads
from .cpu import band, compiled, memcpy, pieces_of, run_shares, together_of
from .cpu_gemm import gemm
from .cpu_matmul import product
from .cpu_unfold import inside
from .cpu_winograd_lines import GG, times_a, times_at, times_b, times_bt

_STRIP_BYTES = 4 << 20  # of V and M,
_STRIP_LEAST = 128  # but no fewer tiles: below, a product is slower than the reading of U
_CHANNELS_LEAST = 4  # on either side
_U_COST = 64  # multiplications in the time that an element of U takes


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
def _room(n, channels, filters, tiles, dtype):
    """Memory for a strip of so many tiles: rows and lines (n, 4T), columns (n, T), V and M."""
    rows, columns = np.empty((n, 4 * tiles), dtype), np.empty((n, tiles), dtype)
    v, m = np.empty((channels, n * n, tiles), dtype), np.empty((filters, n * n, tiles), dtype)
    return rows, np.empty_like(rows), columns, v, m


@compiled()
def _load(plane, rows, line, place, first, count, stride, start):
    """rows[i] from element `place` on, `line` for each of `count` tile rows from `first` on; its element 0 is the plane's `start`.

    What lies outside the plane is left as it is.
    """
    height, width = plane.shape
    to, from_, size = rows.ctypes.data, plane.ctypes.data, plane.itemsize
    left, right = inside(line, start[1], stride[1], width)
    for i in range(len(rows)):
        for r in range(count):
            y, at = (4 * (first + r) + i) * stride[0] + start[0], place + r * line
            if y < 0 or y >= height:
                continue
            if stride[1] == 1:
                at += i * rows.shape[1] + left
                memcpy(to + at * size, from_ + (y * width + left + start[1]) * size, (right - left) * size)
            else:
                row, found = rows[i, at + left : at + right], plane[y, left * stride[1] + start[1] :]
                for x in range(row.size):
                    row[x] = found[x * stride[1]]


@compiled()
def _add_back(rows, plane, line, place, first, count, stride, start):
    """`_load` transposed: every element of `rows` added to where it came from."""
    height, width = plane.shape
    left, right = inside(line, start[1], stride[1], width)
    for i in range(len(rows)):
        for r in range(count):
            y, from_ = (4 * (first + r) + i) * stride[0] + start[0], place + r * line
            if y < 0 or y >= height:
                continue
            row, arrived = plane[y, left * stride[1] + start[1] :], rows[i, from_ + left : from_ + right]
            if stride[1] == 1:
                for x in range(arrived.size):
                    row[x] += arrived[x]
            else:
                for x in range(arrived.size):
                    row[x * stride[1]] += arrived[x]


@compiled()
def _store(rows, plane, line, place, first, count):
    """The plane's part in `count` tile rows from `first` on, from `rows`."""
    height, width = plane.shape
    to, from_, size = plane.ctypes.data, rows.ctypes.data, plane.itemsize
    for i in range(4):
        for r in range(count):
            y, at = 4 * (first + r) + i, i * rows.shape[1] + place + r * line
            if y < height:
                memcpy(to + y * width * size, from_ + at * size, width * size)


@compiled()
def _split(line, columns):
    """columns[j] (T,) = column j of every tile in the line (4T,): beyond the fourth the next tile's first."""
    c0, c1, c2, c3 = columns[0], columns[1], columns[2], columns[3]
    for t in range(c0.size):
        c0[t], c1[t], c2[t], c3[t] = line[4 * t], line[4 * t + 1], line[4 * t + 2], line[4 * t + 3]
    for j in range(4, len(columns)):
        first, beyond = columns[j - 4, 1:], columns[j]
        for t in range(first.size):
            beyond[t] = first[t]
        beyond[first.size] = 0


@compiled()
def _join(columns, line):
    """`_split` transposed: the line from the columns of every tile, those added that are the same."""
    for j in range(4, len(columns)):
        first, beyond = columns[j - 4, 1:], columns[j]
        for t in range(first.size):
            first[t] += beyond[t]
    c0, c1, c2, c3 = columns[0], columns[1], columns[2], columns[3]
    for t in range(c0.size):
        line[4 * t], line[4 * t + 1], line[4 * t + 2], line[4 * t + 3] = c0[t], c1[t], c2[t], c3[t]


@compiled()
def _input_tiles(input, images, first, count, line, stride, padding, rows, lines, columns, v):
    """V of some tile rows of some images."""
    n = len(rows)
    for i in range(stride[0]):
        for j in range(stride[1]):
            rows[:] = 0  # beyond the image; within it every channel overwrites the one before
            for c in range(input.shape[1]):
                for place, image in enumerate(images):
                    start = i - padding[0], j - padding[1]
                    _load(input[image, c], rows, line, place * count * line, first, count, stride, start)
                times_bt(rows, lines)
                for k in range(n):
                    _split(lines[k], columns)
                    times_bt(columns, v[(c * stride[0] + i) * stride[1] + j, n * k : n * k + n])


@compiled()
def _forward(input, u, bias, out, stride, padding, together, strip, pieces, share, first_item, last_item):
    """out (N, O, oH, oW) from input (N, C, H, W) and u (n², O, C s²)."""
    _, filters, height, width = out.shape
    n, none = round(len(u) ** 0.5), bias.dtype.type(0)
    line = 4 * ((width + 3) // 4 + 1)
    for start, end, first, count, _, _ in _strips(len(input), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        rows, lines, columns, v, m = _room(n, u.shape[2], filters, len(images) * count * line // 4, input.dtype)
        _input_tiles(input, images, first, count, line, stride, padding, rows, lines, columns, v)
        for k in range(n * n):
            gemm(u[k], v[:, k], m[:, k], 0)
        for o in range(filters):
            for k in range(n):
                times_at(m[o, n * k : n * k + n], none, columns)
                _join(columns[:4], lines[k])
            times_at(lines, bias[o], rows)
            for place, image in enumerate(images):
                _store(rows, out[image, o], line, place * count * line, first, count)


@compiled()
def _backward(grad, input, u, input_grads, u_grads, stride, padding, together, strip, pieces, share, first_item, last_item):
    """input_grads (pieces, N, C, H, W), a part from each band, and u_grads (shares, n², O, C s²), this share's; empty if not needed."""
    _, filters, height, width = grad.shape
    n, channels = round(len(u) ** 0.5), u.shape[2]
    line = 4 * ((width + 3) // 4 + 1)
    for start, end, first, count, piece, opens in _strips(len(grad), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        rows, lines, columns, v, m = _room(n, channels, filters, len(images) * count * line // 4, grad.dtype)
        rows[:] = 0
        for o in range(filters):
            for place, image in enumerate(images):
                _load(grad[image, o], rows[:4], line, place * count * line, first, count, (1, 1), (0, 0))
            times_a(rows, lines)
            for k in range(n):
                _split(lines[k], columns[:4])
                times_a(columns, m[o, n * k : n * k + n])
        if u_grads.size:
            _input_tiles(input, images, first, count, line, stride, padding, rows, lines, columns, v)
            for k in range(n * n):
                gemm(m[:, k], v[:, k].T, u_grads[share, k], 1)
        if input_grads.size:
            if opens:
                input_grads[piece, start:end] = 0
            for k in range(n * n):
                gemm(u[k].T, m[:, k], v[:, k], 0)
            for c in range(channels):
                for k in range(n):
                    times_b(v[c, n * k : n * k + n], columns)
                    _join(columns, lines[k])
                times_b(lines, rows)
                channel, phase = c // (stride[0] * stride[1]), c % (stride[0] * stride[1])
                begin = phase // stride[1] - padding[0], phase % stride[1] - padding[1]
                for place, image in enumerate(images):
                    _add_back(rows, input_grads[piece, image, channel], line, place * count * line, first, count, stride, begin)


class Winograd:
    """One convolution's sizes, and its three products: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        self.input_shape, self.out_shape = input_shape, out_shape
        self.weight, self.stride, self.taps = weight, tuple(stride), _taps(weight, stride)
        filters, channels = len(weight), weight.shape[1] * stride[0] * stride[1]
        images, tile_rows, across = _tiles(out_shape)
        most = max(_STRIP_LEAST, _STRIP_BYTES // ((self.taps + 3) ** 2 * (filters + channels) * weight.itemsize))  # tiles in a strip
        strip = max(1, min(tile_rows, most // across))
        self.pieces = pieces_of(images)
        whole = strip == tile_rows and self.pieces == 1
        together = together_of(images, most // (tile_rows * across)) if whole else 1
        self.cuts = self.stride, tuple(padding), together, strip, self.pieces
        self.items = -(-images // together) * self.pieces

    @staticmethod
    def pays(out_shape, weight, stride, dilation, groups) -> bool:
        """Whether it is quicker than products over all taps, with its transforms, and with U, which is the same for all tiles."""
        if len(out_shape) != 4 or groups != 1 or {*dilation} != {1} or _taps(weight, stride) not in GG:
            return False
        images, tile_rows, across = _tiles(out_shape)
        step = stride[0] * stride[1]
        u_size = (_taps(weight, stride) + 3) ** 2 * step  # for a filter and a channel
        direct, here = images * out_shape[2] * out_shape[3] * math.prod(weight.shape[2:]), images * tile_rows * across * u_size
        few = min(len(weight), weight.shape[1] * step) < _CHANNELS_LEAST
        return not few and 3 * here <= 2 * direct and direct - here >= _U_COST * u_size

    @functools.cached_property
    def u(self):
        """U (n², O, C s²)."""
        filters, channels, *_ = self.weight.shape
        (down, right), taps = self.stride, self.taps
        sorted_taps = np.zeros((filters, channels, taps * down, taps * right), self.weight.dtype)
        sorted_taps[:, :, : self.weight.shape[2], : self.weight.shape[3]] = self.weight
        sorted_taps = sorted_taps.reshape(filters, channels, taps, down, taps, right).transpose(0, 1, 3, 5, 2, 4)
        u = product(GG[taps].astype(self.weight.dtype), sorted_taps.reshape(-1, taps * taps).T)
        return u.reshape(len(u), filters, channels * down * right)

    def weight_gradient(self, u_grad):
        """The weight's from that of U."""
        filters, channels, height, width = self.weight.shape
        (down, right), taps = self.stride, self.taps
        grad = product(u_grad.reshape(len(u_grad), -1).T, GG[taps].astype(u_grad.dtype))
        grad = grad.reshape(filters, channels, down, right, taps, taps).transpose(0, 1, 4, 2, 5, 3)
        return np.ascontiguousarray(grad.reshape(filters, channels, taps * down, taps * right)[:, :, :height, :width])

    def forward(self, input, bias):
        """out (N, O, oH, oW)."""
        out = np.empty(self.out_shape, input.dtype)
        bias = np.zeros(len(self.weight), input.dtype) if bias is None else bias
        run_shares(_forward, self.items, input, self.u, bias, out, *self.cuts)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        grad, u = np.ascontiguousarray(grad), self.u
        input = input if needs_weight else np.empty((0, 0, 0, 0), grad.dtype)
        input_grads = np.empty((self.pieces, *self.input_shape) if needs_input else (0,) * 5, grad.dtype)
        u_grads = np.zeros((get_num_threads(), *u.shape) if needs_weight else (0,) * 4, grad.dtype)
        run_shares(_backward, self.items, grad, input, u, input_grads, u_grads, *self.cuts)
        return (
            (input_grads[0] if self.pieces == 1 else input_grads.sum(0)) if needs_input else None,
            self.weight_gradient(u_grads.sum(0)) if needs_weight else None,
        )


def _taps(weight, stride) -> int:
    """r: along its longer side, the taps of the filter of a remainder."""
    return max(-(-k // s) for k, s in zip(weight.shape[2:], stride, strict=True))


def _tiles(out_shape) -> tuple:
    """(images, tile rows of each, tiles in a row and the one beyond)."""
    return out_shape[0], -(-out_shape[2] // 4), -(-out_shape[3] // 4) + 1

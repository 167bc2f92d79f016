"""Convolutions of 3 × 3 taps on a CPU by Winograd's minimal filtering: 36 multiplications for 4 × 4 outputs instead of 144.

For each tile of n × n inputs d, four apart, and each filter g of r × r taps, n = r + 3 (Lavin and Gray, 2016, Fast Algorithms for
Convolutional Neural Networks; the matrices are those of cpu_winograd_lines):

    y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A

The elementwise product, summed over channels, is n² matrix products over all tiles at once:

    M[k] (O, T) = U[k] (O, C) @ V[k] (C, T)   U = G g Gᵀ,  V = Bᵀ d B,  y = Aᵀ M A

Backward is the same chain transposed: M̄ = A ȳ Aᵀ, Ū[k] = M̄[k] V[k]ᵀ, V̄[k] = U[k]ᵀ M̄[k], d̄ = B V̄ Bᵀ, ḡ = Gᵀ Ū G.

A step s > 1 sorts rows and columns by their remainders on division by s: C channels become C s² in which the step is 1, each with every
s-th tap of the filter.  So 4 × 4 taps with step 2 are 2 × 2 taps of four times as many channels.

Each thread takes its images in strips: some rows of tiles, or several small images.  The transforms are passes down the images' rows to
lines, and along those (cpu_winograd_passes); T counts one tile more than a row of tiles has, for the columns beyond.
"""

import functools
import math

import numpy as np

from ..threads import get_num_threads
from .cpu import band, compiled, pieces_of, run_shares, together_of
from .cpu_gemm import gemm
from .cpu_matmul import product
from .cpu_unfold import inside
from .cpu_vectors import lanes
from .cpu_winograd_lines import GG
from .cpu_winograd_passes import along_a, along_bt, back_at, back_b, down_a, down_bt, up_at, up_b

_STRIP_BYTES = 2 << 20  # of V and M
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
def _room(n, channels, filters, tiles, lanes, dtype):
    """Memory for a strip of so many tiles, a whole number of vectors: lines (n, 4T and a vector), V and M."""
    tiles = (tiles + lanes - 1) // lanes * lanes
    v, m = np.empty((channels, n * n, tiles), dtype), np.empty((filters, n * n, tiles), dtype)
    return np.zeros((n, 4 * tiles + lanes), dtype), v, m


@compiled()
def _sort(plane, phase, stride, start):
    """phase[y, x] = plane[y stride + start, …]; what lies outside the plane is left as it is."""
    top, bottom = inside(phase.shape[0], start[0], stride[0], plane.shape[0])
    left, right = inside(phase.shape[1], start[1], stride[1], plane.shape[1])
    for y in range(top, bottom):
        row, found = phase[y, left:right], plane[y * stride[0] + start[0], left * stride[1] + start[1] :]
        for x in range(row.size):
            row[x] = found[x * stride[1]]


@compiled()
def _unsort(phase, plane, stride, start):
    """The opposite: every element of `phase` added to where it came from."""
    top, bottom = inside(phase.shape[0], start[0], stride[0], plane.shape[0])
    left, right = inside(phase.shape[1], start[1], stride[1], plane.shape[1])
    for y in range(top, bottom):
        row, found = plane[y * stride[0] + start[0], left * stride[1] + start[1] :], phase[y, left:right]
        for x in range(found.size):
            row[x * stride[1]] += found[x]


@compiled()
def _input_tiles(size, input, images, first, count, across, stride, padding, nothing, lines, v):
    """V of some tile rows of some images; a line has `across` numbers to a tile row."""
    n = len(size)
    phase = np.zeros((4 * count + n - 4, across), input.dtype)
    left, right = inside(across, -padding[1], 1, input.shape[3])
    for i in range(stride[0]):
        for j in range(stride[1]):
            phase[:] = 0
            for c in range(input.shape[1]):
                for place, image in enumerate(images):
                    at = place * count * across
                    if stride[0] == stride[1] == 1:
                        for r in range(count):
                            y = 4 * (first + r) - padding[0]
                            down_bt(size, input[image, c], y, left - padding[1], nothing, lines, at + r * across + left, right - left)
                        continue
                    _sort(input[image, c], phase, stride, (i - padding[0] + 4 * first * stride[0], j - padding[1]))
                    for r in range(count):
                        down_bt(size, phase, 4 * r, 0, nothing, lines, at + r * across, across)
                for k in range(n):
                    along_bt(size, lines[k], v[(c * stride[0] + i) * stride[1] + j, n * k : n * k + n])


@compiled()
def _input_gradient(size, v, images, first, count, across, stride, padding, lines, input_grads):
    """The tiles of V̄ added to where they came from."""
    n, none = len(size), v.dtype.type(0)
    phase = np.zeros((4 * count + n - 4, across), v.dtype)
    left, right = inside(across, -padding[1], 1, input_grads.shape[3])
    for channel in range(len(v)):
        for k in range(n):
            back_b(size, v[channel, n * k : n * k + n], lines[k])
        c, i, j = channel // (stride[0] * stride[1]), channel // stride[1] % stride[0], channel % stride[1]
        for place, image in enumerate(images):
            at = place * count * across
            if stride[0] == stride[1] == 1:
                for r in range(count):
                    y = 4 * (first + r) - padding[0]
                    up_b(size, lines, at + r * across + left, none, input_grads[image, c], y, left - padding[1], right - left)
                continue
            phase[:] = 0
            for r in range(count):
                up_b(size, lines, at + r * across, none, phase, 4 * r, 0, across)
            _unsort(phase, input_grads[image, c], stride, (i - padding[0] + 4 * first * stride[0], j - padding[1]))


@compiled()
def _forward(size, input, u, bias, out, stride, padding, together, strip, pieces, lanes, share, first_item, last_item):
    """out (N, O, oH, oW) from input (N, C, H, W) and u (n², O, C s²)."""
    _, filters, height, width = out.shape
    n, across = len(size), 4 * ((width + 3) // 4 + 1)
    nothing = np.zeros(max(input.shape[3], across), input.dtype)
    for start, end, first, count, _, _ in _strips(len(input), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        lines, v, m = _room(n, u.shape[2], filters, len(images) * count * across // 4, lanes, input.dtype)
        _input_tiles(size, input, images, first, count, across, stride, padding, nothing, lines, v)
        for k in range(n * n):
            gemm(u[k], v[:, k], m[:, k], 0)
        for o in range(filters):
            for k in range(n):
                back_at(size, m[o, n * k : n * k + n], lines[k])
            for place, image in enumerate(images):
                for r in range(count):
                    up_at(size, lines, (place * count + r) * across, bias[o], out[image, o], 4 * (first + r), 0, width)


@compiled()
def _backward(size, grad, input, u, input_grads, u_grads, stride, padding, together, strip, pieces, lanes, share, first_item, last_item):
    """input_grads (pieces, N, C, H, W), a part from each band, and u_grads (shares, n², O, C s²), this share's; empty if not needed."""
    _, filters, height, width = grad.shape
    n, channels, across = len(size), u.shape[2], 4 * ((width + 3) // 4 + 1)
    nothing = np.zeros(max(input.shape[3], across), grad.dtype)
    for start, end, first, count, piece, opens in _strips(len(grad), height, together, strip, pieces, first_item, last_item):
        images = range(start, end)
        lines, v, m = _room(n, channels, filters, len(images) * count * across // 4, lanes, grad.dtype)
        for o in range(filters):
            for place, image in enumerate(images):
                for r in range(count):
                    down_a(size, grad[image, o], 4 * (first + r), 0, nothing, lines, (place * count + r) * across, width)
            for k in range(n):
                along_a(size, lines[k], m[o, n * k : n * k + n])
        if u_grads.size:
            lines[:] = 0
            _input_tiles(size, input, images, first, count, across, stride, padding, nothing, lines, v)
            for k in range(n * n):
                gemm(m[:, k], v[:, k].T, u_grads[share, k], 1)
        if input_grads.size:
            if opens:
                input_grads[piece, start:end] = 0
            for k in range(n * n):
                gemm(u[k].T, m[:, k], v[:, k], 0)
            _input_gradient(size, v, images, first, count, across, stride, padding, lines, input_grads[piece])


class Winograd:
    """One convolution's sizes, and its three products: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        self.input_shape, self.out_shape = input_shape, out_shape
        self.weight, self.stride, self.taps = weight, tuple(stride), _taps(weight, stride)
        filters, channels = len(weight), weight.shape[1] * stride[0] * stride[1]
        images, tile_rows, across = _tiles(out_shape)
        tiles = _STRIP_BYTES // ((self.taps + 3) ** 2 * (filters + channels) * weight.itemsize)
        most = max(tiles, (filters + channels) // 2)  # in a strip: with fewer, reading U would take longer than V and M
        strip = max(1, min(tile_rows, most // across))
        self.pieces = pieces_of(images)
        whole = strip == tile_rows and self.pieces == 1
        together = together_of(images, most // (tile_rows * across)) if whole else 1
        self.size = (0,) * (self.taps + 3)
        self.cuts = self.stride, tuple(padding), together, strip, self.pieces, lanes(weight.dtype)
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
        run_shares(_forward, self.items, self.size, input, self.u, bias, out, *self.cuts)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        grad, u = np.ascontiguousarray(grad), self.u
        input = input if needs_weight else np.empty((0, 0, 0, 0), grad.dtype)
        input_grads = np.empty((self.pieces, *self.input_shape) if needs_input else (0,) * 5, grad.dtype)
        u_grads = np.zeros((get_num_threads(), *u.shape) if needs_weight else (0,) * 4, grad.dtype)
        run_shares(_backward, self.items, self.size, grad, input, u, input_grads, u_grads, *self.cuts)
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

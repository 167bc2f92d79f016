"""Convolutions of 3 × 3 taps on a CPU by Winograd's minimal filtering: 36 multiplications for 4 × 4 outputs instead of 144.

For each tile of n × n inputs d, four apart, and each filter g of r × r taps, n = r + 3 (Lavin and Gray, 2016, Fast Algorithms for
Convolutional Neural Networks; the matrices are those of cpu_winograd_lines):

    y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A

The elementwise product, summed over channels, is n² matrix products over all tiles at once:

    M[k] (O, T) = U[k] (O, C) @ V[k] (C, T)   U = G g Gᵀ,  V = Bᵀ d B,  y = Aᵀ M A

Backward is the same chain transposed: M̄ = A ȳ Aᵀ, Ū[k] = M̄[k] V[k]ᵀ, V̄[k] = U[k]ᵀ M̄[k], d̄ = B V̄ Bᵀ, ḡ = Gᵀ Ū G.

A step s > 1 sorts rows and columns by their remainders on division by s: C channels become s² times C in which the step is 1, each with
every s-th tap of the filter.  So 4 × 4 taps with step 2 are 2 × 2 taps of four times as many channels.

There are two ways to share out the work.  By strips: each thread takes its images, some rows of tiles or several small images at a time,
so few that V and M stay in its cache.  By products: of few tiles and many channels, where U is larger than V and M and should be read once,
all threads make V, a share of the channels each; then the products, a share of the n² each; then the output, a share of the filters each.
"""

import functools
import math

import numpy as np

from .cpu import band, compiled, pieces_of, run_shares, together_of
from .cpu_gemm import gemm
from .cpu_matmul import product
from .cpu_vectors import lanes
from .cpu_winograd_lines import G
from .cpu_winograd_tiles import Geometry, Strip, input_gradient, input_tiles, output_gradient_tiles, output_tiles, tiles_of
from .threads import get_num_threads

_STRIP_BYTES = 2 << 20  # of V and M
_CHANNELS_LEAST = 4  # on either side
_U_COST = 64  # multiplications in the time that an element of U takes
_PACK_COST = 64  # multiplications and additions in the time that one element of V or M is packed


@compiled()
def _strips(images, rows, together, count, pieces, first_item, last_item):
    """[(strip, piece, is it the piece's first strip?)] of the work items."""
    strips = []
    for item in range(first_item, last_item):
        block, piece, top, bottom = band(item, pieces, rows)
        start = block * together
        for first in range(top, bottom, count):
            strips.append((Strip(start, min(start + together, images), first, min(count, bottom - first)), piece, first == top))
    return strips


@compiled()
def _products(u, v, m, share, first, last):
    """M[k] for some k; V has the channels of one remainder after those of another."""
    channels = u.shape[3]
    for k in range(first, last):
        for phase in range(u.shape[1]):
            gemm(u[k, phase], v[phase * channels : (phase + 1) * channels, k], m[:, k], phase > 0)


@compiled()
def _products_backward(u, v, m, share, first, last):
    """V̄[k] from M̄[k]."""
    channels = u.shape[3]
    for k in range(first, last):
        for phase in range(u.shape[1]):
            gemm(u[k, phase].T, m[:, k], v[phase * channels : (phase + 1) * channels, k], 0)


@compiled()
def _products_of_gradients(v, m, u_grad, add, share, first, last):
    """Ū[k] from V[k] and M̄[k], or added to it."""
    channels = u_grad.shape[3]
    for k in range(first, last):
        for phase in range(u_grad.shape[1]):
            gemm(m[:, k], v[phase * channels : (phase + 1) * channels, k].T, u_grad[k, phase], add)


@compiled()
def _forward(g, input, u, bias, out, rows, together, count, pieces, share, first_item, last_item):
    """out (N, O, oH, oW) from input (N, C, H, W) and u (n², s², O, C), strip by strip."""
    _, phases, filters, channels = u.shape
    for strip, _, _ in _strips(len(input), rows, together, count, pieces, first_item, last_item):
        tiles = tiles_of(g, strip)
        v, m = np.empty((phases * channels, len(u), tiles), input.dtype), np.empty((filters, len(u), tiles), input.dtype)
        input_tiles(g, strip, input, v, share, 0, channels)
        _products(u, v, m, share, 0, len(u))
        output_tiles(g, strip, m, bias, out, share, 0, filters)


@compiled()
def _backward(g, grad, input, u, input_grads, u_grads, rows, together, count, pieces, share, first_item, last_item):
    """input_grads (pieces, N, C, H, W), a part from each band, and u_grads (shares, n², s², O, C), this share's; empty if not needed."""
    _, phases, filters, channels = u.shape
    for strip, piece, opens in _strips(len(grad), rows, together, count, pieces, first_item, last_item):
        tiles = tiles_of(g, strip)
        v, m = np.empty((phases * channels, len(u), tiles), grad.dtype), np.empty((filters, len(u), tiles), grad.dtype)
        output_gradient_tiles(g, strip, grad, m, share, 0, filters)
        if u_grads.size:
            input_tiles(g, strip, input, v, share, 0, channels)
            _products_of_gradients(v, m, u_grads[share], 1, share, 0, len(u))
        if input_grads.size:
            if opens:
                input_grads[piece, strip.start : strip.end] = 0
            _products_backward(u, v, m, share, 0, len(u))
            input_gradient(g, strip, v, input_grads[piece], share, 0, channels)


class Winograd:
    """One convolution's sizes, and its three products: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        self.input_shape, self.out_shape = input_shape, out_shape
        self.weight, self.stride, self.taps = weight, tuple(stride), _taps(weight, stride)
        self.phases = stride[0] * stride[1]
        self.g = _g_for_both(self.taps, weight.shape[2:], self.stride).astype(weight.dtype)
        filters, channels = len(weight), self.phases * weight.shape[1]
        images, rows, across = _tiles(out_shape)
        compact = _is_compact(filters, channels, across)
        self.geometry = Geometry((0,) * (self.taps + 3), self.stride, tuple(padding), across, compact, lanes(weight.dtype))
        self.by_products = images * rows * across * (filters + channels) <= filters * channels  # V and M are no larger than U
        if self.by_products:
            self.strip = Strip(0, images, 0, rows)
            self.tiles = tiles_of(self.geometry, self.strip)
            return
        tiles = _STRIP_BYTES // ((self.taps + 3) ** 2 * (filters + channels) * weight.itemsize)
        most = max(tiles, (filters + channels) // 2)  # in a strip: with fewer, reading U would take longer than V and M
        count = max(1, min(rows, most // (across + 1)))
        self.pieces = pieces_of(images, rows)
        whole = count == rows and self.pieces == 1
        together = together_of(images, most // (rows * (across + 1))) if whole else 1
        self.cuts = rows, together, count, self.pieces
        self.items = -(-images // together) * self.pieces

    @staticmethod
    def pays(out_shape, weight, stride, dilation, groups) -> bool:
        """Whether it is quicker than products over all taps, with its transforms, and with U, which is the same for all tiles."""
        if len(out_shape) != 4 or groups != 1 or {*dilation} != {1} or _taps(weight, stride) not in G:
            return False
        images, rows, across = _tiles(out_shape)
        step = stride[0] * stride[1]
        across += not _is_compact(len(weight), weight.shape[1] * step, across)
        u_size = (_taps(weight, stride) + 3) ** 2 * step  # for a filter and a channel
        direct, here = images * out_shape[2] * out_shape[3] * math.prod(weight.shape[2:]), images * rows * across * u_size
        few = min(len(weight), weight.shape[1] * step) < _CHANNELS_LEAST
        return not few and 3 * here <= 2 * direct and direct - here >= _U_COST * u_size

    @functools.cached_property
    def u(self):
        """U (n², s², O, C)."""
        filters, channels, height, width = self.weight.shape
        return product(self.g, self.weight.reshape(-1, height * width).T).reshape(-1, self.phases, filters, channels)

    def weight_gradient(self, u_grad):
        """The weight's from that of U."""
        out = np.empty(self.weight.shape, self.weight.dtype)
        product(u_grad.reshape(len(self.g), -1).T, self.g, out=out.reshape(-1, self.g.shape[1]))
        return out

    def _room(self, dtype):
        """For V and M."""
        counts = self.phases * self.weight.shape[1], len(self.weight)
        return [np.empty((count, (self.taps + 3) ** 2, self.tiles), dtype) for count in counts]

    def forward(self, input, bias):
        """out (N, O, oH, oW)."""
        out, u, g = np.empty(self.out_shape, input.dtype), self.u, self.geometry
        bias = np.zeros(len(self.weight), input.dtype) if bias is None else bias
        if not self.by_products:
            run_shares(_forward, self.items, g, input, u, bias, out, *self.cuts)
            return out
        v, m = self._room(input.dtype)
        run_shares(input_tiles, input.shape[1], g, self.strip, input, v)
        run_shares(_products, len(u), u, v, m)
        run_shares(output_tiles, len(bias), g, self.strip, m, bias, out)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        grad = np.ascontiguousarray(grad)
        if self.by_products:
            return self._backward_by_products(grad, input, needs_input, needs_weight)
        input = input if needs_weight else np.empty((0, 0, 0, 0), grad.dtype)
        input_grads = np.empty((self.pieces, *self.input_shape) if needs_input else (0,) * 5, grad.dtype)
        u_grads = np.zeros((get_num_threads(), *self.u.shape) if needs_weight else (0,) * 5, grad.dtype)
        run_shares(_backward, self.items, self.geometry, grad, input, self.u, input_grads, u_grads, *self.cuts)
        return (
            (input_grads[0] if self.pieces == 1 else input_grads.sum(0)) if needs_input else None,
            self.weight_gradient(u_grads.sum(0)) if needs_weight else None,
        )

    def _backward_by_products(self, grad, input, needs_input, needs_weight):
        u, g, input_grad, weight_grad = self.u, self.geometry, None, None
        v, m = self._room(grad.dtype)
        run_shares(output_gradient_tiles, grad.shape[1], g, self.strip, grad, m)
        if needs_weight:
            u_grad = np.empty_like(u)
            run_shares(input_tiles, input.shape[1], g, self.strip, input, v)
            run_shares(_products_of_gradients, len(u), v, m, u_grad, 0)
            weight_grad = self.weight_gradient(u_grad)
        if needs_input:
            input_grad = np.zeros(self.input_shape, grad.dtype)
            run_shares(_products_backward, len(u), u, v, m)
            run_shares(input_gradient, input_grad.shape[1], g, self.strip, v, input_grad)
        return input_grad, weight_grad


def _is_compact(filters, channels, across) -> bool:
    """Whether the tile beyond each row is worth leaving out: what its products cost against the packing of V and M."""
    return filters * channels >= _PACK_COST * across * (filters + channels)


def _taps(weight, stride) -> int:
    """r: along its longer side, the taps of the filter of a remainder."""
    return max(-(-k // s) for k, s in zip(weight.shape[2:], stride, strict=True))


def _tiles(out_shape) -> tuple:
    """(images, rows of tiles in each, tiles in a row)."""
    return out_shape[0], -(-out_shape[2] // 4), -(-out_shape[3] // 4)


@functools.cache
def _g_for_both(taps, kernel, stride):
    """(n² s², kH kW): what each tap of a filter adds to each element of U, for every remainder of rows and columns."""
    matrix = np.zeros((taps + 3, taps + 3, *stride, *kernel))
    for i, j in np.ndindex(*kernel):
        matrix[:, :, i % stride[0], j % stride[1], i, j] = np.outer(G[taps][:, i // stride[0]], G[taps][:, j // stride[1]])
    return matrix.reshape(-1, kernel[0] * kernel[1])

"""Convolution in any number of dimensions: three ops that differentiate into each other.

    convolution   y = w * x          y[n,o,p] = sum_{c,k} w[o,c,k] x[n,c, p*stride + k*dilation - padding]
    input_grad    x̄ = wᵀ * ȳ        also known as transposed convolution
    weight_grad   w̄ = x ⋆ ȳ

Each is linear in both of its operands, so the gradient of any of them is the other two.  The reference unfolds the input into columns
("im2col": Chellapilla et al., 2006, High Performance Convolutional Neural Networks for Document Processing) and multiplies matrices.
Shapes: input (N, C, *spatial), weight (O, C / groups, *kernel), output (N, O, *positions); `geometry` = (stride, padding, dilation).
"""

import itertools
from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module
from .linalg import matrix_product
from .shape import constant_pad, reshape


def positions(spatial, kernel, stride, padding, dilation, ceil_mode=False) -> tuple:
    """How many places a window has along each dimension; with `ceil_mode` a last one that starts inside may hang over the edge."""
    counts = []
    for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = room // s + 1
        counts.append(count + bool(ceil_mode and room % s and count * s < n + p))
    if min(counts) < 1:
        sizes = f"kernel {tuple(kernel)}, dilation {dilation}, input {tuple(spatial)}, padding {padding}"
        raise RuntimeError(f"Kernel size can't be greater than actual input size, the output size is too small: {sizes}")
    return tuple(counts)


def _taps(kernel, out, stride, dilation):
    """For each tap of the kernel: its index, and the slices of the padded input that it sees from all positions."""
    for tap in itertools.product(*map(range, kernel)):
        seen = (slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in zip(tap, dilation, stride, out, strict=True))
        yield (..., *tap), (..., *seen)


def _columns(input, kernel, geometry, groups):
    """Every patch of the input as a row: (groups, N * positions, C/groups * taps)."""
    (n, c, *spatial), (stride, padding, dilation) = input.shape, geometry
    out = positions(spatial, kernel, *geometry)
    padded = np.pad(input, ((0, 0), (0, 0), *((p, p) for p in padding))) if any(padding) else input
    padded = padded.reshape(n, groups, c // groups, *padded.shape[2:])
    columns = array_module(input).empty((groups, n, *out, c // groups, *kernel), input.dtype)
    for tap, seen in _taps(kernel, out, stride, dilation):
        columns[tap] = np.moveaxis(padded[seen], (1, 2), (0, -1))
    return columns.reshape(groups, n * prod(out), c // groups * prod(kernel))


def _from_columns(columns, input_shape, kernel, geometry, groups):
    """The transpose of `_columns`: every row added to the input where its patch lies."""
    (n, c, *spatial), (stride, padding, dilation) = input_shape, geometry
    out, module = positions(spatial, kernel, *geometry), array_module(columns)
    columns = columns.reshape(groups, n, *out, c // groups, *kernel)
    padded = module.zeros((n, groups, c // groups, *(s + 2 * p for s, p in zip(spatial, padding, strict=True))), columns.dtype)
    for tap, seen in _taps(kernel, out, stride, dilation):
        padded[seen] += np.moveaxis(columns[tap], (0, -1), (1, 2))
    inside = tuple(slice(p, p + s) for s, p in zip(spatial, padding, strict=True))
    return module.ascontiguousarray(padded.reshape(n, c, *padded.shape[3:])[(..., *inside)])


def _rows(output, groups):
    """(N, O, *positions) as (groups, N * positions, O/groups)."""
    n, o, *out = output.shape
    return output.reshape(n, groups, o // groups, prod(out)).transpose(1, 0, 3, 2).reshape(groups, n * prod(out), o // groups)


@op(input=lambda grad, weight, input_shape, geometry, groups: input_grad(grad, weight, input_shape, geometry, groups),
    weight=lambda grad, input, weight_shape, geometry, groups: weight_grad(grad, input, weight_shape, geometry, groups))  # fmt: skip
def convolution(input, weight, geometry, groups):
    n, (o, _, *kernel) = len(input), weight.shape
    out = positions(input.shape[2:], kernel, *geometry)
    rows = matrix_product(_columns(input, kernel, geometry, groups), weight.reshape(groups, o // groups, -1).mT)
    rows = rows.reshape(groups, n, prod(out), o // groups).transpose(1, 0, 3, 2).reshape(n, o, *out)
    return array_module(input).ascontiguousarray(rows)


@op(output=lambda grad, weight, geometry, groups: convolution(grad, weight, geometry, groups),
    weight=lambda grad, output, weight_shape, geometry, groups: weight_grad(output, grad, weight_shape, geometry, groups))  # fmt: skip
def input_grad(output, weight, input_shape, geometry, groups):
    o, _, *kernel = weight.shape
    columns = matrix_product(_rows(output, groups), weight.reshape(groups, o // groups, -1))
    return _from_columns(columns, input_shape, kernel, geometry, groups)


@op(output=lambda grad, input, geometry, groups: convolution(input, grad, geometry, groups),
    input=lambda grad, output, input_shape, geometry, groups: input_grad(output, grad, input_shape, geometry, groups))  # fmt: skip
def weight_grad(output, input, weight_shape, geometry, groups):
    return matrix_product(_rows(output, groups).mT, _columns(input, weight_shape[2:], geometry, groups)).reshape(weight_shape)


@fusable("input", "weight", "bias")
def conv(input, weight, bias, stride, padding, dilation, groups):
    """A convolution and its bias: what a layer asks for, and what a kernel replaces whole."""
    out = convolution(input, weight, (stride, padding, dilation), groups)
    return out if bias is None else out + reshape(bias, (1, -1) + (1,) * (input.ndim - 2))


@fusable("input", "weight", "bias")
def conv_transpose(input, weight, bias, stride, padding, output_padding, dilation, groups):
    """input_grad as a layer (Zeiler et al., 2010): weight (C, O / groups, *kernel); `output_padding` lengthens the end of the result."""
    o, *kernel = weight.shape[1:]
    reach = [(n - 1) * s + d * (k - 1) + 1 for n, k, s, d in zip(input.shape[2:], kernel, stride, dilation, strict=True)]
    out = input_grad(input, weight, (input.shape[0], o * groups, *reach), (stride, (0,) * len(kernel), dilation), groups)
    if any(padding) or any(output_padding):
        after = [extra - p for extra, p in zip(output_padding, padding, strict=True)]
        out = constant_pad(out, [0, 0, *(-p for p in padding)], [0, 0, *after])
    return out if bias is None else out + reshape(bias, (1, -1) + (1,) * len(kernel))


@op(input=lambda grad, input_shape, kernel, geometry: fold(grad, input_shape, kernel, geometry))
def unfold(input, kernel, geometry):
    """Every window as a column: (N, C, *spatial) -> (N, C * taps, positions)."""
    (columns,), out = _columns(input, kernel, geometry, 1), positions(input.shape[2:], kernel, *geometry)
    return array_module(input).ascontiguousarray(columns.reshape(len(input), prod(out), columns.shape[-1]).mT)


@op(columns=lambda grad, kernel, geometry: unfold(grad, kernel, geometry))
def fold(columns, shape, kernel, geometry):
    """The transpose of `unfold`: columns added up where their windows lie in (N, C, *spatial) = `shape`."""
    return _from_columns(columns.mT, shape, kernel, geometry, 1)

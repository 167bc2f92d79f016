"""Convolution in any number of dimensions: three ops that differentiate into each other.

    convolution   y = w * x          y[n,o,p] = sum_{c,k} w[o,c,k] x[n,c, p*stride + k*dilation - padding]
    input_grad    x̄ = wᵀ * ȳ        also known as transposed convolution
    weight_grad   w̄ = x ⋆ ȳ

Each is linear in both of its operands, so the gradient of any of them is the other two.  The reference unfolds the input into columns
("im2col": Chellapilla et al., 2006, High Performance Convolutional Neural Networks for Document Processing) and multiplies matrices.
Shapes: input (N, C, *spatial), weight (O, C / groups, *kernel), output (N, O, *positions).
"""

import itertools
from math import prod

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import op
from ..device import array_module
from .promotion import refusing
from .shape import constant_pad, reshape


def positions(spatial, kernel, stride, padding, dilation) -> tuple:
    """How many places the kernel has along each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )


def _padded(input, padding):
    return np.pad(input, ((0, 0), (0, 0), *((p, p) for p in padding))) if any(padding) else input


def _taps(kernel, out, stride, dilation):
    """For each tap of the kernel: its index, and the slices of the padded input that it sees from all positions."""
    for tap in itertools.product(*map(range, kernel)):
        seen = (slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in zip(tap, dilation, stride, out, strict=True))
        yield tap, (..., *seen)


def _columns(input, kernel, stride, padding, dilation, groups):
    """Every patch of the input as a row: (groups, N * positions, C/groups * taps)."""
    n, c = input.shape[:2]
    out = positions(input.shape[2:], kernel, stride, padding, dilation)
    padded = _padded(input, padding)
    columns = array_module(input).empty((groups, n, *out, c // groups, *kernel), input.dtype)
    grouped = padded.reshape(n, groups, c // groups, *padded.shape[2:])
    for tap, seen in _taps(kernel, out, stride, dilation):
        patch = grouped[seen]  # (N, groups, C/groups, *out)
        columns[(..., *tap)] = np.moveaxis(patch, (1, 0), (0, 1)).transpose(0, 1, *range(3, 3 + len(out)), 2)
    return columns.reshape(groups, n * prod(out), c // groups * prod(kernel))


def _rows(output, groups):
    """(N, O, *positions) as (groups, N * positions, O/groups)."""
    n, o, *out = output.shape
    grouped = output.reshape(n, groups, o // groups, prod(out))
    return grouped.transpose(1, 0, 3, 2).reshape(groups, n * prod(out), o // groups)


@op
def convolution(input, weight, stride, padding, dilation, groups):
    n, (o, _, *kernel) = len(input), weight.shape
    out = positions(input.shape[2:], kernel, stride, padding, dilation)
    columns = _columns(input, kernel, stride, padding, dilation, groups)
    rows = columns @ weight.reshape(groups, o // groups, -1).mT  # (groups, N * positions, O/groups)
    rows = rows.reshape(groups, n, prod(out), o // groups).transpose(1, 0, 3, 2)
    return array_module(input).ascontiguousarray(rows.reshape(n, o, *out))


@op
def input_grad(output, weight, input_shape, stride, padding, dilation, groups):
    n, c, *spatial = input_shape
    (o, _, *kernel), out = weight.shape, output.shape[2:]
    columns = _rows(output, groups) @ weight.reshape(groups, o // groups, -1)
    columns = columns.reshape(groups, n, *out, c // groups, *kernel)
    module = array_module(output)
    padded = module.zeros((n, groups, c // groups, *(s + 2 * p for s, p in zip(spatial, padding, strict=True))), output.dtype)
    for tap, seen in _taps(kernel, out, stride, dilation):
        patch = columns[(..., *tap)]  # (groups, N, *out, C/groups)
        padded[seen] += patch.transpose(1, 0, len(out) + 2, *range(2, 2 + len(out)))
    inside = tuple(slice(p, p + s) for s, p in zip(spatial, padding, strict=True))
    return module.ascontiguousarray(padded.reshape(n, c, *padded.shape[3:])[(..., *inside)])


@op
def weight_grad(output, input, weight_shape, stride, padding, dilation, groups):
    columns = _columns(input, weight_shape[2:], stride, padding, dilation, groups)
    return (_rows(output, groups).mT @ columns).reshape(weight_shape)


# fmt: off
refusing("b", convolution)
convolution.rule("input")(lambda grad, weight, input_shape, stride, padding, dilation, groups:
                          input_grad(grad, weight, input_shape, stride, padding, dilation, groups))
convolution.rule("weight")(lambda grad, input, weight_shape, stride, padding, dilation, groups:
                           weight_grad(grad, input, weight_shape, stride, padding, dilation, groups))
input_grad.rule("output")(lambda grad, weight, stride, padding, dilation, groups:
                          convolution(grad, weight, stride, padding, dilation, groups))
input_grad.rule("weight")(lambda grad, output, weight_shape, stride, padding, dilation, groups:
                          weight_grad(output, grad, weight_shape, stride, padding, dilation, groups))
weight_grad.rule("output")(lambda grad, input, stride, padding, dilation, groups:
                           convolution(input, grad, stride, padding, dilation, groups))
weight_grad.rule("input")(lambda grad, output, input_shape, stride, padding, dilation, groups:
                          input_grad(output, grad, input_shape, stride, padding, dilation, groups))
# fmt: on


@fusable("input", "weight", "bias")
def conv(input, weight, bias, stride, padding, dilation, groups):
    """A convolution and its bias: what a layer asks for, and what a kernel replaces whole."""
    out = convolution(input, weight, stride, padding, dilation, groups)
    return out if bias is None else out + reshape(bias, (1, -1) + (1,) * (input.ndim - 2))


@fusable("input", "weight", "bias")
def conv_transpose(input, weight, bias, stride, padding, output_padding, dilation, groups):
    """input_grad as a layer (Zeiler et al., 2010): weight (C, O / groups, *kernel); `output_padding` lengthens the end of the result."""
    o, *kernel = weight.shape[1:]
    reach = [(n - 1) * s + d * (k - 1) + 1 for n, k, s, d in zip(input.shape[2:], kernel, stride, dilation, strict=True)]
    out = input_grad(input, weight, (input.shape[0], o * groups, *reach), stride, (0,) * len(kernel), dilation, groups)
    if any(padding) or any(output_padding):
        after = [extra - p for extra, p in zip(output_padding, padding, strict=True)]
        out = constant_pad(out, [0, 0, *(-p for p in padding)], [0, 0, *after])
    return out if bias is None else out + reshape(bias, (1, -1) + (1,) * len(kernel))

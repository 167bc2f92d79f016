"""Depthwise convolutions of step 1 on a CPU: each filter sees one channel, so there is no matrix product to be had.

A channel is laid into rows of one length, `pitch`, with its padding.  From there on a tap is a shift: what it sees from all positions is
one long line, and between the rows of the output stands garbage that nobody reads.
"""

import numpy as np

from .cpu import compiled, run_shares
from .cpu_unfold import planes
from .threads import get_num_threads

_sums = {"reassoc", "contract"}  # in any order, and a product and its addition at once


@compiled(inline="always")
def _copy(rows, width, source, step, target, pitch):
    """Rows of `width` elements, which lie `step` apart in one place and `pitch` in the other."""
    for y in range(rows):
        found, line = source[y * step :], target[y * pitch :]
        for x in range(width):
            line[x] = found[x]


@compiled(fastmath=_sums)
def _forward(input, weight, bias, out, padding, dilation, share, first_plane, last_plane):
    channels, height, width = input.shape[1:]
    pitch, each = width + 2 * padding[1], len(weight) // channels  # filters for each channel
    start = padding[0] * pitch + padding[1]
    padded = np.zeros((height + 2 * padding[0]) * pitch, input.dtype)
    sums = np.empty((out.shape[2] - 1) * pitch + out.shape[3], input.dtype)
    for plane in range(first_plane, last_plane):
        image, channel = plane // channels, plane % channels
        _copy(height, width, input[image, channel].reshape(-1), width, padded[start:], pitch)
        for filter in range(channel * each, (channel + 1) * each):
            sums[:] = bias[filter]
            for i in range(weight.shape[2]):
                for j in range(weight.shape[3]):
                    tap, seen = weight[filter, 0, i, j], padded[i * dilation[0] * pitch + j * dilation[1] :]
                    for k in range(sums.size):
                        sums[k] += tap * seen[k]
            _copy(out.shape[2], out.shape[3], sums, pitch, out[image, filter].reshape(-1), out.shape[3])


@compiled(fastmath=_sums)
def _backward(grad, input, weight, input_grads, weight_grads, padding, dilation, share, first_plane, last_plane):
    """The gradients of input and weight, the latter share by share; an empty `input` or `input_grads` says that one is not needed."""
    channels, height, width = (input if input.size else input_grads).shape[1:]
    pitch, each = width + 2 * padding[1], len(weight) // channels
    start = padding[0] * pitch + padding[1]
    padded = np.zeros((height + 2 * padding[0]) * pitch, grad.dtype)
    arriving, back = np.zeros((grad.shape[2] - 1) * pitch + grad.shape[3], grad.dtype), np.empty_like(padded)
    for plane in range(first_plane, last_plane):
        image, channel = plane // channels, plane % channels
        back[:] = 0
        if input.size:
            _copy(height, width, input[image, channel].reshape(-1), width, padded[start:], pitch)
        for filter in range(channel * each, (channel + 1) * each):
            _copy(grad.shape[2], grad.shape[3], grad[image, filter].reshape(-1), grad.shape[3], arriving, pitch)  # 0 between the rows
            for i in range(weight.shape[2]):
                for j in range(weight.shape[3]):
                    shift = i * dilation[0] * pitch + j * dilation[1]
                    if input.size:
                        seen, total = padded[shift:], grad.dtype.type(0)
                        for k in range(arriving.size):
                            total += arriving[k] * seen[k]
                        weight_grads[share, filter, 0, i, j] += total
                    if input_grads.size:
                        tap, of_seen = weight[filter, 0, i, j], back[shift:]
                        for k in range(arriving.size):
                            of_seen[k] += tap * arriving[k]
        if input_grads.size:
            _copy(height, width, back[start:], pitch, input_grads[image, channel].reshape(-1), width)


class Depthwise:
    """One convolution's sizes, and its three products: forward, and the gradients of input and weight."""

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        line = len(input_shape) == 3  # (N, C, L) as (N, C, 1, L)
        self.weight_shape, self.weight = weight.shape, weight.reshape(*planes(weight.shape))
        self.input_shape, self.out_shape = planes(input_shape), planes(out_shape)
        self.geometry = (0,) * line + tuple(padding), (1,) * line + tuple(dilation)

    @staticmethod
    def pays(out_shape, weight, stride, dilation, groups) -> bool:
        """Where it is one."""
        return groups > 1 and weight.shape[1] == 1 and {*stride} == {1} and len(out_shape) < 5

    def forward(self, input, bias):
        """out (N, O, oH, oW)."""
        out = np.empty(self.out_shape, input.dtype)
        bias = np.zeros(len(self.weight), input.dtype) if bias is None else bias
        run_shares(_forward, self.channels(), input.reshape(self.input_shape), self.weight, bias, out, *self.geometry)
        return out

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        if not needs_input and not needs_weight:
            return None, None
        grad = np.ascontiguousarray(grad).reshape(self.out_shape)
        input = input.reshape(self.input_shape) if needs_weight else np.empty((0,) * 4, grad.dtype)
        input_grads = np.empty(self.input_shape if needs_input else (0,) * 4, grad.dtype)
        weight_grads = np.zeros((get_num_threads(), *self.weight.shape))
        run_shares(_backward, self.channels(), grad, input, self.weight, input_grads, weight_grads, *self.geometry)
        return (
            input_grads if needs_input else None,
            weight_grads.sum(0).astype(grad.dtype).reshape(self.weight_shape) if needs_weight else None,
        )

    def channels(self) -> int:
        """How many there are to convolve, of all images."""
        return self.input_shape[0] * self.input_shape[1]

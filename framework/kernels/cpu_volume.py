"""Convolutions of volumes on a CPU, as convolutions of images.

For one depth of the output a filter sees kD depths of the input.  Taken as channels of one image, C kD of them, they turn the convolution
over depth, height and width into one over height and width, which either way of convolving images can do.
"""

import numpy as np

from .cpu_unfold import Unfolded, inside
from .cpu_winograd import Winograd


class Volumes:
    """One convolution's sizes, and its three products: forward, and the gradients of input and weight."""

    way: type  # of convolving images

    def __init__(self, input_shape, out_shape, weight, stride, padding, dilation, groups):
        self.input_shape, self.out_shape, self.weight_shape = input_shape, out_shape, weight.shape
        self.stride, self.padding, self.dilation = stride[0], padding[0], dilation[0]
        (n, c, _, *plane), (_, o, depth, *out_plane) = input_shape, out_shape
        self.layers_shape = (n, depth, c, weight.shape[2], *plane)  # (N, oD, C, kD, H, W)
        images, out_images = (n * depth, c * weight.shape[2], *plane), (n * depth, o, *out_plane)
        self.images = self.way(images, out_images, _flat(weight), stride[1:], padding[1:], dilation[1:], groups)

    @classmethod
    def pays(cls, out_shape, weight, stride, dilation, groups) -> bool:
        """Whether it does for the images."""
        n, o, depth, *out_plane = out_shape
        return cls.way.pays((n * depth, o, *out_plane), _flat(weight), stride[1:], dilation[1:], groups)

    def forward(self, input, bias):
        """out (N, O, oD, oH, oW)."""
        n, o, depth, *plane = self.out_shape
        out = self.images.forward(self._layers(input), bias)
        return np.ascontiguousarray(out.reshape(n, depth, o, *plane).swapaxes(1, 2))

    def backward(self, grad, input, needs_input, needs_weight):
        """The gradients of input and weight, None for what is not needed; `input` is looked at only for the weight's."""
        n, o, depth, *plane = self.out_shape
        grad = np.ascontiguousarray(grad.reshape(self.out_shape).swapaxes(1, 2)).reshape(n * depth, o, *plane)
        layers = self._layers(input) if needs_weight else None
        layers_grad, weight_grad = self.images.backward(grad, layers, needs_input, needs_weight)
        return (
            self._back(layers_grad.reshape(self.layers_shape)) if needs_input else None,
            weight_grad.reshape(self.weight_shape) if needs_weight else None,
        )

    def _layers(self, input):
        """What the filters see: images (N oD, C kD, H, W)."""
        layers, depths = np.empty(self.layers_shape, input.dtype), input.swapaxes(1, 2)  # (N, D, C, H, W)
        for tap, places, seen in self._taps():
            layers[:, : places.start, :, tap] = layers[:, places.stop :, :, tap] = 0
            layers[:, places, :, tap] = depths[:, seen]
        n, depth, c, taps, *plane = self.layers_shape
        return layers.reshape(n * depth, c * taps, *plane)

    def _back(self, layers):
        """The transpose of `_layers`: every depth added up where it was seen."""
        out = np.zeros(self.input_shape, layers.dtype)
        for tap, places, seen in self._taps():
            out.swapaxes(1, 2)[:, seen] += layers[:, places, :, tap]
        return out

    def _taps(self):
        """Each tap along the depth, the depths of the output for which it lies inside the input, and what it sees there."""
        for tap in range(self.weight_shape[2]):
            begin = tap * self.dilation - self.padding  # seen from depth 0
            first, last = inside.py_func(self.out_shape[2], begin, self.stride, self.input_shape[2])
            start = begin + first * self.stride
            yield tap, slice(first, last), slice(start, start + (last - first) * self.stride, self.stride)


class UnfoldedVolumes(Volumes):
    """By laying out what the taps see."""

    way = Unfolded


class WinogradVolumes(Volumes):
    """By Winograd's transforms, over height and width."""

    way = Winograd


VOLUMES = {Unfolded: UnfoldedVolumes, Winograd: WinogradVolumes}


def _flat(weight):
    """(O, C, kD, kH, kW) as (O, C kD, kH, kW)."""
    return weight.reshape(len(weight), -1, *weight.shape[3:])

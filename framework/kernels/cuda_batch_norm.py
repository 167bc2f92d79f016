"""Batch and instance norm on a GPU, and the ReLU or sum that follows: a pass over memory for the statistics, one for the result, two back.

As on a CPU (cpu_norm.py) the second pass is put off until it is known what its result is for, and back through a ReLU nothing else is read.
Instance norm is batch norm of a single image (1, N C, inner).
"""

import math
from contextlib import nullcontext

from ..device import beside, gpus
from ..ops import activation, elementwise, norm
from . import kernel
from .cuda import arithmetic, contiguous, cupy, floats, gpu_kernel
from .cuda_channels import Pixels, kernels
from .cuda_elementwise import by_op
from .cuda_norm import affine_gradients, fits, single
from .later import Later

_LARGE_PLANE = 1024  # elements: for smaller ones a block of threads each is quicker, all in one pass


class Normalised(Later):
    """y = (x - center) scale weight + bias, put off; weight and bias may be None."""

    def __init__(self, pixels: Pixels, *numbers):
        super().__init__(pixels.shape, pixels.x.dtype)
        self.pixels, self.numbers = pixels, numbers

    def bent(self, slope: float, other=None):
        """y, what is negative in it multiplied by `slope`; or y + other."""
        x = self.pixels.x
        with self.on_its_gpu():
            out, other = cupy().empty_like(x), None if other is None else self.pixels.of(other)
            self.pixels.map("normalise", x, *self.numbers, slope, other, out)
            return self.pixels.shaped(out)

    def array(self):
        return self.bent(1.0)

    def on_its_gpu(self):
        """In this block the GPU in use is the one that holds it: whoever uses a Later does not see to that."""
        return beside([self.pixels.x]) if gpus.several else nullcontext()

    def gradients(self, grad, count, needs_input, needs_weight, needs_bias):
        """Those of input, weight and bias, with statistics of `count` elements, or given ones for 0."""
        grad, slope = (grad.grad, grad.slope) if isinstance(grad, Bent) else (grad, 1.0)
        pixels, bias_grad, weight_grad, input_grad = self.pixels, None, None, None
        with self.on_its_gpu():
            known = pixels.of(grad), pixels.x, *self.numbers, slope
            if count or needs_weight or needs_bias:
                bias_grad, weight_grad = affine_gradients(kernels, pixels.sums("slopes", *known), pixels.x.dtype)
            if needs_input:
                input_grad = cupy().empty_like(pixels.x)
                pixels.map("input_gradient", *known, bias_grad, weight_grad, count, input_grad)
                input_grad = pixels.shaped(input_grad)
        return input_grad, weight_grad, bias_grad


class Bent(Later):
    """The gradient of y from that of its ReLU, put off: `grad`, and where y is negative `grad * slope`."""

    def __init__(self, grad, slope: float, normalised: Normalised):
        super().__init__(grad.shape, grad.dtype)
        self.grad, self.slope, self.normalised = grad, slope, normalised

    def array(self):
        op, numbers = (activation.leaky_relu, [self.slope]) if self.slope else (activation.relu, [])
        with self.normalised.on_its_gpu():
            _, backward = by_op[op](self.normalised.array(), *numbers)
            return backward(self.grad, True)[0]


@kernel(activation.relu, Normalised)
def normalised_relu(normalised):
    return normalised.bent(0.0), lambda grad, needs_input: (Bent(grad, 0.0, normalised),)


@kernel(activation.leaky_relu, Normalised)
def normalised_leaky_relu(normalised, negative_slope):
    slope = float(negative_slope)
    return normalised.bent(slope), lambda grad, needs_input: (Bent(grad, slope, normalised),)


@gpu_kernel(elementwise.plus)
@kernel(elementwise.plus, Normalised)
def normalised_sum(input, other):
    if not isinstance(input, Normalised) and not isinstance(other, Normalised):
        return NotImplemented
    late, array = (input, other) if isinstance(input, Normalised) else (other, input)
    if getattr(array, "shape", None) != late.shape or array.dtype != late.dtype:
        return NotImplemented
    return late.bent(1.0, array.array() if isinstance(array, Normalised) else array)


@gpu_kernel(norm.batch_norm_train)
def two_pass_batch_norm(input, weight, bias, eps):
    if input.ndim < 2 or not fits(input, weight, bias):
        return NotImplemented
    pixels = Pixels(input)
    count, (center, var, scale) = pixels.count, pixels.statistics(eps)
    out = Normalised(pixels, center, scale, single(weight, input), single(bias, input))

    def backward(grads, *needs):
        grad, mean_grad, var_grad = grads
        input_grad, *others = out.gradients(cupy().zeros_like(input) if grad is None else grad, count, *needs)
        across = (-1, *(1,) * (input.ndim - 2))
        if needs[0] and mean_grad is not None:
            input_grad += mean_grad.reshape(across) / count
        if needs[0] and var_grad is not None:  # d var / dx = 2 (x - mean) / n
            input_grad += 2 * var_grad.reshape(across) * (input - center.reshape(across)) / count
        return input_grad, *others

    kind = input.dtype if weight is None else weight.dtype
    return (out, center.astype(kind, copy=False), var.astype(kind, copy=False)), backward


@gpu_kernel(norm.moving_average)
def average_moved_in_place(average, value, factor, momentum):
    if not (floats(average, value) and contiguous(average, value)) or average.shape != value.shape:
        return NotImplemented
    kernels.each("move", average.size, average, value, float(factor), float(momentum), average.size)
    return average


@gpu_kernel(norm.batch_norm_eval)
def one_pass_batch_norm(input, mean, var, weight, bias, eps):
    if input.ndim < 2 or not fits(input, mean, var, weight, bias):
        return NotImplemented
    center, scale = single(mean, input), cupy().empty(mean.shape, arithmetic(input.dtype))
    kernels.each("root", len(mean), single(var, input), float(eps), scale, len(mean), dtype=input.dtype)
    out = Normalised(Pixels(input), center, scale, single(weight, input), single(bias, input))
    return out, lambda grad, *needs: out.gradients(grad, 0, *needs)


@gpu_kernel(norm.group_norm)
def two_pass_instance_norm(input, groups, weight, bias, eps):
    """Of groups that are one channel each."""
    n, c, *inner = input.shape
    if groups != c or math.prod(inner) < _LARGE_PLANE or not fits(input, weight, bias):
        return NotImplemented
    pixels = Pixels(input, each_plane=True)
    center, _, scale = pixels.statistics(eps)
    affine = [each if each is None or n == 1 else cupy().tile(each, n) for each in (single(weight, input), single(bias, input))]
    out = Normalised(pixels, center, scale, *affine)

    def backward(grad, *needs):
        input_grad, *others = out.gradients(grad, pixels.count, *needs)
        return input_grad, *[each if n == 1 or each is None else each.reshape(n, c).sum(0) for each in others]

    return out, backward

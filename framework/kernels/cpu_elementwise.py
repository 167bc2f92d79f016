"""Elementwise kernels on a CPU: one pass over memory, by all threads."""

import numpy as np

from ..ops import activation, elementwise, random
from ..random import GOLDEN, MIX_1, MIX_2, threshold
from .cpu import compiled, floats, kernel, large, one_pass_pays, run
from .cpu_math import exp, log_sigmoid, tanh

_GOLDEN, _MIX_1, _MIX_2 = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)


@compiled()
def _relu(input, out, share, first, last):
    input, out = input[first:last], out[first:last]
    for i in range(input.size):
        out[i] = 0 if input[i] <= 0 else input[i]  # a nan stays


@compiled()
def _relu_backward(grad, output, out, share, first, last):
    grad, output, out = grad[first:last], output[first:last], out[first:last]
    for i in range(grad.size):
        out[i] = 0 if output[i] <= 0 else grad[i]


def _with_gradient_of_output(input, loop, loop_back):
    """What `loop` makes of the input, and its backward: what `loop_back` makes of a gradient and that output."""
    out = np.empty_like(input)
    run(loop, input.size, input.reshape(-1), out.reshape(-1))

    def backward(grad, needs_input):
        input_grad = np.empty_like(out)
        run(loop_back, out.size, np.ascontiguousarray(grad).reshape(-1), out.reshape(-1), input_grad.reshape(-1))
        return (input_grad,)

    return out, backward


@kernel(activation.relu)
def one_pass_relu(input):
    return _with_gradient_of_output(input, _relu, _relu_backward) if one_pass_pays(input) else NotImplemented


@compiled()
def _leaky_relu(sign, input, slope, out, share, first, last):
    """input where `sign` is positive, else input * slope: forward with the input as its own sign, backward with a gradient."""
    sign, input, out = sign[first:last], input[first:last], out[first:last]
    for i in range(input.size):
        out[i] = input[i] if sign[i] > 0 else input[i] * slope


@kernel(activation.leaky_relu)
def one_pass_leaky_relu(input, negative_slope):
    if not one_pass_pays(input):
        return NotImplemented
    sign, slope = input.reshape(-1), input.dtype.type(negative_slope)

    def bent(array):
        out = np.empty_like(array)
        run(_leaky_relu, out.size, sign, array.reshape(-1), slope, out.reshape(-1))
        return out

    return bent(input), lambda grad, needs_input: (bent(np.ascontiguousarray(grad)),)


@compiled()
def _bend(input, slopes, out, share, first, last):
    """Rows [first, last) of (N C, …), each channel with its slope (C,), or all with one."""
    for r in range(first, last):
        row, to, slope = input[r], out[r], slopes[r % slopes.size]
        for i in range(row.size):
            to[i] = row[i] if row[i] > 0 else row[i] * slope


@compiled(fastmath={"reassoc"})  # so that the sum is one of vectors
def _bend_backward(grad, input, slopes, out, sums, share, first, last):
    """The input's gradient, and of each row what it gives to its slope's: the sum of grad * input where that is not positive."""
    for r in range(first, last):
        row, seen, to, slope, total = grad[r], input[r], out[r], slopes[r % slopes.size], 0.0
        for start in range(0, row.size, 1024):
            part = row.dtype.type(0)  # added in its own type, and in double precision then
            for i in range(start, min(start + 1024, row.size)):
                to[i] = row[i] if seen[i] > 0 else row[i] * slope
                part += 0 if seen[i] > 0 else row[i] * seen[i]
            total += part
        sums[r] = total


@kernel(activation.prelu_op)
def one_pass_prelu(input, slope):
    if input.ndim < 3 or not (floats(input, slope) and one_pass_pays(input)):
        return NotImplemented
    rows, slopes, out = input.reshape(input.shape[0] * input.shape[1], -1), slope.reshape(-1), np.empty_like(input)
    run(_bend, len(rows), rows, slopes, out.reshape(rows.shape))

    def backward(grad, *needs_input):
        grad, input_grad, sums = np.ascontiguousarray(grad).reshape(rows.shape), np.empty_like(rows), np.empty(len(rows))
        run(_bend_backward, len(rows), grad, rows, slopes, input_grad, sums)
        return input_grad.reshape(input.shape), sums.reshape(-1, slopes.size).sum(0).astype(slope.dtype).reshape(slope.shape)

    return out, backward


@compiled()
def _sigmoid(input, out, share, first, last):
    input, out, one = input[first:last], out[first:last], input.dtype.type(1)
    for i in range(input.size):
        out[i] = one / (one + exp(-input[i]))


@compiled()
def _sigmoid_backward(grad, output, out, share, first, last):
    grad, output, out, one = grad[first:last], output[first:last], out[first:last], grad.dtype.type(1)
    for i in range(grad.size):
        out[i] = grad[i] * output[i] * (one - output[i])


@kernel(elementwise.sigmoid)
def one_pass_sigmoid(input):
    return _with_gradient_of_output(input, _sigmoid, _sigmoid_backward) if one_pass_pays(input) else NotImplemented


@compiled()
def _tanh(input, out, share, first, last):
    input, out = input[first:last], out[first:last]
    for i in range(input.size):
        out[i] = tanh(input[i])


@compiled()
def _tanh_backward(grad, output, out, share, first, last):
    grad, output, out, one = grad[first:last], output[first:last], out[first:last], grad.dtype.type(1)
    for i in range(grad.size):
        out[i] = grad[i] * (one - output[i] * output[i])


@kernel(elementwise.tanh)
def one_pass_tanh(input):
    return _with_gradient_of_output(input, _tanh, _tanh_backward) if one_pass_pays(input) else NotImplemented


@compiled()
def _softplus(input, sign, threshold, out, share, first, last):
    """sign * log sigmoid(sign * input), or what it tends to: `input` above the threshold."""
    input, out = input[first:last], out[first:last]
    for i in range(input.size):
        out[i] = input[i] if input[i] > threshold else sign * log_sigmoid(sign * input[i])


@compiled()
def _softplus_backward(grad, input, sign, threshold, out, share, first, last):
    """grad * sigmoid(-sign * input), or grad."""
    grad, input, out = grad[first:last], input[first:last], out[first:last]
    one = input.dtype.type(1)
    for i in range(input.size):
        out[i] = grad[i] if input[i] > threshold else grad[i] / (one + exp(sign * input[i]))


def _log_sigmoid(input, sign, threshold):
    """log sigmoid(x) for the sign 1, softplus(x) = -log sigmoid(-x) for -1."""
    numbers, sign, threshold = input.reshape(-1), input.dtype.type(sign), input.dtype.type(threshold)
    out = np.empty_like(input)
    run(_softplus, out.size, numbers, sign, threshold, out.reshape(-1))

    def backward(grad, needs_input):
        input_grad = np.empty_like(out)
        run(_softplus_backward, out.size, np.ascontiguousarray(grad).reshape(-1), numbers, sign, threshold, input_grad.reshape(-1))
        return (input_grad,)

    return out, backward


@kernel(activation.logsigmoid)
def one_pass_logsigmoid(input):
    if not one_pass_pays(input):
        return NotImplemented
    return _log_sigmoid(input, 1, np.inf)


@kernel(activation.softplus)
def one_pass_softplus(input, beta, threshold):
    if beta != 1 or not one_pass_pays(input):
        return NotImplemented
    return _log_sigmoid(input, -1, threshold)


@compiled(inline="always")
def random_bits(key, number):
    """The upper 32 bits of random number `number` of the stream `key`: see framework/random.py."""
    z = key + (number + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return (z ^ (z >> np.uint64(31))) >> np.uint64(32)


@compiled()
def _drop(input, out, key, start, below, scale, share, first, last):
    """out = input * scale where kept, else 0."""
    input, out = input[first:last], out[first:last]
    zero, start = input.dtype.type(0), start + np.uint64(first)
    for i in range(input.size):
        out[i] = input[i] * (scale if random_bits(key, start + np.uint64(i)) >= below else zero)


@kernel(random.dropout)
def counted_dropout(input, p, key, start):
    """The mask is never stored: backward draws the same numbers again."""
    if not (floats(input) and large(input)):
        return NotImplemented

    def drop(array):
        array = np.ascontiguousarray(array)
        out = np.empty_like(array)
        scale = array.dtype.type(1 / (1 - p))
        run(_drop, out.size, array.reshape(-1), out.reshape(-1), np.uint64(key), np.uint64(start), np.uint64(threshold(p)), scale)
        return out

    return drop(input), lambda grad, needs_input: (drop(grad),)

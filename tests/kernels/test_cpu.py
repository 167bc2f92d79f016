"""Every CPU kernel against the op that defines it: values and gradients, every option, float32 and float64, sizes that divide nothing."""

import math
import subprocess
import sys

import numba as nb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import kernels, optim
from framework.kernels import cpu_matmul, cpu_threads, threads
from framework.kernels.cpu_math import erf, exp, tanh
from framework.ops import norm, recurrent


@pytest.fixture(autouse=True)
def all_threads(monkeypatch):
    """What follows is small, and would be computed by one thread."""
    monkeypatch.setattr(cpu_threads, "_WORTH_THREADS", 0)
    monkeypatch.setattr(cpu_matmul, "_WORTH_THREADS", 0)


def randn(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def shifted(*shape):
    """Away from zero, and not what the outputs are weighted with: a norm's gradient along its own input is zero."""
    return 10 + 3 * np.random.default_rng(99).standard_normal(shape)


CONV = [
    ((4, 3, 29, 31), (5, 3, 3, 3), {}),
    ((4, 3, 29, 31), (5, 3, 3, 3), {"padding": 1}),
    ((4, 3, 29, 31), (5, 3, 2, 5), {"padding": (0, 4), "stride": (3, 2)}),
    ((4, 3, 29, 31), (5, 3, 3, 3), {"dilation": (2, 3), "padding": 2}),
    ((4, 6, 20, 21), (9, 2, 3, 3), {"groups": 3, "padding": 1}),
    ((3, 8, 20, 21), (8, 1, 3, 3), {"groups": 8, "stride": 2}),
    ((5, 8, 17, 17), (7, 8, 1, 1), {}),
    ((1, 40, 60, 61), (30, 40, 4, 5), {"padding": 1}),  # more columns than fit a tile
    ((2, 3, 41, 43), (4, 3, 9, 41), {"padding": 20}),  # windows wholly in the padding
    ((3, 9, 31, 29), (4, 9, 5, 3), {"padding": (3, 1), "dilation": (1, 2)}),  # from here on from the side of the few
    ((2, 9, 31, 29), (2, 9, 1, 1), {}),
    ((21, 30, 9, 9), (33, 30, 4, 4), {"stride": 2, "padding": 1}),  # several images to a tile, the last one of fewer
    ((13, 600, 4, 4), (70, 600, 4, 4), {}),
]
WINOGRAD = [
    ((3, 16, 26, 26), (24, 16, 3, 3), {}),
    ((2, 17, 27, 13), (19, 17, 3, 3), {"padding": 1}),
    ((2, 16, 9, 30), (16, 16, 3, 3), {"padding": (2, 0)}),
    ((1, 64, 60, 61), (48, 64, 3, 3), {"padding": 1}),  # more tiles than fit a strip
    ((1, 40, 60, 61), (6, 40, 3, 3), {"padding": 1}),
    ((2, 5, 41, 43), (4, 5, 3, 3), {"padding": (5, 3)}),  # tiles wholly in the padding
    ((21, 24, 9, 9), (20, 24, 3, 3), {"padding": 1}),  # several images to a strip, the last one of fewer
    ((5, 6, 33, 35), (9, 6, 4, 4), {"stride": 2, "padding": 1}),
    ((3, 4, 67, 63), (7, 4, 5, 6), {"stride": 2, "padding": (2, 0)}),
    ((3, 6, 33, 64), (7, 6, 2, 4), {"stride": (1, 2)}),
    ((2, 3, 91, 85), (7, 3, 8, 9), {"stride": 3, "padding": (1, 2)}),
    ((1, 170, 31, 29), (150, 170, 3, 3), {"padding": 1}),  # from here on by products
    ((21, 150, 8, 4), (140, 150, 3, 3), {"padding": 1}),  # and from here on compact
    ((43, 37, 9, 8), (160, 37, 4, 4), {"stride": 2, "padding": 1}),
    ((150, 150, 8, 4), (140, 150, 3, 3), {"padding": 1}),  # by strips again
]


def moving_statistics(x, w, b):
    running = [framework.zeros(7, dtype=x.dtype), framework.ones(7, dtype=x.dtype)]
    F.batch_norm(x, *running, w, b, True)
    return F.batch_norm(x, *running, w, b)


def twice_used(x, w, b):
    y = F.batch_norm(+x, None, None, w, b, True)
    return F.relu(y) + F.leaky_relu(y) * y


DEPTHWISE = [
    ((4, 6, 20, 21), (12, 1, 3, 2), {"groups": 6, "padding": (2, 1), "dilation": (1, 2)}),
    ((4, 6, 20, 21), (6, 1, 5, 5), {"groups": 6}),
]
TRANSPOSED = [
    ((4, 8, 19, 17), (8, 5, 3, 3), {}),
    ((4, 8, 19, 17), (8, 5, 4, 4), {"stride": 2, "padding": 1}),
    ((1, 8, 39, 37), (8, 5, 3, 2), {"stride": (3, 2), "padding": (0, 1), "output_padding": (2, 1), "dilation": (2, 1)}),
    ((4, 6, 20, 21), (6, 3, 3, 3), {"groups": 3}),
    ((4, 6, 20, 21), (6, 2, 3, 3), {"groups": 6, "padding": 1}),
    ((90, 100, 1, 1), (100, 7, 4, 4), {}),
    ((3, 9, 21, 23), (9, 6, 3, 3), {"padding": 1}),
    ((5, 9, 16, 17), (9, 6, 4, 4), {"stride": 2, "padding": 1}),
    ((1, 12, 40, 41), (12, 5, 5, 6), {"stride": (2, 3), "padding": (2, 1), "output_padding": (1, 2)}),
]
POOL = [{}, {"stride": 1}, {"kernel_size": 3, "padding": 1, "stride": 2}, {"kernel_size": (3, 2), "dilation": (2, 1), "ceil_mode": True}]


def layer(shown=slice(None), bias=True, op=recurrent.lstm_layer, **options):
    """A recurrent layer's outputs and last states, or those of them that are `shown`: only their gradients arrive."""
    gates, states, n = {recurrent.lstm_layer: (4, 2, 53), recurrent.gru_layer: (3, 1, 53), recurrent.rnn_layer: (1, 1, 153)}[op]
    # of weights of 1 a plain RNN is chaotic: what rounding makes of it grows at every step
    hidden = randn(gates * n, n) / (n**0.5 if op is recurrent.rnn_layer else 1)
    weights = [randn(gates * n, 55), hidden, *([randn(gates * n), randn(gates * n)] if bias else [None, None])]
    rows = (sum(options["batch_sizes"]),) if "batch_sizes" in options else (7, 9)

    def call(x, *rest):
        rest = rest if bias else (*rest, None, None)
        return framework.cat([each.flatten() for each in op(x, *rest, **options)[shown]])

    return call, [randn(*rows, 55), *(randn(9, n) for _ in range(states)), *(each for each in weights if each is not None)]


PACKED = (9, 9, 7, 7, 4, 1, 1)  # sequences that have a step 1, 2, …
CASES = {
    **{
        f"{op.__name__} {name}": layer(op=op, **options)
        for op in (recurrent.lstm_layer, recurrent.gru_layer, recurrent.rnn_layer)
        for name, options in {
            "whole": {},
            "without bias": {"bias": False},
            "backwards": {"reverse": True},
            "outputs alone": {"shown": slice(1)},
            "last h alone": {"shown": slice(1, 2)},
            "packed": {"batch_sizes": PACKED},
            "packed backwards": {"batch_sizes": PACKED, "reverse": True},
        }.items()
    },
    "lstm_layer last c alone": layer(slice(2, 3)),
    "rnn_layer with relu": layer(op=recurrent.rnn_layer, nonlinearity="relu", batch_sizes=PACKED),
    "lstm of many": (
        lambda x, h, c, wi, wh: recurrent.lstm_layer(x, h, c, wi, wh, None, None, batch_sizes=(150, 149, 80, 3))[0],
        [randn(382, 8), randn(150, 53), randn(150, 53), randn(212, 8), randn(212, 53)],
    ),
    "gru of many": (
        lambda x, h, wi, wh: recurrent.gru_layer(x, h, wi, wh, None, None, batch_sizes=(150, 149, 80, 3))[0],
        [randn(382, 8), randn(150, 60), randn(180, 8), randn(180, 60)],
    ),
    "lstm of a transpose": (
        lambda x, h, wi, wh: recurrent.lstm_layer(x.transpose(0, 1), h, h, wi, wh, None, None)[0].transpose(0, 1),
        [randn(9, 7, 45), randn(9, 47), randn(188, 45), randn(188, 47)],
    ),
    **{
        f"{op.__name__} whose outputs are changed in place": (
            lambda x, *rest, op=op: op(x, *rest, None, None)[0].mul_(2.0),
            [randn(7, 9, 55), *(randn(9, n) for _ in range(states)), randn(gates * n, 55), randn(gates * n, n) / n**0.5],
        )
        for op, states, gates, n in ((recurrent.lstm_layer, 2, 4, 53), (recurrent.gru_layer, 1, 3, 53), (recurrent.rnn_layer, 1, 1, 153))
    },
    "prelu": (F.prelu, [randn(3, 5, 30, 41), randn(5)]),
    "prelu of one slope": (F.prelu, [randn(3, 5, 3001), randn(1)]),
    "a row and a number for all": (lambda x, row, number: x * row + number, [randn(300, 301), randn(301), randn(1)]),
    "clamp": (lambda x, low: x.clamp(-0.5, 0.7) + x.clamp(min=low), [randn(300, 301), randn(301)]),
    "an outer product": (lambda a, b: a[:, None] @ b[None], [randn(3), randn(70_001)]),
    "linear with one number for a bias": (lambda x, w, b: F.linear(x, w, b), [randn(130, 70), randn(80, 70), randn(1)]),
    "lstm of one step": (
        lambda x, h, c, wi, wh: framework.cat(
            recurrent.lstm_layer(x, *recurrent.lstm_layer(x, h, c, wi, wh, None, None)[1:], wi, wh, None, None)[1:]
        ),
        [randn(1, 101, 9), randn(101, 51), randn(101, 51), randn(204, 9), randn(204, 51)],
    ),
    **{
        f"conv2d-{i}": (lambda x, w, b, o=o: F.conv2d(x, w, b, **o), [randn(*x), randn(*w), randn(w[0])])
        for i, (x, w, o) in enumerate(CONV + WINOGRAD + DEPTHWISE)
    },
    "conv2d no bias": (lambda x, w: F.conv2d(x, w), [randn(4, 3, 29, 31), randn(5, 3, 3, 3)]),
    "conv1d depthwise": (lambda x, w, b: F.conv1d(x, w, b, padding=3, groups=8), [randn(4, 8, 301), randn(8, 1, 4), randn(8)]),
    "conv2d depthwise frozen": (lambda x, w: F.conv2d(x, w.detach(), groups=16) + w.sum(), [randn(3, 16, 26, 26), randn(16, 1, 3, 3)]),
    "conv2d depthwise of data": (lambda x, w: F.conv2d(x.detach(), w, groups=16) + x.sum(), [randn(3, 16, 26, 26), randn(16, 1, 3, 3)]),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=3), [randn(4, 8, 301), randn(5, 8, 4), randn(5)]),
    "conv2d of one image": (lambda x, w, b: F.conv2d(x, w, b, padding=1, stride=2), [randn(1, 5, 57, 41), randn(4, 5, 3, 3), randn(4)]),
    "conv2d frozen": (lambda x, w: F.conv2d(x, w.detach(), padding=1) + w.sum(), [randn(3, 16, 26, 26), randn(16, 16, 3, 3)]),
    "conv2d strided frozen": (lambda x, w: F.conv2d(x, w.detach(), stride=2) + w.sum(), [randn(3, 16, 26, 26), randn(16, 16, 3, 3)]),
    "conv2d of data": (lambda x, w: F.conv2d(x.detach(), w) + x.sum(), [randn(3, 16, 26, 26), randn(16, 16, 3, 3)]),
    "conv2d of strided data": (lambda x, w: F.conv2d(x.detach(), w, stride=2) + x.sum(), [randn(3, 16, 26, 26), randn(16, 16, 3, 3)]),
    **{
        f"conv_transpose2d-{i}": (lambda x, w, o=o: F.conv_transpose2d(x, w, **o), [randn(*x), randn(*w)])
        for i, (x, w, o) in enumerate(TRANSPOSED)
    },
    "conv3d": (lambda x, w, b: F.conv3d(x, w, b, (2, 1, 1), 1), [randn(2, 9, 7, 15, 13), randn(11, 9, 3, 3, 3), randn(11)]),
    "conv3d of data": (lambda x, w: F.conv3d(x.detach(), w) + x.sum(), [randn(2, 9, 7, 15, 13), randn(11, 9, 3, 3, 2)]),
    "conv_transpose3d": (lambda x, w, b: F.conv_transpose3d(x, w, b, 2, 1), [randn(2, 9, 7, 9, 13), randn(9, 5, 4, 4, 4), randn(5)]),
    "conv_transpose2d bias": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1), [randn(4, 8, 19, 17), randn(8, 5, 4, 4), randn(5)]),
    "conv_transpose1d": (lambda x, w, b: F.conv_transpose1d(x, w, b, stride=2, padding=3), [randn(4, 8, 301), randn(8, 5, 4), randn(5)]),
    **{f"max_pool2d-{i}": (lambda x, o=o: F.max_pool2d(x, **{"kernel_size": 2, **o}), [randn(3, 7, 23, 29)]) for i, o in enumerate(POOL)},
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2, 1, 2), [randn(3, 7, 623)]),
    "max_pool3d": (lambda x: F.max_pool3d(x, (3, 2, 3), (2, 1, 2), 1, (1, 2, 1), ceil_mode=True), [randn(2, 5, 11, 13, 17)]),
    "pad": (lambda x: F.pad(x, (2, 3, 1, 4), mode="reflect"), [randn(3, 7, 23, 29)]),
    "interpolate nearest": (lambda x: F.interpolate(x, scale_factor=2), [randn(3, 7, 23, 29)]),
    "interpolate bicubic": (lambda x: F.interpolate(x, (31, 17), mode="bicubic"), [randn(3, 7, 23, 29)]),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 3, 2, 1), [randn(3, 2, 13, 19, 11)]),
    "relu": (F.relu, [randn(3, 51, 67)]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), [randn(3, 51, 67)]),
    "sigmoid": (lambda x: framework.sigmoid(10 * x), [randn(3, 51, 67)]),
    "cumsum": (lambda x: x.cumsum(-1), [randn(3, 51, 67)]),
    "cumsum of few rows": (lambda x: x.cumsum(1), [randn(2, 5001)]),
    "tanh": (lambda x: framework.tanh(3 * x), [randn(3, 51, 67)]),
    "logsigmoid": (lambda x: F.logsigmoid(10 * x), [randn(3, 51, 67)]),
    "softplus": (lambda x: F.softplus(10 * x, threshold=8), [randn(3, 51, 67)]),
    "gelu": (lambda x: F.gelu(3 * x), [randn(3, 51, 67)]),
    "gelu tanh": (lambda x: F.gelu(3 * x, approximate="tanh"), [randn(3, 51, 67)]),
    "dropout": (lambda x: F.dropout(x, 0.3), [randn(3, 51, 67)]),
    "linear": (F.linear, [randn(33, 501), randn(77, 501), randn(77)]),
    "linear no bias": (F.linear, [randn(3, 11, 501), randn(77, 501)]),
    "linear two rows": (F.linear, [randn(2, 2001), randn(777, 2001), randn(777)]),
    "matmul": (framework.matmul, [randn(131, 97), randn(97, 113)]),
    "matmul of a transpose": (lambda a, b: a.T @ b.T, [randn(97, 131), randn(113, 97)]),
    "matmul of slices": (lambda a, b: a[:, 3:] @ b[3:, 5:], [randn(131, 97), randn(97, 113)]),
    "bmm": (framework.bmm, [randn(7, 41, 67), randn(7, 67, 53)]),
    "bmm of heads": (lambda a, b: a.permute(1, 2, 0, 3) @ b.permute(1, 2, 3, 0), [randn(43, 3, 5, 37), randn(41, 3, 5, 37)]),
    "bmm that broadcasts": (framework.matmul, [randn(3, 1, 2, 41, 67), randn(5, 1, 67, 53)]),
    "bmm of one": (framework.matmul, [randn(1, 1, 91, 67), randn(1, 67, 93)]),
    "matmul of many rows": (framework.matmul, [randn(3, 5, 11, 67), randn(67, 93)]),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [shifted(5, 7, 13, 29), randn(7), randn(7)]),
    "batch_norm no weight": (lambda x: F.batch_norm(x, None, None, training=True, eps=0.1), [randn(3, 5, 601)]),
    "batch_norm large planes": (lambda x, w: F.batch_norm(x, None, None, w, training=True), [shifted(2, 2, 71, 73), randn(2)]),
    "batch_norm evaluating": (
        lambda x, w, b: F.batch_norm(x, w.detach(), b.detach() ** 2 + 1, w, b),
        [randn(5, 7, 13, 29), randn(7), randn(7)],
    ),
    "batch_norm moving": (moving_statistics, [shifted(5, 7, 13, 29), randn(7), randn(7)]),
    "statistics": (lambda x: framework.cat([each.flatten() for each in norm.batch_norm_train(x, None, None, 0.1)]), [randn(3, 5, 601)]),
    "statistics alone": (lambda x: framework.stack(norm.batch_norm_train(x, None, None, 0.1)[1:]), [randn(3, 5, 601)]),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), [shifted(3, 5, 23, 29), randn(5), randn(5)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 3, w, b), [shifted(5, 6, 13, 29), randn(6), randn(6)]),
    "group_norm of a transpose": (lambda x: F.group_norm(x, 3).transpose(2, 3), [randn(5, 6, 13, 29)]),
    **{
        f"attention {name}": (
            lambda q, k, v, *mask, options=options: F.scaled_dot_product_attention(q, k, v, *mask, **options),
            [randn(3, 5, 23, 11), randn(3, 5, 29, 11), randn(3, 5, 29, 7), *mask],
        )
        for name, mask, options in (
            ("plain", [], {}),
            ("causal", [], {"is_causal": True, "scale": 3.0}),
            ("of a mask for all", [randn(23, 29)], {}),
            ("of a mask for each", [randn(3, 1, 1, 29)], {}),
            ("with dropout", [], {"dropout_p": 0.3}),
        )
    },
    "attention of one head": (F.scaled_dot_product_attention, [randn(101, 11), randn(97, 11), randn(97, 7)]),
    "attention of a transpose": (
        lambda q, k, v: F.scaled_dot_product_attention(q.mT, k.transpose(0, 1), v.transpose(0, 1)),
        [randn(15, 11, 31), randn(29, 15, 11), randn(29, 15, 7)],
    ),
    "attention of the blind": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, framework.arange(41)[:, None] > framework.arange(43)),
        [randn(7, 41, 11), randn(7, 43, 11), randn(7, 43, 5)],
    ),
    "batch_norm and relu": (lambda x, w, b: F.relu(F.batch_norm(+x, None, None, w, b, True)), [shifted(5, 7, 13, 29), randn(7), randn(7)]),
    "batch_norm and leaky_relu": (
        lambda x, w, b: F.leaky_relu(F.batch_norm(+x, None, None, w, b, True), 0.3),
        [shifted(5, 7, 13, 29), randn(7), randn(7)],
    ),
    "batch_norm evaluating and relu": (
        lambda x, w, b: F.relu(F.batch_norm(+x, w.detach(), b.detach() ** 2 + 1, w, b)),
        [shifted(5, 7, 13, 29), randn(7), randn(7)],
    ),
    "instance_norm and relu of planes in blocks": (lambda x: F.relu(F.instance_norm(+x)), [shifted(2, 2, 71, 73)]),
    "group_norm and leaky_relu": (
        lambda x, w, b: F.leaky_relu(F.group_norm(+x, 3, w, b), -2.0),
        [shifted(5, 6, 13, 29), randn(6), randn(6)],
    ),
    "batch_norm and two uses": (twice_used, [shifted(5, 7, 13, 29), randn(7), randn(7)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (7, 41), w, b), [shifted(53, 7, 41), randn(7, 41), randn(7, 41)]),
    "layer_norm no weight": (lambda x: F.layer_norm(x, (41,)), [shifted(53, 7, 41)]),
    "layer_norm no bias": (lambda x, w: F.layer_norm(x, (5001,), w, eps=0.1), [shifted(3, 5001), randn(5001)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (41,), w, 1e-3), [shifted(53, 7, 41), randn(41)]),
    "rms_norm no weight": (lambda x: F.rms_norm(x, (7, 41)), [shifted(53, 7, 41)]),
    "softmax": (lambda x: F.softmax(5 * x, -1), [randn(37, 11, 41)]),
    "softmax of large": (lambda x: F.softmax(1e4 + x, 1), [randn(101, 97)]),
    "log_softmax of large": (lambda x: F.log_softmax(1e4 + x, 1), [randn(101, 97)]),
    "log_softmax": (lambda x: F.log_softmax(x, -1), [randn(37, 11, 41)]),
    "nll_loss": (lambda x: F.nll_loss(F.log_softmax(x, 1), framework.arange(101) % 97), [randn(101, 97)]),
    **{
        f"{loss.__name__} {reduction}": (
            lambda x, loss=loss, reduction=reduction: loss(x, framework.arange(101) % 97, ignore_index=5, reduction=reduction),
            [randn(101, 97)],
        )
        for loss in (F.nll_loss, F.cross_entropy)
        for reduction in ("none", "mean", "sum")
    },
    "cross_entropy of bytes": (lambda x: F.cross_entropy(x, (framework.arange(101) % 97).byte()), [100 * randn(101, 97)]),
    "cross_entropy all ignored": (lambda x: F.cross_entropy(x, framework.full((101,), 5), ignore_index=5), [randn(101, 97)]),
}


def leave_nans_behind():
    """In memory that is free: what is made next holds them until it is written to."""
    for bytes_ in (10**3, 10**4, 10**5, 10**6):
        del [np.full(bytes_ // 8, np.nan) for _ in range(10)][:]


def outcome(call, arrays, dtype, which):
    """The output and the gradients of the inputs, computed by kernels or by the reference."""
    framework.manual_seed(3)
    leave_nans_behind()
    tensors = [framework.tensor(each, dtype=dtype, requires_grad=True) for each in arrays]
    with kernels.use(which):
        out = call(*tensors)
        weights = framework.tensor(randn(*out.shape), dtype=dtype)
        grads = framework.autograd.grad(out, tensors, weights if out.ndim else None)
    return [out.detach().numpy(), *(each.numpy() for each in grads)]


@pytest.mark.parametrize("dtype", [framework.float32, framework.float64])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_reference(name, dtype):
    kernels.reset()
    call, arrays = CASES[name]
    fast = outcome(call, arrays, dtype, "fast")
    used = {by for op in kernels.report().values() for by in op} - {"reference"}
    assert used, f"no kernel took part: {kernels.report()}"
    tolerance = 2e-5 if dtype is framework.float32 else 1e-12
    for ours, expected in zip(fast, outcome(call, arrays, dtype, "reference"), strict=True):
        assert ours.dtype == expected.dtype == dtype.numpy
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance * max(np.abs(expected).max(), 1e-30))


@pytest.mark.parametrize(
    "name",
    [
        "conv2d-1",
        "conv2d-15",
        "conv3d",
        "max_pool2d-0",
        "linear",
        "dropout",
        "relu",
        "gelu",
        "gelu tanh",
        "prelu",
        "log_softmax",
        "softmax",
        "layer_norm",
        "batch_norm and relu",
        "batch_norm and leaky_relu",
        "attention of a mask for each",
        "attention with dropout",
        "cross_entropy mean",
        "lstm_layer packed",
        "gru_layer packed",
        "rnn_layer packed",
        "lstm of one step",
    ],
)
def test_second_derivatives_go_through_the_formula(name):
    call, arrays = CASES[name]
    x, *rest = (framework.tensor(each, requires_grad=True) for each in arrays)

    def double(which):
        framework.manual_seed(3)
        with kernels.use(which):
            (grad,) = framework.autograd.grad((call(x, *rest) ** 2).sum(), x, create_graph=True)
            return framework.autograd.grad((grad**2).sum(), x)[0].numpy()

    np.testing.assert_allclose(double("fast"), double("reference"), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_convolutions_of_any_shape(transposed, dims, data):
    """Values and gradients, in float64, of sizes that a kernel takes: strides, dilations and paddings as they come, many filters or few."""
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    each = lambda low, high: tuple(draw(low, high) for _ in range(dims))  # noqa: E731
    groups = data.draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    channels, filters = groups * (1 if groups == 5 else draw(1, 24)), groups * draw(1, 24 if groups < 5 else 3)
    kernel, stride, dilation = each(1, 5 if dims < 3 else 3), each(1, 3), each(1, 2)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    if transposed:
        sizes = each(1, 12 if dims < 3 else 6)
        largest = [((n - 1) * s + r) // 2 for n, s, r in zip(sizes, stride, reach, strict=True)]
        options |= {"padding": tuple(draw(0, min(4, most)) for most in largest), "output_padding": tuple(draw(0, s - 1) for s in stride)}
    else:
        options["padding"] = each(0, 4)
        sizes = [max(draw(1, 20 if dims < 3 else 8), r + 1 - 2 * p) for r, p in zip(reach, options["padding"], strict=True)]
    images = -(-kernels.SMALL // (channels * math.prod(sizes))) + draw(0, 3)
    weight = (channels, filters // groups) if transposed else (filters, channels // groups)
    arrays = [randn(images, channels, *sizes), randn(*weight, *kernel), randn(filters)]
    function = getattr(F, f"conv{'_transpose' * transposed}{dims}d")

    kernels.reset()
    fast = outcome(lambda x, w, b: function(x, w, b, **options), arrays, framework.float64, "fast")
    assert "reference" not in kernels.report()["conv_transpose" if transposed else "conv"]
    slow = outcome(lambda x, w, b: function(x, w, b, **options), arrays, framework.float64, "reference")
    for ours, expected in zip(fast, slow, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("dims", [1, 2, 3])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_pooling_of_any_shape(dims, data):
    """Of few values, so that windows have several largest, or none but -inf, or a nan: the gradients show which of them was taken."""
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    kernel, stride, dilation = ([draw(1, most) for _ in range(dims)] for most in (4, 3, 2))
    padding = [draw(0, k // 2) if d == 1 else 0 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [draw((k - 1) * d + 1, 20 if dims < 3 else 9) for k, d in zip(kernel, dilation, strict=True)]
    planes = -(-kernels.SMALL // math.prod(sizes))
    values = np.random.default_rng(draw(0, 9)).choice([-np.inf, -1.0, 0.0, 1.0, np.nan], (2, planes, *sizes), p=[0.5, 0.2, 0.1, 0.1, 0.1])
    function, ceil_mode = getattr(F, f"max_pool{dims}d"), data.draw(st.booleans())

    def call(x):
        return function(x, kernel, stride, padding, dilation, ceil_mode)

    kernels.reset()
    fast = outcome(call, [values], framework.float64, "fast")
    assert "reference" not in kernels.report()["max_pool"]
    for ours, expected in zip(fast, outcome(call, [values], framework.float64, "reference"), strict=True):
        np.testing.assert_array_equal(ours, expected)


WAYS = {"unfolded_conv": CONV, "winograd_conv": WINOGRAD, "depthwise_conv": DEPTHWISE}


@pytest.mark.parametrize("case, by", [(case, by) for by, cases in WAYS.items() for case in cases])
def test_which_way_a_convolution_goes(case, by):
    x, w, options = case
    kernels.reset()
    F.conv2d(framework.randn(*x), framework.randn(*w), **options)
    assert list(kernels.report()["conv"]) == [by]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_sums(dtype):
    a, b = randn(300, 301).astype(dtype), randn(300, 301).astype(dtype)
    kernels.reset()
    for ours, other in ((framework.from_numpy(a), b), (framework.from_numpy(a.T), b.T), (framework.from_numpy(a), b[:1])):
        assert np.array_equal((ours + framework.from_numpy(other)).numpy(), ours.numpy() + other)
    assert kernels.report()["add"] == {"parallel_plus": 2, "reference": 1}


def test_large_gradients_meet():
    x = framework.tensor(randn(300, 301), requires_grad=True)
    middle = x * 2
    kernels.reset()
    (middle**2 + middle * 3).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), (2 * 2 * x.detach().numpy() + 3) * 2)
    assert kernels.report()["add"]["parallel_plus"] == 2  # forward, and where they meet


PLACES = np.array([[3, 70, 3], [0, 99, 3]])  # one of them three times


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"weight_decay": 0.1}, {"maximize": True}])
def test_an_embedding_learns_without_a_gradient_of_zeros(tied, options):
    def run(which):
        with kernels.use(which):
            weight = framework.tensor(randn(100, 128), requires_grad=True)
            optimizer = optim.SGD([weight], lr=0.1, **options)
            for _ in range(3):
                optimizer.zero_grad()
                rows = F.embedding(framework.from_numpy(PLACES), weight)
                loss = ((rows @ weight.T if tied else rows) ** 2).mean()
                loss.backward()
                waited = weight.grad._later is not None
                optimizer.step()
            return weight.detach().numpy(), waited

    (fast, waited), (expected, never) = run("fast"), run("reference")
    np.testing.assert_allclose(fast, expected, rtol=1e-12)
    assert waited == (not tied) and not never


def test_a_gradient_by_rows_is_to_everybody_a_gradient():
    weight, places = framework.tensor(randn(100, 128), requires_grad=True), framework.from_numpy(PLACES.copy())
    scale = framework.tensor(randn(2, 3, 128))

    def expected(times=1):
        grad = np.zeros((100, 128))
        np.add.at(grad, PLACES, times * randn(2, 3, 128))
        return grad

    def embedded():
        return F.embedding(places, weight)

    embedded().backward(scale)
    places.zero_(), scale.zero_()  # what the gradient was made of may change before anybody looks at it
    np.testing.assert_allclose(weight.grad.numpy(), expected())
    places.copy_(framework.from_numpy(PLACES)), scale.copy_(framework.tensor(randn(2, 3, 128)))
    embedded().backward(scale)  # to what is there
    np.testing.assert_allclose(weight.grad.numpy(), expected(2))
    (computed,) = framework.autograd.grad((F.embedding(places, weight * 2) * scale).sum(), [weight])  # of a table that is no leaf
    np.testing.assert_allclose(computed.numpy(), expected(2))
    weight.grad = None
    embedded().backward(scale)
    embedded().backward(scale)  # to one that was left for later
    np.testing.assert_allclose(weight.grad.numpy(), expected(2))
    (grad,) = framework.autograd.grad((embedded() * scale).sum(), [weight])
    np.testing.assert_allclose(grad.numpy(), expected())
    seen = []
    weight.register_hook(lambda grad: seen.append(grad.clone()))
    weight.grad = None
    embedded().backward(scale)
    np.testing.assert_allclose(seen[0].numpy(), expected())
    with kernels.use("reference"):
        optim.SGD([weight], lr=1.0).step()
    np.testing.assert_allclose(weight.detach().numpy(), randn(100, 128) - expected())


OPTIONS = {
    "SGD": [{}, {"momentum": 0.9, "dampening": 0.1}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1, "maximize": True}],
    "Adam": [{}, {"amsgrad": True, "betas": (0.5, 0.9)}, {"weight_decay": 0.1, "maximize": True}],
    "AdamW": [{"weight_decay": 0.1}],
    "Adadelta": [{}, {"weight_decay": 0.1, "maximize": True}],
    "RMSprop": [{}, {"momentum": 0.9, "centered": True}, {"weight_decay": 0.1, "maximize": True}],
}


@pytest.mark.parametrize("name, options", [(name, each) for name, several in OPTIONS.items() for each in several])
def test_optimizers_equal_the_reference(name, options):
    def run(which):
        with kernels.use(which):
            parameters = [framework.tensor(each.astype(np.float32), requires_grad=True) for each in arrays]
            optimizer = getattr(optim, name)(parameters, lr=0.01, **options)
            for _ in range(4):
                optimizer.zero_grad()
                sum((each**2).sum() for each in parameters).backward()
                optimizer.step()
            return [each.detach().numpy() for each in parameters]

    arrays = [randn(97, 101), randn(3), randn(1, 20_001)]

    kernels.reset()
    fast = run("fast")
    assert list(kernels.report()["update_each"]) == ["all_parameters_at_once"]
    for ours, expected in zip(fast, run("reference"), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_many_small_parameters_are_updated_alike_whatever_was_imported_before():
    """None is large, all together are: the first such step of a process must find the kernel as the later ones do."""
    code = """
import framework
from framework import kernels, optim
if {imported}:
    import framework.kernels.cpu_optim
parameters = [framework.full((40, 25), 0.1 * number, requires_grad=True) for number in range({count})]
for each in parameters:
    each.grad = each.detach() + 1
optim.Adam(parameters).step()
print(kernels.report().get("update_each"))
"""
    for count, expected in ((1, {"reference": 1}), (5, {"all_parameters_at_once": 1})):
        for imported in (False, True):
            command = [sys.executable, "-c", code.format(imported=imported, count=count)]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert out.strip() == str(expected), (count, imported)


def test_parameters_updated_at_once_may_be_of_all_kinds():
    """Types, steps and layouts of their own, none at all in one; more pieces than threads, and pieces that are not full."""

    def run(which):
        with kernels.use(which):
            arrays = [randn(97, 101), randn(97, 101).astype(np.float32), randn(3), np.empty((0, 4)), randn(50, 60).T, randn(20_001)]
            parameters = [framework.from_numpy(each.copy(order="K")).requires_grad_() for each in arrays]
            optimizer = optim.SGD(parameters, lr=0.01, momentum=0.9)
            for step in range(4):
                for late, each in enumerate(parameters):
                    each.grad = framework.full_like(each, 1.0 + step) if step >= late % 2 else None
                optimizer.step()
            return [each.detach().numpy() for each in parameters]

    for ours, expected in zip(run("fast"), run("reference"), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_clipped_at_once(dtype):
    def run(which):
        with kernels.use(which):
            parameters = [framework.zeros(*shape, dtype=framework.tensor(dtype(0)).dtype) for shape in ((97, 101), (3,), (0, 4), (20_001,))]
            for number, each in enumerate(parameters):
                each.grad = framework.arange(each.numel()).reshape(each.shape).to(each.dtype) % (number + 5)
            grads = [each.grad for each in parameters]
            total = framework.nn.utils.clip_grad_norm_(parameters, 3.0)
            assert all(each.grad is grad and grad._version == [1] for each, grad in zip(parameters, grads, strict=True))
            return [total.numpy(), *(each.grad.numpy() for each in parameters)]

    kernels.reset()
    fast = run("fast")
    assert "all_scaled_at_once" in kernels.report()["scale_each"] and "norm_of_all" in kernels.report()["norm"]
    for ours, expected in zip(fast, run("reference"), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=2e-6)


def test_special_values():
    x = randn(100, 100)
    x[0, :4] = [np.nan, np.inf, -np.inf, -0.0]
    x[1, 3], x[2, 4], x[3], x[4, 5:] = np.nan, np.inf, -np.inf, -np.inf

    def of_classes(t):
        return F.cross_entropy(t, framework.arange(100), reduction="none")

    for call in (
        F.relu,
        F.leaky_relu,
        F.logsigmoid,
        F.softplus,
        framework.sigmoid,
        lambda t: F.max_pool2d(t[None], 2),
        lambda t: F.log_softmax(t, 1),
        lambda t: F.softmax(t, 1),
        lambda t: F.layer_norm(t, (100,)),
        of_classes,
    ):
        with kernels.use("reference"), np.errstate(invalid="ignore"):
            expected = call(framework.tensor(x)).numpy()
        np.testing.assert_allclose(call(framework.tensor(x)).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_and_tanh(dtype):
    """To two units in the last place, exp of float32 to one, where the results are normal numbers, are not, and end."""

    @nb.njit
    def both(x, of_exp, of_tanh):
        for i in range(x.size):
            of_exp[i], of_tanh[i] = exp(x[i]), tanh(x[i])

    lowest, highest = (-104, 88.72) if dtype is np.float32 else (-745, 709.7)
    beyond = (88.73, -104) if dtype is np.float32 else (709.8, -746)  # where exp is inf, and 0
    x = np.concatenate([np.linspace(lowest, highest, 1_000_003), np.linspace(-1e-3, 1e-3, 1001), np.linspace(-1, 1, 100_003)]).astype(dtype)
    found, exact = np.empty((2, x.size), dtype), (np.exp(x.astype(np.longdouble)), np.tanh(x.astype(np.longdouble)))
    both(x, *found)
    for ours, expected, units in zip(found, exact, (1 if dtype is np.float32 else 2, 2), strict=True):
        assert (np.abs(ours - expected) <= units * np.spacing(np.abs(expected).astype(dtype))).all()
    ends = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, *beyond, 0.0, -0.0, 1e-30], dtype)
    both(ends, *found[:, :10])
    np.testing.assert_array_equal(found[0, :10], np.array([np.nan, np.inf, 0, np.inf, 0, np.inf, 0, 1, 1, 1], dtype))
    np.testing.assert_array_equal(found[1, :10], np.array([np.nan, 1, -1, 1, -1, 1, -1, 0, 0, 1e-30], dtype))


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 8), (np.float64, 1)])
def test_erf(dtype, units):
    """To so many units in the last place; beyond 4 it is 1 to the last of them, and an odd function of a nan is a nan."""

    @nb.njit
    def each(x, out):
        for i in range(x.size):
            out[i] = erf(x[i])

    x = np.concatenate([np.linspace(-6, 6, 1_000_003), np.linspace(-1e-3, 1e-3, 1001), [np.inf, -np.inf, np.nan, 1e30, 0.0]]).astype(dtype)
    found, exact = np.empty_like(x), np.array([math.erf(each) for each in x])
    each(x, found)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    some = ~np.isnan(exact)
    assert (np.abs(found - exact)[some] <= units * np.spacing(np.abs(exact[some]).astype(dtype))).all()


def test_what_a_kernel_cannot_do_it_declines():
    kernels.reset()
    F.relu(framework.randn(200, 100).half())
    F.relu(framework.randn(200, 200).T)
    F.conv2d(framework.randn(1, 1, 100, 100).mT, framework.randn(1, 1, 3, 3))
    report = kernels.report()
    assert report["relu"] == {"reference": 2} and report["conv"] == {"reference": 1}


def test_small_arrays_are_left_to_numpy():
    """Without asking, and without counting: the report is of calls that a kernel might have wanted."""
    kernels.reset()
    F.relu(framework.randn(10))
    assert kernels.report() == {}


@pytest.mark.parametrize("name", ["conv2d-1", "conv2d-9"])
def test_the_same_bits_every_time(name):
    """At a fixed number of threads."""
    call, arrays = CASES[name]
    first = outcome(call, arrays, framework.float32, "fast")
    for _ in range(5):
        for a, b in zip(first, outcome(call, arrays, framework.float32, "fast"), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", [1, 3, 16])
@pytest.mark.parametrize("name", CASES)
def test_any_number_of_threads(name, count, monkeypatch):
    """More than there are images, rows or cores, too: the pool has as many as it is asked for."""
    monkeypatch.setattr(threads, "_threads", count)
    call, arrays = CASES[name]
    expected = outcome(call, arrays, framework.float64, "reference")
    for ours, reference in zip(outcome(call, arrays, framework.float64, "fast"), expected, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-12, atol=1e-12 * max(np.abs(reference).max(), 1e-30))


def test_use_restores_and_refuses():
    with kernels.use("reference"):
        kernels.reset()
        F.relu(framework.randn(100, 100))
        assert kernels.report() == {}
    F.relu(framework.randn(100, 100))
    assert kernels.report() == {"relu": {"one_pass_relu": 1}}
    with pytest.raises(ValueError, match="'reference' or 'fast'"):
        kernels.use("turbo")

"""Convolutions, poolings, normalisations: what layers are made of."""

import itertools

import numpy as np
from scipy import special

from tests.samples.table import f, i, row


def tupled(value, n):
    return value if isinstance(value, tuple) else (value,) * n


def windows(x, kernel, stride, padding, dilation, fill=0.0):
    """For each output position, in order: the window of (N, C, *kernel) that belongs to it."""
    n = len(kernel)
    stride, padding, dilation = tupled(stride, n), tupled(padding, n), tupled(dilation, n)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=fill)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    shape = [(length - r) // s + 1 for length, r, s in zip(x.shape[2:], reach, stride, strict=True)]
    places = itertools.product(*map(range, shape))
    cuts = [[slice(p * s, p * s + r, d) for p, s, r, d in zip(place, stride, reach, dilation, strict=True)] for place in places]
    return shape, [x[(..., *cut)] for cut in cuts]


def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution by its definition: every output is the sum of a window times the weights."""
    if x.ndim < weight.ndim:
        return conv(x[None], weight, bias, stride, padding, dilation, groups)[0]
    n, out = weight.ndim - 2, []
    for x_g, w_g in zip(np.split(x, groups, 1), np.split(weight, groups), strict=True):
        shape, seen = windows(x_g, weight.shape[2:], stride, padding, dilation)
        columns = [np.tensordot(each, w_g, (range(1, n + 2), range(1, n + 2))) for each in seen]  # (N, O)
        out.append(np.stack(columns, -1).reshape(len(x), len(w_g), *shape))
    return np.concatenate(out, 1) + (0 if bias is None else bias.reshape(-1, *[1] * n))


def pool(reduce, fill):
    def pooled(x, kernel, stride=None, padding=0, dilation=1):
        kernel = tupled(kernel, x.ndim - 2)
        shape, seen = windows(x, kernel, kernel if stride is None else stride, padding, dilation, fill)
        return np.stack([reduce(each.reshape(*x.shape[:2], -1), -1) for each in seen], -1).reshape(*x.shape[:2], *shape)

    return pooled


def normalized(x, axis, eps=1e-5):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def per_channel(vector, x):
    return np.reshape(vector, (-1, *[1] * (x.ndim - 2)))


def batch_norm(x, mean, var, w=1, b=0):
    return normalized(x, (0, *range(2, x.ndim))) * per_channel(w, x) + per_channel(b, x)


def batch_norm_eval(x, w, b):
    return (x - 0.5) / np.sqrt(2.5 + 1e-5) * per_channel(w, x) + per_channel(b, x)


def batch_norm_call(T, x, w, b):
    return T.nn.functional.batch_norm(x, T.full_like(w, 0.5), T.full_like(w, 2.5), w, b)


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)


row("linear", [(f(2, 3), f(4, 3), f(4)), (f(3), f(4, 3), f(4)), (f(2, 2, 3), f(1, 3))], lambda x, w, b=0: x @ w.T + b)

CONV_1D = [(f(2, 2, 5), f(3, 2, 3), f(3), 2, 1), (f(1, 2, 6), f(4, 1, 2), f(4), 1, 0, 2, 2), (f(2, 4), f(1, 2, 2))]
CONV_2D = [
    (f(2, 2, 4, 3), f(3, 2, 2, 2), f(3)),
    (f(1, 2, 5, 4), f(2, 2, 3, 2), f(2), 2, 1),
    (f(1, 2, 4, 5), f(2, 2, 2, 2), None, 1, (1, 0), (1, 2)),
    (f(2, 4, 3, 3), f(4, 2, 2, 2), f(4), (2, 1), 1, 1, 2),
    (f(1, 1, 2, 2), f(1, 1, 1, 1)),
    (f(0, 1, 2, 2), f(2, 1, 2, 2)),
]
CONV_3D = [(f(1, 2, 3, 3, 2), f(2, 2, 2, 2, 2), f(2)), (f(1, 2, 3, 3, 3), f(2, 1, 2, 2, 1), None, 2, 1, 1, 2)]
row("conv1d", CONV_1D, conv)
row("conv2d", CONV_2D, conv)
row("conv3d", CONV_3D, conv)

row("max_pool1d", [(f(2, 2, 6), 2), (f(1, 2, 7), 3, 2, 1)], pool(np.max, -np.inf))
row("max_pool2d", [(f(2, 2, 4, 4), 2), (f(1, 2, 5, 6), (3, 2), 2, 1), (f(1, 1, 5, 5), 2, 1, 0, 2)], pool(np.max, -np.inf))
row("max_pool2d ceil", [(f(1, 2, 5, 5), 3, 2, 1)], ceil_mode=True)
row("max_pool3d", [(f(1, 1, 4, 2, 3), 2, 1)], pool(np.max, -np.inf))
row("avg_pool1d", [(f(2, 2, 6), 2), (f(1, 2, 7), 3, 2, 1)], pool(np.mean, 0), integers=False)
row("avg_pool2d", [(f(2, 2, 4, 4), 2), (f(1, 2, 5, 6), (3, 2), 2, 1)], pool(np.mean, 0), integers=False)
row("avg_pool2d ceil", [(f(1, 2, 5, 5), 3, 2, 1)], ceil_mode=True, count_include_pad=False, integers=False)
row("avg_pool2d divisor", [(f(1, 2, 4, 4), 2)], lambda x, k: pool(np.sum, 0)(x, k) / 3, divisor_override=3, integers=False)
row("avg_pool3d", [(f(1, 1, 4, 2, 3), 2, 1)], pool(np.mean, 0), integers=False)
row("adaptive_avg_pool1d", [(f(2, 2, 5), 2), (f(2, 6), 3)])
row("adaptive_avg_pool2d", [(f(1, 2, 4, 6), (2, 3)), (f(1, 2, 5, 3), (2, 1)), (f(2, 1, 2, 2), (3, 2))])
row("adaptive_max_pool1d", [(f(2, 2, 5), 2), (f(2, 6), 3)])
row("adaptive_max_pool2d", [(f(1, 2, 4, 6), (2, 3)), (f(1, 2, 5, 3), (2, 1))])

row("layer_norm", [(f(2, 3), (3,)), (f(2, 3, 4), (4,))], lambda x, shape: normalized(x, -1))
row("layer_norm affine", [(f(2, 3, 4), (3, 4), f(3, 4), f(3, 4))], lambda x, shape, w, b: normalized(x, (1, 2)) * w + b)
row("batch_norm", [(f(4, 2), None, None, f(2), f(2)), (f(2, 2, 3, 2), None, None, f(2), f(2))], batch_norm, training=True)
row("batch_norm plain", [(f(4, 2), None, None)], batch_norm, training=True)
row("batch_norm eval", [(f(3, 2, 2), f(2), f(2))], batch_norm_eval, batch_norm_call)
row("normalize", [f(3, 2), f(2, 3, 2)], lambda x: x / np.sqrt((x * x).sum(1, keepdims=True)))
row("normalize p dim", [(f(3, 2), 1, 0)], lambda x, p, dim: x / np.abs(x).sum(0))

row("leaky_relu", [f(2, 3), f()], lambda x: np.where(x > 0, x, 0.01 * x))
row("elu", [f(2, 3), (f(2, 3), 1.5)], lambda x, a=1.0: np.where(x > 0, x, a * np.expm1(x)))
row("gelu", [f(2, 3)], lambda x: x * special.ndtr(x))
row("gelu tanh", [f(2, 3)], lambda x: x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))), approximate="tanh")
row("silu", [f(2, 3)], lambda x: x / (1 + np.exp(-x)))
row("softplus", [f(2, 3), (f(2, 3), 2.0, 1.0)], softplus)
row("logsigmoid", [f(2, 3)], lambda x: -np.log1p(np.exp(-x)))
row("relu6", [f(2, 3, low=-2, high=8)], lambda x: np.clip(x, 0, 6), integers=False)
row("hardtanh", [f(2, 3)], lambda x: np.clip(x, -1, 1), integers=False)
row("embedding", [(i(2, 2), f(3, 4)), (i(), f(3, 2))], lambda index, w: w[index])
row("pad", [(f(2, 3), (1, 2)), (f(2, 3), (1, 0, -1, 2)), (f(3), (-1, -1))])
row("one_hot", [(i(2, 3), 4), i(5)], lambda index, n=None: np.eye(n or index.max() + 1, dtype=int)[index], gradient=False)

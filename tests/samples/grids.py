"""Functions of images and other grids: transposed convolution, pooling, padding, resampling, normalisation."""

import itertools
import warnings
from math import ceil, floor, prod

import numpy as np

from tests.samples.layers import normalized, per_channel, pool, tupled
from tests.samples.table import f, row


def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """By its definition: every input adds itself times the weights to a window of the output."""
    n = weight.ndim - 2
    if x.ndim == n + 1:
        return conv_transpose(x[None], weight, bias, stride, padding, output_padding, groups, dilation)[0]
    s, p, extra, d = (tupled(each, n) for each in (stride, padding, output_padding, dilation))
    kernel, o = weight.shape[2:], weight.shape[1]
    size = [(length - 1) * s[j] + d[j] * (kernel[j] - 1) + 1 + extra[j] for j, length in enumerate(x.shape[2:])]
    out = np.zeros((len(x), o * groups, *size))
    for g, place, tap in itertools.product(range(groups), np.ndindex(*x.shape[2:]), np.ndindex(*kernel)):
        c = slice(g * x.shape[1] // groups, (g + 1) * x.shape[1] // groups)
        at = tuple(place[j] * s[j] + tap[j] * d[j] for j in range(n))
        out[(slice(None), slice(g * o, (g + 1) * o), *at)] += x[(slice(None), c, *place)] @ weight[(c, slice(None), *tap)]
    inside = tuple(slice(p[j], size[j] - p[j]) for j in range(n))
    return out[(..., *inside)] + (0 if bias is None else bias.reshape(-1, *[1] * n))


def adaptive(reduce):
    def pooled(x, size):
        n = x.ndim - 2 if isinstance(size, int) else len(size)
        lengths, lead = x.shape[-n:], x.shape[:-n]
        size = [length if o is None else o for o, length in zip(tupled(size, n), lengths, strict=True)]
        out = np.zeros((*lead, *size))
        for cell in np.ndindex(*size):
            window = tuple(slice(floor(c * m / o), ceil((c + 1) * m / o)) for c, m, o in zip(cell, lengths, size, strict=True))
            out[(..., *cell)] = reduce(x[(..., *window)], tuple(range(-n, 0)))
        return out

    return pooled


def max_unpool(x, indices, kernel, size=None):
    """For kernel = stride."""
    size = tuple(kernel * n for n in x.shape[2:]) if size is None else size
    out = np.zeros((*x.shape[:2], prod(size)))
    for n, c in np.ndindex(*x.shape[:2]):
        out[n, c, indices[n, c].ravel()] = x[n, c].ravel()
    return out.reshape(*x.shape[:2], *size)


def padded(mode):
    """Negative numbers are cut off first."""
    names = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}

    def pad(x, padding):
        for axis, before, after in zip(range(-1, -4, -1), padding[::2], padding[1::2], strict=False):
            x = x.swapaxes(axis, 0)[max(-before, 0) : x.shape[axis] - max(-after, 0)]
            width = [(max(before, 0), max(after, 0)), *[(0, 0)] * (x.ndim - 1)]
            x = np.pad(x, width, names[mode]).swapaxes(axis, 0)
        return x

    return pad


def stretched(weights):
    """Along each spatial dimension, out[i] = sum_j weights(i, j, n, out) x[j]."""

    def interpolate(x, size):
        for axis, o in enumerate(tupled(size, x.ndim - 2), start=2):
            n = x.shape[axis]
            matrix = np.array([[weights(a, b, n, o) for b in range(n)] for a in range(o)])
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
        return x

    return interpolate


def hat(a, b, n, o):
    """The triangle around the middle of output a, at input b."""
    return max(0.0, 1 - abs(min(max((a + 0.5) * n / o - 0.5, 0), n - 1) - b))


def aligned(a, b, n, o):
    return max(0.0, 1 - abs(a * (n - 1) / max(o - 1, 1) - b))


def keys(a, b, n, o):
    """Keys' cubic, a = -3/4; what falls outside counts for the edge."""

    def kernel(t):
        t = abs(t)
        return 1.25 * t**3 - 2.25 * t**2 + 1 if t <= 1 else -0.75 * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0

    source = (a + 0.5) * n / o - 0.5
    return sum(kernel(source - j) for j in range(floor(source) - 1, floor(source) + 3) if min(max(j, 0), n - 1) == b)


def shuffled(x, r):
    *batch, c, h, w = x.shape
    out = np.zeros((*batch, c // r**2, h * r, w * r))
    for k, y, z in itertools.product(range(c // r**2), range(r), range(r)):
        out[..., k, y::r, z::r] = x[..., k * r**2 + y * r + z, :, :]
    return out


def unshuffled(x, r):
    return np.stack([x[..., k, y::r, z::r] for k in range(x.shape[-3]) for y in range(r) for z in range(r)], -3)


def in_turn(x, groups):
    each = x.shape[1] // groups
    return np.concatenate([x[:, j::each] for j in range(each)], 1)


def unfolded(x, kernel, dilation=1, padding=0, stride=1):
    if x.ndim == 3:
        return unfolded(x[None], kernel, dilation, padding, stride)[0]
    (k1, k2), (d1, d2), (p1, p2), (s1, s2) = (tupled(each, 2) for each in (kernel, dilation, padding, stride))
    x = np.pad(x, ((0, 0), (0, 0), (p1, p1), (p2, p2)))
    ys = range(0, x.shape[2] - d1 * (k1 - 1), s1)
    xs = range(0, x.shape[3] - d2 * (k2 - 1), s2)
    windows = [x[:, :, a : a + d1 * (k1 - 1) + 1 : d1, b : b + d2 * (k2 - 1) + 1 : d2].reshape(len(x), -1) for a in ys for b in xs]
    return np.stack(windows, -1)


def folded(columns, size, *args):
    """The transpose of `unfolded`, found by unfolding every unit image."""
    if columns.ndim == 2:
        return folded(columns[None], size, *args)[0]
    size, pixels = tupled(size, 2), prod(tupled(size, 2))
    units = unfolded(np.eye(pixels).reshape(pixels, 1, *size), *args).reshape(pixels, -1)
    per_channel = columns.reshape(len(columns), -1, units.shape[1])
    return (per_channel @ units.T).reshape(len(columns), -1, *size)


def group_norm(x, groups, w=None, b=None):
    out = normalized(x.reshape(len(x), groups, -1), 2).reshape(x.shape)
    return out if w is None else out * per_channel(w, x) + per_channel(b, x)


def instance_norm(x, mean=None, var=None, w=None, b=None):
    out = normalized(x, tuple(range(2, x.ndim)))
    return out if w is None else out * per_channel(w, x) + per_channel(b, x)


def rms_norm(x, shape, w=1.0, eps=2.0**-52):
    return x / np.sqrt((x * x).mean(tuple(range(-len(shape), 0)), keepdims=True) + eps) * w


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    out = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        out[:, c] = x[:, c] / (k + alpha / size * (near**2).sum(1)) ** beta
    return out


TRANSPOSED_1D = [(f(2, 2, 4), f(2, 3, 3), f(3), 2, 1, 1), (f(1, 4, 3), f(4, 1, 2), f(2), 1, 0, 0, 2, 2), (f(2, 3), f(2, 1, 2))]
TRANSPOSED_2D = [
    (f(2, 2, 3, 2), f(2, 3, 2, 2), f(3)),
    (f(1, 2, 2, 3), f(2, 2, 3, 2), None, 2, 1, (1, 0)),
    (f(1, 2, 3, 2), f(2, 1, 2, 3), f(2), (2, 1), (0, 1), 1, 2, (1, 2)),
    (f(1, 1, 1, 1), f(1, 1, 1, 1)),
    (f(0, 1, 2, 2), f(1, 2, 2, 2)),
]
row("conv_transpose1d", TRANSPOSED_1D, conv_transpose)
row("conv_transpose2d", TRANSPOSED_2D, conv_transpose)
row("conv_transpose3d", [(f(1, 2, 2, 2, 1), f(2, 1, 2, 1, 2), f(2), 2, 1, (1, 0, 1), 2, 2)], conv_transpose)

AVG, MAX = adaptive(np.mean), adaptive(np.max)
row("adaptive_avg_pool1d", [(f(1, 1, 3), 5), (f(2, 2, 4), 1)], AVG, integers=False)
row("adaptive_avg_pool2d", [(f(1, 2, 5, 3), (2, None)), (f(2, 3, 3), (2, 2)), (f(0, 1, 2, 2), 1)], AVG, integers=False)
row("adaptive_avg_pool3d", [(f(1, 2, 3, 4, 2), (2, 3, 1)), (f(1, 2, 2, 3), 2)], AVG, integers=False)
row("adaptive_max_pool1d", [(f(1, 1, 3), 5), (f(2, 2, 4), 1)], MAX, integers=False)
row("adaptive_max_pool2d", [(f(1, 2, 5, 3), (2, None)), (f(2, 3, 3), (2, 2)), (f(0, 1, 2, 2), 1)], MAX, integers=False)
row("adaptive_max_pool3d", [(f(1, 2, 3, 4, 2), (2, 3, 1)), (f(1, 2, 2, 3), 2)], MAX, integers=False)
row("adaptive_max_pool2d indices", [(f(1, 2, 5, 3), 2), (f(2, 3, 3), 2)], return_indices=True, integers=False)
row("max_pool1d indices", [(f(1, 2, 7), 3, 2, 1), (f(2, 5), 2, 1, 0, 3)], return_indices=True)
row("max_pool2d indices", [(f(1, 2, 5, 6), (3, 2), 2, 1), (f(2, 5, 5), 3, 2, 1, 2, True), (f(0, 1, 4, 4), 2)], return_indices=True)
row("max_pool3d indices", [(f(1, 1, 4, 3, 3), 2, 2, 1, 1, True)], return_indices=True)
AVG_3D = [(f(1, 1, 4, 3, 5), (2, 1, 3), 2, (1, 0, 1), True, False)]
row("avg_pool3d odd", AVG_3D, call=lambda T, *args: T.nn.functional.avg_pool3d(*args), integers=False)
SAMPLES = np.array([[[0.1, 0.7], [0.45, 0.9]]])
row("fractional_max_pool2d", [(f(1, 2, 7, 6), 2, (3, 4)), (f(1, 2, 6, 6), (3, 2), (1, 5))], integers=False, return_indices=True,
    call=lambda T, x, k, size: T.nn.functional.fractional_max_pool2d(x, k, size, None, True, T.tensor(SAMPLES, dtype=x.dtype)))  # fmt: skip
row("max_unpool1d", [(f(1, 2, 3), np.array([[[1, 2, 5], [0, 3, 4]]]), 2)], max_unpool)
row("max_unpool2d", [(f(1, 1, 2, 2), np.array([[[[5, 2], [8, 15]]]]), 2)], max_unpool)
row("max_unpool2d size", [(f(1, 1, 2, 2), np.array([[[[5, 2], [8, 15]]]]), 2, (5, 4))], max_unpool,
    lambda T, x, i, k, size: T.nn.functional.max_unpool2d(x, i, k, output_size=size))  # fmt: skip
row("max_unpool3d", [(f(1, 1, 1, 2, 1), np.array([[[[[3], [12]]]]]), 2)], max_unpool)


def power(x, p, k, stride=None):
    return pool(lambda w, axis: (w**p).sum(axis) ** (1 / p), 0)(x, k, stride)


row("lp_pool1d", [(f(1, 2, 6), 2, 2), (f(1, 2, 6), 4, 3, 1)], power, integers=False)
row("lp_pool2d", [(f(1, 2, 4, 5), 2, 2), (f(1, 2, 4, 5), 2, (2, 3), 1)], power, integers=False)
row("lp_pool2d ceil", [(f(1, 2, 5, 5), 2, 2)], ceil_mode=True, integers=False)
row("lp_pool2d inf", [(f(1, 2, 4, 5), float("inf"), 2)], lambda x, p, k: pool(np.max, 0)(np.abs(x), k), integers=False)
row("lp_pool3d", [(f(1, 1, 4, 2, 3), 2, 2, 1)], power, integers=False)

CUBE = (f(1, 1, 2, 3, 2), (1, 0, 2, 1, 1, 1))
for mode in ("reflect", "replicate", "circular"):
    PADS = [(f(2, 4), (1, 2)), (f(1, 2, 3), (2, 0)), (f(2, 3, 4), (1, 2, 0, 1)), (f(1, 2, 4), (-1, 2)), CUBE]
    row(f"pad {mode}", PADS, padded(mode), mode=mode)

TO = [(f(1, 2, 3), 5), (f(1, 1, 5), 3), (f(1, 1, 1), 2)]
TO_2D = [(f(1, 2, 3, 2), (5, 4)), (f(1, 1, 4, 5), (3, 2)), (f(0, 1, 2, 2), 3)]
NEAREST = stretched(lambda a, b, n, o: float(b == a * n // o))
EXACT = stretched(lambda a, b, n, o: float(b == (2 * a + 1) * n // (2 * o)))
row("interpolate", [*TO, *TO_2D, (f(1, 1, 2, 3, 2), (3, 2, 4))], NEAREST, integers=False)
row("interpolate exact", [*TO, *TO_2D, (f(1, 1, 2, 3, 2), (3, 2, 4))], EXACT, mode="nearest-exact", integers=False)
row("interpolate linear", TO, stretched(hat), mode="linear", integers=False)
row("interpolate bilinear", TO_2D, stretched(hat), mode="bilinear", integers=False)
row("interpolate aligned", TO_2D, stretched(aligned), mode="bilinear", align_corners=True, integers=False)
row("interpolate trilinear", [(f(1, 1, 2, 3, 2), (3, 2, 4))], stretched(hat), mode="trilinear", integers=False)
row("interpolate bicubic", TO_2D, stretched(keys), mode="bicubic", integers=False)
row("interpolate bicubic aligned", TO_2D, mode="bicubic", align_corners=True, integers=False)
row("interpolate area", [*TO, *TO_2D], AVG, mode="area", integers=False)
row("interpolate factor", [f(1, 1, 3, 4)], scale_factor=(1.7, 0.6), mode="bilinear", integers=False)
row("interpolate factor recomputed", [f(1, 1, 3, 4)], scale_factor=1.7, mode="bicubic", recompute_scale_factor=True, integers=False)
row("interpolate factor nearest", [f(1, 1, 3, 5)], scale_factor=1.7, integers=False)


def deprecated(name):
    def call(T, *args):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(T.nn.functional, name)(*args)

    return call


row("upsample_nearest", [(f(1, 1, 2, 2), 3)], NEAREST, deprecated("upsample_nearest"), integers=False)
row("upsample_bilinear", [(f(1, 1, 2, 2), 3)], stretched(aligned), deprecated("upsample_bilinear"), integers=False)

row("pixel_shuffle", [(f(1, 8, 2, 3), 2), (f(9, 1, 2), 3), (f(2, 2, 4, 1, 1), 2)], shuffled)
row("pixel_unshuffle", [(f(1, 2, 4, 6), 2), (f(1, 3, 3), 3), (f(2, 1, 1, 2, 2), 1)], unshuffled)
row("channel_shuffle", [(f(1, 6, 2), 3), (f(2, 4, 1, 2), 2)], in_turn)
row("unfold", [(f(2, 2, 3, 4), 2), (f(1, 2, 5, 4), (3, 2), (1, 2), (2, 1), (2, 1)), (f(1, 3, 3), 2)], unfolded,
    lambda T, *args: T.nn.functional.unfold(*args))  # the method is another
row("fold", [(f(2, 8, 6), (3, 4), 2), (f(1, 12, 16), (5, 4), (3, 2), (1, 2), (2, 1), (2, 1)), (f(4, 4), 3, 2)], folded)

row("group_norm", [(f(2, 4, 3), 2), (f(2, 4), 2), (f(1, 4, 2, 2), 4, f(4), f(4)), (f(2, 4, 3), 1, f(4), f(4))], group_norm, integers=False)
row("instance_norm", [f(2, 3, 4), f(1, 2, 2, 3), (f(2, 2, 3), None, None, f(2), f(2))], instance_norm, integers=False)
row("rms_norm", [(f(2, 3), (3,)), (f(2, 3, 4), (3, 4), f(3, 4)), (f(2, 3), (3,), f(3), 0.1)], rms_norm, integers=False)
row("local_response_norm", [(f(1, 5, 3), 3), (f(2, 4, 2, 2), 2, 0.5, 0.75, 2.0), (f(1, 3, 2), 5, 1.0)], local_response_norm, integers=False)

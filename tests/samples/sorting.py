"""Sorting, medians, quantiles; running sums; counting."""

import numpy as np

from tests.samples.reduce import ALONG, WHOLE, along
from tests.samples.table import b, f, i, row

HOLES = np.array([[1.5, np.nan, -0.5], [np.nan, np.nan, 2.0]])


def one(function):
    """NumPy's function of `axis`, for tensors of no dimension too, whose result keeps their shape."""
    return lambda x, dim=-1: function(np.atleast_1d(x), axis=dim).reshape(x.shape)


def wide(*shape):
    """So far apart that they stay different as integers: which of equal ones `topk` takes is not said."""
    return f(*shape, low=0, high=60)


def largest(x, k, dim=-1):
    order = np.flip(np.argsort(x, dim), dim).take(range(k), dim)
    return np.take_along_axis(x, order, dim), order


def middle(x, dim):
    x = np.atleast_1d(x)
    place = np.argsort(x, dim).take((x.shape[dim] - 1) // 2, dim)
    return np.take_along_axis(x, np.expand_dims(place, dim), dim).squeeze(dim), place


def cumulative(x, dim, extreme):
    values = extreme.accumulate(np.atleast_1d(x), dim).reshape(x.shape)
    last = [max(k for k in range(n + 1) if line[k] == best[n]) for line, best in lines(x, values, dim) for n in range(len(line))]
    return values, np.moveaxis(np.reshape(last, np.moveaxis(np.atleast_1d(x), dim, -1).shape), -1, dim).reshape(x.shape)


def lines(x, y, dim):
    x, y = (np.moveaxis(np.atleast_1d(each), dim, -1) for each in (x, y))
    return zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), strict=True)


row("sort", [*WHOLE, f(0, 2), f(2, 0)], lambda x: (one(np.sort)(x), one(np.argsort)(x)))
row("sort dim", ALONG, lambda x, dim: (one(np.sort)(x, dim), one(np.argsort)(x, dim)))
row("sort descending", [f(2, 3), f(4)], lambda x: largest(x, x.shape[-1]), descending=True, stable=True)
row("argsort", WHOLE, one(np.argsort), gradient=False)
row("argsort descending", [f(2, 3)], lambda x: largest(x, 3)[1], descending=True, gradient=False)
row("msort", [f(2, 3), f(3), f(3, 2, 2)], lambda x: np.sort(x, 0))
row("topk", [(wide(2, 3), 2), (wide(5), 3), (wide(2, 3), 1, 0), (wide(2, 3), 0)], largest)
row("topk smallest", [(wide(2, 3), 2)], lambda x, k: [-largest(-x, k)[0], largest(-x, k)[1]], largest=False)
row("median", [f(2, 3), f(4), f(), f(1)], lambda x: np.sort(x, None)[(x.size - 1) // 2])
row("median dim", [*ALONG, (f(4, 2), 0)], middle)
row("median keepdim", [(f(4, 2), 0)], lambda x, dim: [each[None] for each in middle(x, dim)], keepdim=True)
row("nanmedian", [f(2, 3), f(4)], lambda x: np.sort(x, None)[(x.size - 1) // 2])
row("nanmedian nan", [HOLES], lambda x: np.float64(1.5), gradient=False)
row("nanmedian dim", [(f(4, 2), 0)], middle)
row("quantile", [(f(2, 3), 0.3), (f(4), 0.5), (f(), 0.2)], np.quantile, halves=False)
row("quantile several", [(f(2, 3), f(4, low=0.0, high=1.0), 1), (f(3, 2), f(1, low=0.0, high=1.0), 0)],
    lambda x, q, dim: np.quantile(x, q, dim), halves=False)  # fmt: skip
row("quantile keepdim", [(f(2, 3), 0.4, 1), (f(2, 3), 0.4)], lambda x, q, dim=None: np.quantile(x, q, dim, keepdims=True), keepdim=True,
    halves=False)  # fmt: skip

row("cumprod", [*ALONG, (f(0, 2), 0), (f(2, 0), 1)], lambda x, dim: one(np.cumprod)(x, dim))
row("cumsum dtype", [(f(2, 3), 0)], lambda x, dim: np.cumsum(np.float32(x), dim), lambda T, x, dim: T.cumsum(x, dim, dtype=T.float32),
    single=True)  # fmt: skip
row("cumprod dtype", [(f(2, 3), 0)], lambda x, dim: np.cumprod(np.float32(x), dim), lambda T, x, dim: T.cumprod(x, dim, dtype=T.float32),
    single=True)  # fmt: skip
row("cummax", ALONG, lambda x, dim: cumulative(x, dim, np.maximum))
row("cummin", ALONG, lambda x, dim: cumulative(x, dim, np.minimum))
row("cummax ties", [(i(3, 4), 1)], lambda x, dim: cumulative(x, dim, np.maximum), lambda T, x, dim: T.cummax(x, dim))
row("diff", [f(2, 3), f(4), f(0), f(1)], np.diff)
row("diff n dim", [(f(3, 4), 2, 0), (f(4), 3, -1), (f(2, 2), 5, 1), (f(2), 0, 0)], lambda x, n, dim: np.diff(x, n, dim))
row("diff ends", [(f(2, 3), f(2, 1), f(2, 2))], lambda x, y, z: np.diff(x, prepend=y, append=z),
    lambda T, x, y, z: T.diff(x, prepend=y, append=z))  # fmt: skip

row("nansum", [*WHOLE, f(0)], np.nansum)
row("nansum nan", [HOLES], np.nansum, gradient=False)
row("nansum dim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], along(np.nansum, keepdims=True), keepdim=True)
row("nanmean", [f(2, 3), f()], np.nanmean)
row("nanmean nan", [(HOLES, 1)], np.nanmean, gradient=False)
row("aminmax", [f(2, 3), f()], lambda x: (x.min(), x.max()))
row("aminmax dim", [f(2, 3)], lambda x: (x.min(1), x.max(1)), dim=1)
row("var_mean", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], lambda x, dim: (np.var(x, dim, ddof=1), np.mean(x, dim)))
row("var_mean correction", [f(2, 3)], lambda x: (np.var(x), np.mean(x)), correction=0)
row("std_mean", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], lambda x, dim: (np.std(x, dim, ddof=1), np.mean(x, dim)))
row("prod dtype", [f(2, 3)], lambda x: np.float32(x).prod(), lambda T, x: T.prod(x, dtype=T.float32), single=True)
row("prod of zeros", [(f(2, 3), 0), (f(2, 3), 1)], lambda x, dim: np.prod(x - x[:1, :1], dim), lambda T, x, dim: T.prod(x - x[:1, :1], dim))
row("norm powers", [(f(2, 3), p) for p in (0.5, -1, 3, -float("inf"))], lambda x, p: np.linalg.norm(x.ravel(), p))
row("norm zero", [(f(2, 3), 0)], lambda x, p: np.float64(x.size), gradient=False)
row("norm dtype", [f(2, 3)], np.linalg.norm, lambda T, x: T.norm(x.float(), dtype=T.float64), single=True)
row("dist", [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (f(), f())], lambda x, y: np.sqrt(((x - y) ** 2).sum()))
row("dist p", [(f(2, 3), f(2, 3), p) for p in (1, 3, float("inf"))], lambda x, y, p: np.linalg.norm((x - y).ravel(), p))

row("nonzero", [b(2, 3), i(4), b(0), b(), f(2)], np.argwhere, gradient=False)
row("nonzero tuple", [b(2, 3), i(4)], np.nonzero, lambda T, x: T.nonzero(x, as_tuple=True), gradient=False)
row("where alone", [b(2, 3)], np.nonzero, gradient=False)
row("argwhere", [b(2, 3), b()], np.argwhere, gradient=False)
row("count_nonzero", [b(2, 3), i(4), b(), f(2)], lambda x: np.sum(x != 0), gradient=False)
row("count_nonzero dim", [(i(2, 3), 1), (i(2, 3), (0, 1))], np.count_nonzero, gradient=False)
row("bincount", [i(5), i(0), i(1)], np.bincount, gradient=False)
row("bincount weights", [(i(3), f(3))], np.bincount, minlength=5, gradient=False,
    call=lambda T, x, w: T.bincount(x, w))  # fmt: skip
row("bincount length", [i(4)], lambda x: np.bincount(x, minlength=6), minlength=6, gradient=False)
row("isin", [(i(2, 3), i(2)), (f(3), i(3)), (i(2), 1)], np.isin, gradient=False)
row("isin invert", [(i(2, 3), i(2))], lambda x, y: np.isin(x, y, invert=True), invert=True, gradient=False)
row("unique", [i(2, 3), f(4), i(), i(0)], np.unique, gradient=False)
row("unique all", [i(2, 3)], lambda x: np.unique(x, False, True, True), return_inverse=True, return_counts=True, gradient=False)
row("unique dim", [(i(4, 2, high=2), 0), (i(2, 5, high=2), 1)], lambda x, dim: np.unique(x, axis=dim),
    lambda T, x, dim: T.unique(x, dim=dim), gradient=False)  # fmt: skip
row("unique_consecutive", [i(6, high=2), i(2, 3), f(3), i(0)],
    lambda x: np.array([v for n, v in enumerate(x.ravel()) if not n or v != x.ravel()[n - 1]], x.dtype), gradient=False)  # fmt: skip

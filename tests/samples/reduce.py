"""Sums, means, extremes."""

import numpy as np
from scipy import special

from tests.samples.table import b, f, i, row

WHOLE = [f(2, 3), f(), f(1), f(2, 1, 2)]
ALONG = [(f(2, 3), 0), (f(2, 3), -1), (f(2, 3, 2), 1), (f(3), 0), (f(), 0)]
SEVERAL = [(f(2, 3, 2), (0, 2)), (f(2, 3), (0, 1)), (f(2, 3), (-1,)), (f(2, 3), ()), *ALONG[:3]]


def kept(name):
    """The call with keepdim, for the row below that of `name`."""
    return lambda T, x, dim: getattr(T, name)(x, dim, keepdim=True)


def axis(dim):
    return dim if dim != () else None


def along(function, **options):
    """NumPy's function with `axis`, for tensors of no dimension too."""
    return lambda x, dim: function(x if x.ndim else x.reshape(1), axis=axis(dim), **options)


row("sum", [*WHOLE, f(0, 2)], np.sum)
row("sum dim", SEVERAL, along(np.sum), lambda T, x, dim: T.sum(x, dim))
row("sum keepdim", SEVERAL[:4], along(np.sum, keepdims=True), kept("sum"))
row("sum dtype", [f(2, 3)], lambda x: np.float32(x).sum(), lambda T, x: T.sum(x, dtype=T.float32), single=True)
row("mean", WHOLE, np.mean)
row("mean dim", SEVERAL, along(np.mean), lambda T, x, dim: T.mean(x, dim))
row("mean keepdim", SEVERAL[:4], along(np.mean, keepdims=True), kept("mean"))
row("var", [f(2, 3), f(4), f(2, 1, 2)], lambda x: np.var(x, ddof=1))
row("var dim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], along(np.var, ddof=1), lambda T, x, dim: T.var(x, dim))
row("var correction", [(f(2, 3), 1, 0), (f(3, 2), 0, 2)], lambda x, dim, c: np.var(x, axis=dim, ddof=c), lambda T, x, dim, c: T.var(x, dim, correction=c))
row("var biased", [(f(2, 3), 1)], along(np.var), lambda T, x, dim: T.var(x, dim, unbiased=False))
row("std", [f(2, 3), f(4)], lambda x: np.std(x, ddof=1))
row("std keepdim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], along(np.std, ddof=1, keepdims=True), kept("std"))
row("prod", [*WHOLE, f(0)], np.prod)
row("prod dim", ALONG, along(np.prod), lambda T, x, dim: T.prod(x, dim))
row("prod keepdim", ALONG[:4], along(np.prod, keepdims=True), kept("prod"))
row("amax", SEVERAL, along(np.max))
row("amin", SEVERAL, along(np.min))
row("amax keepdim", SEVERAL[:4], along(np.max, keepdims=True), kept("amax"))
row("max", WHOLE, np.max)
row("min", WHOLE, np.min)
row("max dim", ALONG, lambda x, dim: (along(np.max)(x, dim), along(np.argmax)(x, dim)), lambda T, x, dim: T.max(x, dim))
row("min dim", ALONG, lambda x, dim: (along(np.min)(x, dim), along(np.argmin)(x, dim)), lambda T, x, dim: T.min(x, dim))
row("max keepdim", ALONG[:3], lambda x, dim: (np.max(x, dim, keepdims=True), np.argmax(x, dim, keepdims=True)), kept("max"))
row("max of two", [(f(2, 3), f(3))], np.maximum, lambda T, x, y: T.max(x, y))
row("min of two", [(f(2, 3), f(3))], np.minimum, lambda T, x, y: T.min(x, y))
row("argmax", WHOLE, np.argmax, gradient=False)
row("argmin", WHOLE, np.argmin, gradient=False)
row("argmax dim", ALONG, along(np.argmax), lambda T, x, dim: T.argmax(x, dim), gradient=False)
row("argmin keepdim", ALONG[:4], along(np.argmin, keepdims=True), kept("argmin"), gradient=False)
row("all", [b(2, 3), b(0), i(3), f(2)], np.all, gradient=False)
row("any", [b(2, 3), b(0), i(3), f(2)], np.any, gradient=False)
row("all dim", [(b(2, 3), 0), (b(2, 3), (0, 1)), (i(2, 3), -1)], along(np.all), lambda T, x, dim: T.all(x, dim), gradient=False)
row("any keepdim", [(b(2, 3), 0), (b(2, 3), (0, 1)), (i(2, 3), -1)], along(np.any, keepdims=True), kept("any"), gradient=False)
row("cumsum", [*ALONG, (f(0, 2), 0)], lambda x, dim: np.cumsum(x, axis=dim).reshape(x.shape) if x.ndim else x)
row("logsumexp", SEVERAL[:3] + ALONG, lambda x, dim: special.logsumexp(x, axis=dim) if x.ndim else x)
row("logsumexp keepdim", ALONG[:3], lambda x, dim: special.logsumexp(x, axis=dim, keepdims=True), kept("logsumexp"))
row("norm", [f(2, 3), f(4)], lambda x: np.sqrt((x * x).sum()))
row("norm p", [(f(2, 3), 1), (f(2, 3), 2), (f(2, 3), 3), (f(4), float("inf")), (f(2, 3), "fro")], lambda x, p: np.linalg.norm(x.ravel(), 2 if p == "fro" else p), lambda T, x, p: T.norm(x, p))
row("norm dim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], lambda x, dim: np.sqrt((x * x).sum(dim)), lambda T, x, dim: T.norm(x, dim=dim))
row("norm p dim", [(f(2, 3), 3, 1), (f(2, 3), 1, 0), (f(2, 3), float("inf"), 1)], lambda x, p, dim: np.linalg.norm(x, p, dim), lambda T, x, p, dim: T.norm(x, p, dim, keepdim=False))

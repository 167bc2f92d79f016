"""Sums, means, extremes."""

import numpy as np
from scipy import special

from tests.samples.table import b, f, i, row

WHOLE = [f(2, 3), f(), f(1), f(2, 1, 2)]
ALONG = [(f(2, 3), 0), (f(2, 3), -1), (f(2, 3, 2), 1), (f(3), 0), (f(), 0)]
SEVERAL = [(f(2, 3, 2), (0, 2)), (f(2, 3), (0, 1)), (f(2, 3), (-1,)), (f(2, 3), ()), *ALONG[:3]]


def axis(dim):
    return dim if dim != () else None


def along(function, **options):
    """NumPy's function with `axis`, for tensors of no dimension too."""
    return lambda x, dim: function(x if x.ndim else x.reshape(1), axis=axis(dim), **options)


row("sum", [*WHOLE, f(0, 2)], np.sum)
row("sum dim", SEVERAL, along(np.sum))
row("sum keepdim", SEVERAL[:4], along(np.sum, keepdims=True), keepdim=True)
row("sum dtype", [f(2, 3)], lambda x: np.float32(x).sum(), lambda T, x: T.sum(x, dtype=T.float32), single=True)
row("mean", WHOLE, np.mean)
row("mean dim", SEVERAL, along(np.mean))
row("mean keepdim", SEVERAL[:4], along(np.mean, keepdims=True), keepdim=True)
row("var", [f(2, 3), f(4), f(2, 1, 2)], lambda x: np.var(x, ddof=1))
row("var dim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], along(np.var, ddof=1))
row("var correction", [(f(2, 3), 1), (f(3, 4), 0)], along(np.var, ddof=2), correction=2)
row("var biased", [(f(2, 3), 1)], along(np.var), unbiased=False)
row("std", [f(2, 3), f(4)], lambda x: np.std(x, ddof=1))
row("std keepdim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], along(np.std, ddof=1, keepdims=True), keepdim=True)
row("prod", [*WHOLE, f(0)], np.prod)
row("prod dim", ALONG, along(np.prod))
row("prod keepdim", ALONG[:4], along(np.prod, keepdims=True), keepdim=True)
row("amax", SEVERAL, along(np.max))
row("amin", SEVERAL, along(np.min))
row("amax keepdim", SEVERAL[:4], along(np.max, keepdims=True), keepdim=True)
row("max", WHOLE, np.max)
row("min", WHOLE, np.min)
row("max dim", ALONG, lambda x, dim: (along(np.max)(x, dim), along(np.argmax)(x, dim)))
row("min dim", ALONG, lambda x, dim: (along(np.min)(x, dim), along(np.argmin)(x, dim)))
row("max keepdim", ALONG[:3], lambda x, dim: (np.max(x, dim, keepdims=True), np.argmax(x, dim, keepdims=True)), keepdim=True)
row("max of two", [(f(2, 3), f(3))], np.maximum)
row("min of two", [(f(2, 3), f(3))], np.minimum)
row("argmax", WHOLE, np.argmax, gradient=False)
row("argmin", WHOLE, np.argmin, gradient=False)
row("argmax dim", ALONG, along(np.argmax), gradient=False)
row("argmin keepdim", ALONG[:4], along(np.argmin, keepdims=True), keepdim=True, gradient=False)
row("all", [b(2, 3), b(0), i(3), f(2)], np.all, gradient=False)
row("any", [b(2, 3), b(0), i(3), f(2)], np.any, gradient=False)
row("all dim", [(b(2, 3), 0), (b(2, 3), (0, 1)), (i(2, 3), -1)], along(np.all), gradient=False)
row("any keepdim", [(b(2, 3), 0), (b(2, 3), (0, 1)), (i(2, 3), -1)], along(np.any, keepdims=True), keepdim=True, gradient=False)
row("cumsum", [*ALONG, (f(0, 2), 0)], lambda x, dim: np.cumsum(x, axis=dim).reshape(x.shape) if x.ndim else x)
row("logsumexp", SEVERAL[:3] + ALONG, lambda x, dim: special.logsumexp(x, axis=dim) if x.ndim else x)
row("logsumexp keepdim", ALONG[:3], lambda x, dim: special.logsumexp(x, axis=dim, keepdims=True), keepdim=True)
row("norm", [f(2, 3), f(4)], lambda x: np.sqrt((x * x).sum()))
row("norm p", [(f(2, 3), 1), (f(2, 3), 2), (f(2, 3), 3), (f(4), float("inf"))], lambda x, p: np.linalg.norm(x.ravel(), p))
row("norm fro", [f(2, 3)], np.linalg.norm, p="fro")
row("norm dim", [(f(2, 3), 1), (f(2, 3, 2), (0, 2))], lambda x, dim: np.sqrt((x * x).sum(dim)), lambda T, x, dim: T.norm(x, dim=dim))
row("norm p dim", [(f(2, 3), 3, 1), (f(2, 3), 1, 0), (f(2, 3), float("inf"), 1)], np.linalg.norm)

"""Reading and writing by index; gather, scatter and the index_… functions."""

import numpy as np

from tests.samples.table import b, f, i, row

LINES = [(f(2, 3), 0, i(4, high=2)), (f(2, 3), -1, i(2)), (f(3), 0, i(0)), (f(2, 3, 2), 1, i(3))]
PLACES = [(f(2, 3), 0, i(4, 3, high=2), f(4, 3)), (f(3, 2), 0, i(2, 2), f(2, 2)), (f(2, 3), -1, i(1, 2), f(1, 2)), (f(3), 0, i(5), f(5))]
LARGER = [(f(3, 2), 0, i(2, 2), f(3, 2)), (f(2, 3), -1, i(1, 2), f(2, 3)), (f(3), 0, i(5), f(6))]  # PyTorch has no gradient there
ONE = np.array([[2, 0, 1], [1, 2, 0]])  # indices that do not come twice


def distinct(x, dim, index, y):
    out, places = x.copy(), np.indices(index.shape)
    places[dim] = index
    out[tuple(places)] = y[tuple(map(slice, index.shape))] if np.ndim(y) else y
    return out


def reduced(update, start=None):
    """The sum, product, … by a loop."""

    def function(x, dim, index, y):
        out, seen = x.copy(), set()
        for place in np.ndindex(*index.shape):
            target = list(place)
            target[dim] = index[place]
            target = tuple(target)
            first = start is not None and target not in seen
            out[target] = y[place] if first else update(out[target], y[place])
            seen.add(target)
        return out

    return function


def averaged(x, dim, index, y):
    count = reduced(lambda a, b: a + 1)(np.ones_like(x), dim, index, y)
    return reduced(np.add)(x, dim, index, y) / count


def added(x, dim, index, y, alpha=1):
    out = np.moveaxis(x.copy(), dim, 0)
    for place, each in zip(index, np.moveaxis(y, dim, 0), strict=True):
        out[place] += alpha * each
    return np.moveaxis(out, 0, dim)


def replaced(x, dim, index, y):
    out = np.moveaxis(x.copy(), dim, 0)
    out[index] = np.moveaxis(y, dim, 0) if np.ndim(y) else y
    return np.moveaxis(out, 0, dim)


def assigned(index):
    """`x[index] = y`, on a copy."""

    def call(T, x, y):
        x = x.clone()
        x[index] = y
        return x

    def expected(x, y):
        x = x.copy()
        x[index] = y
        return x

    return expected, call


MASK = np.array([[True, False, True], [False, True, False]])

# Reading: integers and slices select a view first, so x[0, :, [0, 1]] is x[0][:, [0, 1]]
row("x[0, :, i]", [(f(2, 3, 4), i(2, 3))], lambda x, k: x[0][:, k], lambda T, x, k: x[0, :, k])
row("x[i, :, j]", [(f(3, 2, 3), i(4), i(4))], lambda x, k, j: x[k, :, j], lambda T, x, k, j: x[k, :, j])
row("x[:, None, i]", [(f(2, 3), i(4))], lambda x, k: x[:, k][:, None], lambda T, x, k: x[:, None, k])
row("x[..., i]", [(f(2, 2, 3), i(4)), (f(3), i(2, 2))], lambda x, k: x[..., k], lambda T, x, k: x[..., k])
row("x[mask, i]", [(f(2, 3), i(1))], lambda x, k: x[[1], k], lambda T, x, k: x[T.tensor([False, True]), k])
row("x[i, mask]", [(f(3, 2, 3), i(3))], lambda x, k: x[k][(range(3), *MASK.nonzero())], lambda T, x, k: x[k, T.tensor(MASK)])
row("x[:, mask]", [f(2, 2, 3)], lambda x: x[:, MASK], lambda T, x: x[:, T.tensor(MASK)])
row("x[True]", [f(2, 3), f()], lambda x: x[None], lambda T, x: x[True])
row("x[:, False]", [f(2, 3)], lambda x: x[:, None][:, :0], lambda T, x: x[:, False])
row("x[-i]", [(f(3, 2), i(4, low=-3, high=0))], lambda x, k: x[k], lambda T, x, k: x[k])
row("x[[]]", [f(2, 3)], lambda x: x[:0], lambda T, x: x[[]])

# Writing
for name, index, values in (
    ("1", 1, [(f(2, 3), f(3)), (f(2, 3), f())]),
    (":, 1", (slice(None), 1), [(f(2, 3), f(2)), (f(2, 3), f(1))]),
    ("::2, None", (slice(None, None, 2), None), [(f(3, 2), f(2, 1, 2))]),
    ("[1, 0]", ([1, 0],), [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (f(2, 3), f())]),
    (":, [2, 0]", (slice(None), [2, 0]), [(f(2, 3), f(2, 2)), (f(2, 3), f(2, 1))]),
    ("mask", MASK, [(f(2, 3), f(3)), (f(2, 3), f())]),
):
    expected, call = assigned(index)
    row(f"x[{name}] = y", values, expected, call)

row("index_put", [(f(2, 3), f(2))], lambda x, y: assigned(([0, 1], [2, 0]))[0](x, y),
    lambda T, x, y: T.index_put(x, (T.tensor([0, 1]), T.tensor([2, 0])), y))  # fmt: skip
row("index_put accumulate", [(f(2, 3), f(3)), (f(2, 3), f(1))], lambda x, y: added(x, 0, [1, 1], np.stack([y + np.zeros(3)] * 2)),
    lambda T, x, y: x.index_put((T.tensor([1, 1]),), y, accumulate=True))  # fmt: skip
row("masked_select", [(f(2, 3), b(2, 3)), (f(2, 3), b(3)), (f(3), b(2, 1)), (f(), b())], lambda x, m: (x + 0 * m)[m | (x != x)])
row("take", [(f(2, 3), i(2, 2, low=-6, high=6)), (f(3), i()), (f(2), i(0))], np.take)
row("take_along_dim", [(f(2, 3), i(2, 3), 1), (f(3, 1), i(4, 2), 0), (f(1, 3), i(2, 2), -1)], np.take_along_axis)
row("take_along_dim broadcast", [(f(3, 2), i(4, 1), 0)], lambda x, k, dim: x[k.ravel()])
row("take_along_dim flat", [(f(2, 3), i(4, high=6))], lambda x, k: x.ravel()[k])
row("gather 0-d", [(f(), 0, i(2, high=1)), (f(3), 0, i()), (f(), -1, i(high=1))], lambda x, dim, k: np.atleast_1d(x)[k])
row("index_select 0-d", [(f(), 0, i(1, high=1)), (f(), 0, i(high=1))], lambda x, dim, k: x)
row("index_add 0-d", [(f(), 0, i(1, high=1), f()), (f(), -1, i(high=1), f())], lambda x, dim, k, y: x + y)
row("index_copy 0-d", [(f(), 0, i(1, high=1), f()), (f(), -1, i(high=1), f())], lambda x, dim, k, y: y)
row("index_fill 0-d", [(f(), 0, i(1, high=1), 3.0)], lambda x, dim, k, y: np.array(3.0))
row("index_add", [(*each, f(*shape)) for each, shape in zip(LINES, ((4, 3), (2, 2), (0,), (2, 3, 2)), strict=True)], added)
row("index_add alpha", [(f(2, 3), 1, i(2), f(2, 2))], lambda *args: added(*args, alpha=-2), alpha=-2)
row("index_copy", [(f(2, 3), 1, np.array([2, 0]), f(2, 2)), (f(3), 0, np.array([1]), f(1))], replaced)
row("index_fill", [(*each, 0.5) for each in LINES], replaced)
row("index_fill tensor", [(f(2, 3), 1, i(2), f())], replaced)
row("scatter", [(f(2, 3), 1, ONE, f(2, 3)), (f(3, 3), 0, ONE, f(2, 3)), (f(3), 0, np.array([2, 0]), f(2))], distinct)
row("scatter larger", [(f(3, 3), 0, ONE, f(2, 4)), (f(3), 0, np.array([2, 0]), f(3))], distinct, gradient=False)
row("scatter number", [(f(2, 3), 1, ONE[:1, :2], 0.5), (f(2, 3), -1, i(2, 2), 2)], distinct)
row("scatter value", [(f(2, 3), 1, i(2, 2))], lambda x, dim, k: distinct(x, dim, k, 1.5), value=1.5)
row("scatter add", [(f(2, 3), 0, i(4, 3, high=2), 0.5)], lambda x, dim, k, y: reduced(np.add)(x, dim, k, y + 0 * k), reduce="add",
    gradient=False)  # fmt: skip
row("scatter_add", [*PLACES, (f(), 0, i(2, high=1), f(2))],
    lambda x, *rest: reduced(np.add)(np.atleast_1d(x), *rest).reshape(x.shape))  # fmt: skip
for name, update in (("prod", np.multiply), ("amax", np.maximum), ("amin", np.minimum), ("sum", np.add)):
    row(f"scatter_reduce {name}", PLACES, reduced(update), reduce=name)
    row(f"scatter_reduce {name} alone", PLACES, reduced(update, start=True), reduce=name, include_self=False)
row("scatter_add larger", LARGER, reduced(np.add), gradient=False)
row("scatter_reduce larger", LARGER, reduced(np.maximum), reduce="amax", gradient=False)
row("scatter_reduce mean", PLACES, averaged, reduce="mean")

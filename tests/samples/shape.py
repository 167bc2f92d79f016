"""Rearranging, joining and picking elements; matrix products."""

import numpy as np

from tests.samples.table import b, f, i, row

MATRICES = [f(2, 3), f(1, 2), f(3, 1), f(0, 2)]


def expanded(x, shape):
    return np.broadcast_to(x, [x.shape[place - len(shape)] if n == -1 else n for place, n in enumerate(shape)])


def gathered(x, dim, index):
    places = np.indices(index.shape)
    places[dim] = index
    return x[tuple(places)]


row("reshape", [(f(2, 3), (3, 2)), (f(2, 3), (-1,)), (f(), (1, 1)), (f(1), ()), (f(0, 2), (2, 0)), (f(2, 3, 2), (2, -1))], np.reshape)
row("view", [(f(2, 3), (3, 2)), (f(2, 3), (-1,)), (f(), (1,))], np.reshape, lambda T, x, shape: x.view(*shape), any_layout=False)
row("permute", [(f(2, 3, 4), (2, 0, 1)), (f(2, 3), (-1, 0)), (f(), ())], np.transpose)
row("transpose", [(f(2, 3), 0, 1), (f(2, 3, 2), -1, 0), (f(3), 0, 0), (f(), 0, -1)], lambda x, a, b: x.swapaxes(a, b) if x.ndim else x)
row("t", [*MATRICES, f(3), f()], np.transpose)
row("T", [f(2, 3)], np.transpose, lambda T, x: x.T)
row("mT", [f(2, 3), f(2, 3, 4)], lambda x: x.swapaxes(-1, -2), lambda T, x: x.mT)
row("movedim", [(f(2, 3, 4), 0, 2), (f(2, 3, 4), (0, 1), (2, 0)), (f(2, 3, 4), -1, 0)], np.moveaxis)
row("expand", [(f(2, 1), (2, 3)), (f(3), (2, -1)), (f(), (2, 2)), (f(1, 1), (2, 0))], expanded, lambda T, x, shape: x.expand(*shape))
row("broadcast_to", [(f(2, 1), (2, 3)), (f(), (2,)), (f(3), (2, 3))], np.broadcast_to)
row("squeeze", [f(1, 2, 1), f(2), f(1), f()], np.squeeze)
row("squeeze dim", [(f(1, 2, 1), 0), (f(1, 2, 1), -1)], np.squeeze)
row("squeeze nothing", [(f(2), 0), (f(), 0)], lambda x, dim: x)
row("unsqueeze", [(f(2, 3), 0), (f(2, 3), -1), (f(2, 3), 1), (f(), 0)], np.expand_dims)
row("flatten", [f(2, 3), f(2, 3, 2), f(), f(0, 2)], np.ravel)
row("flatten dims", [(f(2, 3, 2), 1, 2), (f(2, 3, 2, 1), 1, -2)], lambda x, a, b: x.reshape(*x.shape[:a], -1, *x.shape[b % x.ndim + 1 :]))
row("clone", [f(2, 3), f(), f(0)], np.copy)
row("contiguous", [f(2, 3)], np.transpose, lambda T, x: x.t().contiguous())
row("flip", [(f(2, 3), (0,)), (f(2, 3), (0, -1)), (f(3), (0,))], np.flip)
row("roll", [(f(2, 3), 1, 1), (f(2, 3), (1, -1), (0, 1)), (f(4), 6, 0)], np.roll)
row("roll flat", [(f(2, 3), 2)], np.roll)
row("tril", [f(3, 3), f(2, 3), f(2, 3, 3)], np.tril)
row("triu", [f(3, 3), f(2, 3), f(2, 3, 3)], np.triu)
row("triu diagonal", [(f(3, 3), 1), (f(3, 4), -1)], np.triu)
row("tril diagonal", [(f(3, 3), 1), (f(3, 4), -1)], np.tril, lambda T, x, k: T.tril(x, diagonal=k))
row("cat", [(f(2, 3), f(1, 3)), (f(0, 2), f(1, 2))], lambda x, y: np.concatenate([x, y]), lambda T, x, y: T.cat([x, y]))
row("cat dim", [(f(2, 1), f(2, 3))], lambda x, y: np.concatenate([x, y], -1), lambda T, x, y: T.cat((x, y), -1))
row("cat thrice", [f(2)], lambda x: np.concatenate([x, x, x]), lambda T, x: T.cat((x, x, x)))
row("concat", [(f(1), f(2))], lambda x, y: np.concatenate([x, y]), lambda T, x, y: T.concat([x, y]))
row("stack", [(f(2, 3), f(2, 3)), (f(), f())], lambda x, y: np.stack([x, y]), lambda T, x, y: T.stack([x, y]))
row("stack dim", [(f(2), f(2)), (f(2, 3), f(2, 3))], lambda x, y: np.stack([x, y], -1), lambda T, x, y: T.stack((x, y), -1))
row("split", [(f(5, 2), 2), (f(4), 2), (f(2), 3)], lambda x, n: np.split(x, range(n, len(x), n)))
row("split sizes", [(f(2, 5), [1, 0, 4], 1)], lambda x, sizes, dim: np.split(x, np.cumsum(sizes)[:-1], dim))
row("split_with_sizes", [(f(4, 2), [1, 3])], lambda x, sizes: np.split(x, np.cumsum(sizes)[:-1]))
row("chunk", [(f(5, 2), 2), (f(4), 3), (f(2), 5)], lambda x, n: np.split(x, range(-(-len(x) // n), len(x), -(-len(x) // n))))
row("unbind", [f(2, 3), f(3)], list)
row("unbind dim", [(f(2, 3), 1), (f(2, 3), -1)], lambda x, dim: list(np.moveaxis(x, dim, 0)))
row("tile", [(f(2, 3), (2,)), (f(2), (2, 3)), (f(), (2,)), (f(2, 3), (1, 2))], np.tile)
row("repeat", [(f(2, 3), (2, 1)), (f(2), (2, 3)), (f(2), (0,))], np.tile, lambda T, x, sizes: x.repeat(*sizes))
row("to", [f(2, 3)], np.float32, lambda T, x: x.to(T.float32), single=True)
row("double", [f(2, 3)], np.copy, lambda T, x: x.double())

# Picking and writing
row("x[1]", [f(2, 3), f(3)], lambda x: x[1], lambda T, x: x[1])
row("x[-1, 1:]", [f(2, 3)], lambda x: x[-1, 1:], lambda T, x: x[-1, 1:])
row("x[..., None, ::2]", [f(2, 3)], lambda x: x[..., None, ::2], lambda T, x: x[..., None, ::2])
row("x[[0, 0, 1]]", [f(2, 3)], lambda x: x[[0, 0, 1]], lambda T, x: x[[0, 0, 1]])
row("x[i, j]", [(f(2, 3), i(4, high=2), i(4)), (f(2, 3), i(2, 1, high=2), i(3))], lambda x, k, j: x[k, j], lambda T, x, k, j: x[k, j])
row("x[:, j]", [(f(2, 3), i(2, 2))], lambda x, j: x[:, j], lambda T, x, j: x[:, j])
row("x[mask]", [(f(2, 3), b(2, 3)), (f(2, 3), b(2))], lambda x, mask: x[mask], lambda T, x, mask: x[mask])
row("masked_fill", [(f(2, 3), b(2, 3), 0.5), (f(2, 3), b(3), -1), (f(3), b(2, 1), 2.0)], lambda x, mask, v: np.where(mask, v, x))
row("masked_fill tensor", [(f(2, 3), b(2, 3), f())], lambda x, mask, v: np.where(mask, v, x))
row("gather", [(f(2, 3), 1, i(2, 2)), (f(3, 2), 0, i(2, 2)), (f(3), -1, i(5))], gathered)
row("index_select", [(f(2, 3), 1, i(4)), (f(3, 2), 0, i(2)), (f(3), 0, i(0))], lambda x, dim, k: np.take(x, k, dim))

# Products
row("matmul", [(f(2, 3), f(3, 2)), (f(3), f(3)), (f(2, 3), f(3)), (f(3), f(3, 2)), (f(0, 3), f(3, 2))], np.matmul)
row("matmul of a column and a row", [(f(3, 1), f(1, 2)), (f(1), f(1, 2)), (f(2, 1, 2, 1), f(3, 1, 2))], np.matmul)
row("matmul batched", [(f(2, 2, 3), f(3, 2)), (f(2, 1, 2, 3), f(3, 3, 2)), (f(3), f(2, 3, 2)), (f(2, 2, 3), f(3))], np.matmul)
row("x @ y", [(f(2, 3), f(3, 2))], np.matmul, lambda T, x, y: x @ y)
row("mm", [(f(2, 3), f(3, 2)), (f(2, 0), f(0, 2))], np.matmul)
row("bmm", [(f(2, 2, 3), f(2, 3, 1))], np.matmul)
row("mv", [(f(2, 3), f(3))], np.matmul)
row("dot", [(f(3), f(3)), (f(0), f(0))], np.dot)
row("outer", [(f(3), f(2)), (f(1), f(2))], np.outer)
row("addmm", [(f(2, 2), f(2, 3), f(3, 2)), (f(2), f(2, 3), f(3, 2))], lambda x, y, z: x + y @ z)
row("addmm scaled", [(f(2, 2), f(2, 3), f(3, 2))], lambda x, y, z: 3 * x + 2 * (y @ z), beta=3, alpha=2)

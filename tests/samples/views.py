"""More ways to rearrange, join and cut; diagonals; padding."""

import numpy as np

from tests.samples.table import f, i, row


def in_list(function):
    """`function` of one list, as a function of its tensors."""
    return lambda *tensors: function(list(tensors))


def joined(name):
    return lambda T, *tensors: getattr(T, name)(list(tensors))


def windows(x, dim, size, step):
    cuts = [x.take(range(start, start + size), dim) for start in range(0, x.shape[dim] - size + 1, step)]
    return np.moveaxis(np.stack(cuts, dim % x.ndim), dim % x.ndim + 1, -1)


def embedded(x, offset=0, dim1=-2, dim2=-1):
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n))
    for place in range(x.shape[-1]):
        out[..., place + max(-offset, 0), place + max(offset, 0)] = x[..., place]
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def padded(x, pad, value=0):
    """Negative padding cuts off."""
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[-1::-2], strict=True))
    x = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], constant_values=value)
    return x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))]


# One tensor in another form
row("ravel", [f(2, 3), f(), f(0, 2)], np.ravel)
row("unflatten", [(f(6), 0, (2, 3)), (f(2, 4), -1, (2, -1)), (f(0, 2), 1, (2, 1))], lambda x, d, s: np.stack(
    [each.reshape(s) for each in x.reshape(-1, x.shape[d])]).reshape(*x.shape[:d % x.ndim], *s) if x.size else x.reshape(0, 2, 1),
    any_layout=False)  # fmt: skip
row("swapaxes", [(f(2, 3, 4), 0, -1), (f(2, 3), 0, 1)], np.swapaxes)
row("moveaxis", [(f(2, 3, 4), 0, 2), (f(2, 3, 4), (0, -1), (1, 0))], np.moveaxis)
row("movedim back", [(f(2, 3, 4), -1, -2)], np.moveaxis, lambda T, x, a, b: T.movedim(x, a, b))
row("fliplr", [f(2, 3), f(1, 2, 2)], np.fliplr)
row("flipud", [f(2, 3), f(3)], np.flipud)
row("rot90", [(f(2, 3), k) for k in (-1, 0, 1, 2, 3, 4, 5)] + [(f(2, 3, 2), 1, (1, 2)), (f(2, 3, 2), 3, (-1, 0))], np.rot90)
row("atleast_1d", [f(), f(2), f(2, 3)], np.atleast_1d)
row("atleast_2d", [f(), f(2), f(2, 3), f(1, 2, 2)], np.atleast_2d)
row("atleast_3d", [f(), f(2), f(2, 3), f(1, 2, 2), f(1, 1, 2, 1)], np.atleast_3d)
row("atleast_1d of several", [(f(), f(2))], lambda x, y: [np.atleast_1d(x), y], lambda T, x, y: T.atleast_1d(x, y))
row("broadcast_to size", [(f(2, 1), (3, 2, 2))], np.broadcast_to)
row("contiguous already", [f(2, 3), f()], np.copy, lambda T, x: x.contiguous())
row("constant_pad_nd", [(f(2, 3), (1, 2)), (f(2, 3), (1, 0, -1, 2), 0.5), (f(3), (-1, -1)), (f(2), (0, 0)), (f(0), (1, 1))], padded)
row("fill", [(f(2, 3), 1.5), (f(), 2), (f(0, 2), 1)], np.full_like)
row("fill tensor", [(f(2, 3), f()), (f(2), f())], np.full_like, integers=False)
row("roll list", [(f(2, 3), [1, 2], [0, -1])], np.roll)
row("repeat more", [(f(2, 3), (2, 1, 2)), (f(), (2, 2)), (f(), ()), (f(0, 2), (2, 2))], np.tile, lambda T, x, sizes: x.repeat(sizes))
row("repeat_interleave", [(f(2, 3), 2), (f(3), 0), (f(), 2)], np.repeat)
row("repeat_interleave dim", [(f(2, 3), 2, 1), (f(2, 3), i(2), 0), (f(2, 3), i(1), -1)], np.repeat)
row("repeat_interleave counts", [i(4)], lambda n: np.repeat(np.arange(len(n)), n), gradient=False)

# Windows, slices and diagonals: views
row("select", [(f(2, 3), 0, 1), (f(2, 3), -1, -2), (f(3), 0, 0)], lambda x, dim, k: np.take(x, k, dim))
row("narrow", [(f(2, 5), 1, 1, 3), (f(3, 2), 0, -2, 1), (f(3), 0, 3, 0)], lambda x, dim, start, n: np.take(x, range(start, start + n), dim))
row("x.unfold", [(f(5), 0, 2, 1), (f(5, 2), 0, 3, 2), (f(2, 4), -1, 2, 3)], windows, lambda T, x, *rest: x.unfold(*rest))
row("diagonal", [(f(2, 3),), (f(3, 3), 1), (f(3, 2), -1), (f(2, 2), 5), (f(2, 3, 3), 0, 1, 2), (f(2, 3, 2), 1, -1, 0)], np.diagonal)
row("diag", [f(3), (f(2), 1), (f(2), -2), f(2, 3), (f(3, 3), -1), f(0)], np.diag)
row("diag_embed", [f(3), f(2, 2), (f(2), 1), (f(2, 2), -1), (f(2, 3), 0, 0, 2), (f(2, 2), 1, -1, 0)], embedded)
row("diagflat", [f(3), f(2, 2), (f(2), 1), (f(), -1)], np.diagflat)

# Joining
ONES, ROWS, MATRICES = (f(2), f(3)), (f(3), f(3)), (f(2, 3), f(2, 3))
row("hstack", [ONES, MATRICES, (f(), f()), (f(2, 1), f(2, 2))], in_list(np.hstack), joined("hstack"))
row("vstack", [ROWS, MATRICES, (f(), f()), (f(1, 2), f(2))], in_list(np.vstack), joined("vstack"))
row("dstack", [ROWS, MATRICES, (f(), f())], in_list(np.dstack), joined("dstack"))
row("column_stack", [ROWS, (f(2), f(2, 2)), (f(), f())], in_list(np.column_stack), joined("column_stack"))
row("cat of nothing", [(f(0), f(2, 3))], lambda x, y: y, lambda T, x, y: T.cat([x.detach(), y], 1))
row("cat types", [(i(2), f(3))], in_list(np.concatenate), joined("cat"))
row("stack types", [(i(2), f(2))], in_list(np.stack), joined("stack"))
row("broadcast_tensors", [(f(2, 1), f(3)), (f(), f(2)), (f(2),)], lambda *x: np.broadcast_arrays(*x))
row("meshgrid", [(f(2), f(3)), (f(2), f(), f(1))], lambda *x: np.meshgrid(*x, indexing="ij"), indexing="ij")
row("meshgrid xy", [(f(2), f(3)), (f(2),), (f(2), f(1), f(3))], np.meshgrid, indexing="xy")

# Cutting
row("tensor_split", [(f(5, 2), 2), (f(2, 5), 3, 1), (f(2), 4), (f(5), [1, 3]), (f(5), (2, 1)), (f(3, 2), [-1])], np.array_split)
row("hsplit", [(f(2, 4), 2), (f(4), 2), (f(2, 3), [1])], np.hsplit)
row("vsplit", [(f(4, 2), 2), (f(3, 2), [2])], np.vsplit)
row("dsplit", [(f(1, 2, 4), 2), (f(1, 1, 3), [1, 2])], np.dsplit)
row("split of which one is used", [f(5, 2)], lambda x: x[2:4], lambda T, x: x.split(2)[1])
row("unbind of which one is used", [f(2, 3)], lambda x: x[:, 2], lambda T, x: x.unbind(1)[2])

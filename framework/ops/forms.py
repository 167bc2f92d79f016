"""Rearranging by the names that NumPy has for it: short ways to say what the ops of `shape.py` do."""

from math import prod

import numpy as np

from ..autograd.variable import Variable
from ..device import array_module
from ..size import as_one, broadcast_shapes
from .promotion import expect
from .scatter import index_select
from .shape import along, at_least, cat, clone, distinct, expand, flatten, flip, normalize, repeat, reshape, transpose, unsqueeze, view

ravel = flatten  # all elements in one dimension


def swapaxes(input, axis0, axis1):
    """Two dimensions exchanged."""
    return transpose(input, axis0, axis1)


def unflatten(input, dim, sizes):
    """The dimension `dim` as several, of the given sizes; one of them may be -1."""
    dim = normalize(dim, input.ndim)
    rest = input.shape[dim] // max(-prod(sizes), 1)  # here, for `view` could not tell it where another dimension is empty
    full = [rest if each == -1 else each for each in sizes]
    if not full or prod(full) != input.shape[dim]:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({input.shape[dim]})")
    return view(input, (*input.shape[:dim], *full, *input.shape[dim + 1 :]))


def fliplr(input):
    """The columns in reverse order."""
    return flip(at_least(2, input, "fliplr"), (1,))


def flipud(input):
    """The rows in reverse order."""
    return flip(at_least(1, input, "flipud"), (0,))


def rot90(input, k=1, dims=(0, 1)):
    """`input` turned by `k` right angles in the plane of two dimensions, from the first towards the second."""
    expect(len(dims) == 2, f"expected total rotation dims == 2, but got dims = {len(dims)}")
    first, second = distinct(dims, at_least(2, input, "rot90").ndim)
    if k % 2 == 0:
        return flip(input, (first, second)) if k % 4 else clone(input)
    return flip(transpose(input, first, second), (first if k % 4 == 1 else second,))


def select(input, dim, index):
    """The slice number `index` of `input` along `dim`, without that dimension: a view."""
    return input[along(normalize(dim, input.ndim), int(index))]


def narrow(input, dim, start, length):
    """The `length` slices of `input` along `dim` from number `start` on: a view."""
    dim, start = normalize(dim, at_least(1, input, "narrow").ndim), int(start)
    size = input.shape[dim]
    expect(-size <= start <= size, f"start out of range (expected to be in range of [{-size}, {size}], but got {start})", IndexError)
    start += size if start < 0 else 0
    expect(0 <= length <= size - start, f"narrow(): length ({length}) must be non-negative, start ({start}) + length at most {size}")
    return input[along(dim, slice(start, start + length))]


def tile(input, dims):
    """`input` repeated `dims[i]` times along dimension i, counted from the last."""
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each slice of `input` along `dim` (each element, if left out) `repeats` times: one number, or one for each.

    `repeat_interleave(counts)` alone gives the number i as often as `counts[i]` says.
    """
    module = array_module(input._array)
    if repeats is None:
        input, repeats = Variable.wrap(module.arange(len(input))), input
    input, dim = (flatten(input), 0) if dim is None else (input, normalize(dim, input.ndim))
    counts = np.asarray(repeats.tolist() if hasattr(repeats, "tolist") else repeats)
    if counts.size not in (1, input.shape[dim]) or (counts < 0).any():
        raise RuntimeError(f"repeats must be one or {input.shape[dim]} numbers that are not negative, but got {counts.tolist()}")
    return index_select(input, dim, Variable.wrap(module.asarray(np.repeat(np.arange(input.shape[dim]), counts))))


# Joining


def _at_least(ndim, places, docstring):
    def atleast(*tensors):
        if len(tensors) > 1 or isinstance(tensors[0], (list, tuple)):
            return tuple(atleast(each) for each in as_one(tensors))
        (out,) = tensors
        while out.ndim < ndim:
            out = unsqueeze(out, places[out.ndim])
        return out

    atleast.__name__, atleast.__doc__ = f"atleast_{ndim}d", docstring
    return atleast


atleast_1d = _at_least(1, (0,), "A number as a vector (1); tensors of more dimensions as they are.")
atleast_2d = _at_least(2, (0, 0), "Numbers and vectors as matrices (1, n); tensors of more dimensions as they are.")
atleast_3d = _at_least(3, (0, 0, 2), "A vector (n) as (1, n, 1), a matrix (m, n) as (m, n, 1); tensors of more dimensions as they are.")


def hstack(tensors):
    """Joined side by side: along dimension 1, vectors along their only one."""
    tensors = atleast_1d(tuple(tensors))
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def vstack(tensors):
    """Joined one above the other: along dimension 0, vectors as rows."""
    return cat(atleast_2d(tuple(tensors)), 0)


def dstack(tensors):
    """Joined one behind the other, along dimension 2."""
    return cat(atleast_3d(tuple(tensors)), 2)


def column_stack(tensors):
    """Joined side by side, vectors as columns."""
    return hstack([reshape(each, (-1, 1)) if each.ndim < 2 else each for each in tensors])


def broadcast_tensors(*tensors):
    """All of them expanded to the shape they have in common."""
    tensors = as_one(tensors)
    shape = broadcast_shapes(*(each.shape for each in tensors))
    return tuple(expand(each, shape) for each in tensors)


def meshgrid(*tensors, indexing="ij"):
    """The coordinates of a grid: of vectors of m and n elements, (m, n) tensors of the first and of the second ("xy": n rows)."""
    tensors = [atleast_1d(each) for each in as_one(tensors)]
    if indexing not in ("ij", "xy") or any(each.ndim > 1 for each in tensors):
        raise RuntimeError(f'meshgrid expects vectors and indexing "ij" or "xy", but got {len(tensors)} tensors and {indexing!r}')
    shape = [len(each) for each in tensors]
    grids = tuple(expand(reshape(each, (-1, *[1] * (len(shape) - 1 - i))), shape) for i, each in enumerate(tensors))
    return tuple(transpose(each, 0, 1) for each in grids) if indexing == "xy" and len(shape) > 1 else grids


# Cutting


def tensor_split(input, indices_or_sections, dim=0):
    """`input` cut along `dim` before the given indices, or into that many pieces as equal as can be."""
    dim, places = normalize(dim, at_least(1, input, "tensor_split").ndim), indices_or_sections
    places, length = places.tolist() if hasattr(places, "tolist") else places, input.shape[dim]
    if isinstance(places, int):
        expect(places > 0, f"number of sections must be larger than 0, got {places}")
        places = [length // places * i + min(i, length % places) for i in range(1, places)]
    return tuple(input[along(dim, slice(a, b))] for a, b in zip([0, *places], [*places, length], strict=True))


def _equally(input, places, dim):
    if isinstance(places, int) and input.shape[dim] % (places or 1):
        raise RuntimeError(f"dimension {dim} of size {input.shape[dim]} is not divisible by the split_size {places}!")
    return tensor_split(input, places, dim)


def hsplit(input, indices_or_sections):
    """Pieces that lie side by side: `input` cut along dimension 1, a vector along its only one."""
    return _equally(at_least(1, input, "hsplit"), indices_or_sections, min(1, input.ndim - 1))


def vsplit(input, indices_or_sections):
    """Pieces that lie one above the other: `input` cut along dimension 0."""
    return _equally(at_least(2, input, "vsplit"), indices_or_sections, 0)


def dsplit(input, indices_or_sections):
    """Pieces that lie one behind the other: `input` cut along dimension 2."""
    return _equally(at_least(3, input, "dsplit"), indices_or_sections, 2)

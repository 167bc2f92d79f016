"""Many arrays in one call of a compiled function, which goes over them piece by piece: a model's parameters, their gradients and states.

A tuple of arrays would be a new type, and so compiled anew, for every number of them; a table of where they are is not.
"""

import functools

import numba as nb
import numpy as np
from numba.core import types
from numba.extending import intrinsic

from .cpu import compiled, run
from .cpu_vectors import integer

_PIECE = 1 << 13  # elements: so that threads have about as many, and a call has little else to do


@intrinsic
def _start(typing_context, array, like):
    """Where the first element is of the NumPy array that is the object at the address `array`; its type is that of `like`."""

    def generate(context, builder, signature, args):
        # struct { PyObject_HEAD; char *data; … }: NumPy's own PyArray_DATA reads it so
        after_head = builder.add(args[0], integer(object.__basicsize__))
        data = context.get_value_type(signature.return_type)
        return builder.load(builder.inttoptr(after_head, data.as_pointer()))

    return types.CPointer(like)(types.int64, like), generate


@compiled(inline="always")
def part(table, number, piece, like):
    """The elements of array `number` of the row that belong to the piece (row, first, last); they are of the type of `like`."""
    return nb.carray(_start(table[piece[0], number], like), piece[2])[piece[1] :]


@functools.lru_cache(64)
def _pieces(sizes: tuple):
    """(row, first, last) of every piece of rows of so many elements."""
    pieces = [(row, i, min(i + _PIECE, size)) for row, size in enumerate(sizes) for i in range(0, size, _PIECE)]
    return np.array(pieces, np.int64).reshape(-1, 3)


def run_each(function, rows: list, *args) -> None:
    """Let all threads compute `function(table, pieces, *args, share, first, last)`, which takes pieces [first, last) of the rows' arrays.

    Each row's arrays are as large as its first, and lie in memory element by element.
    """
    pieces = _pieces(tuple([row[0].size for row in rows]))
    table = np.array([[id(each) for each in row] for row in rows])
    run(function, len(pieces), table, pieces, *args, shared=len(pieces) > 1)

"""The shape of a tensor."""

import math

import numpy as np


class Size(tuple):
    """A tuple of lengths, one a dimension."""

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"framework.Size({list(self)})"

    def __getitem__(self, item):
        result = super().__getitem__(item)
        return Size(result) if isinstance(item, slice) else result

    def __add__(self, other):
        return Size(super().__add__(tuple(other)))

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self))


def as_one(values) -> tuple:
    """Values given one by one, or as one sequence."""
    return tuple(values[0]) if len(values) == 1 and isinstance(values[0], (tuple, list)) else values


def broadcast_shapes(*shapes) -> Size:
    """The shape that tensors of these shapes have together; an integer stands for one dimension."""
    try:
        same = shapes and isinstance(shapes[0], tuple) and shapes.count(shapes[0]) == len(shapes)
        return Size(shapes[0] if same else np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise RuntimeError(f"broadcast_shapes: {error}") from None

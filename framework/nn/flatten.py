"""Changing shapes between layers."""

from ..ops.shape import flatten
from .layer import REQUIRED, Layer


class Flatten(Layer, of=flatten, start_dim=1, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""


class Unflatten(Layer, dim=REQUIRED, unflattened_size=REQUIRED):
    """Dimension `dim` as several of the lengths `unflattened_size`."""

    def keep(self, dim, unflattened_size) -> None:
        if not isinstance(dim, int) or not all(isinstance(each, int) for each in unflattened_size):
            raise TypeError(f"Unflatten takes a dimension and a tuple of lengths, integers, but got {dim!r} and {unflattened_size!r}")
        super().keep(dim=dim, unflattened_size=unflattened_size)

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

"""Weight normalisation."""

from ...ops.reduce import norm
from ..parameter import Parameter
from .reparametrization import Reparametrization, remove


class WeightNorm(Reparametrization):
    """weight = g v / ||v||, the norm over all dimensions but `dim`; over all for None and, as in PyTorch, for -1."""

    suffixes = ("_g", "_v")

    def __init__(self, name: str, dim: int | None):
        super().__init__(name)
        self.dim = dim

    def _norm(self, weight):
        if self.dim in (None, -1):
            return norm(weight)
        return norm(weight, 2, [each for each in range(weight.ndim) if each != self.dim], True) if weight.ndim > 1 else weight.abs()

    def split(self, module, weight) -> None:
        for part, value in zip(self.parts, (self._norm(weight), weight), strict=True):
            module.register_parameter(part, Parameter(value.detach()))

    def weight(self, module):
        g, v = (getattr(module, part) for part in self.parts)
        return v * (g / self._norm(v))


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Learn the length `name`_g and the direction `name`_v of a weight apart: w = g v / ||v|| (Salimans and Kingma, 2016)."""
    return WeightNorm(name, dim).install(module)


def remove_weight_norm(module, name: str = "weight"):
    """Undo `weight_norm`."""
    return remove(WeightNorm, module, name)

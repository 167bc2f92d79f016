"""Weight normalisation."""

from ...ops.reduce import norm
from ..parameter import Parameter
from .reparametrization import Reparametrization, remove


class WeightNorm(Reparametrization):
    """weight = g v / ||v||, the norm over all dimensions but `dim`."""

    function = "weight_norm"

    def __init__(self, name: str, dim: int | None):
        super().__init__(name)
        self.dim = -1 if dim is None else dim  # -1, as PyTorch has it: over all dimensions

    def _norm(self, weight):
        if self.dim == -1:
            return norm(weight)
        return norm(weight, 2, [each for each in range(weight.ndim) if each != self.dim], True) if weight.ndim > 1 else weight.abs()

    def parts(self):
        return self.name + "_g", self.name + "_v"

    def split(self, module, weight) -> None:
        g, v = self.parts()
        module.register_parameter(g, Parameter(self._norm(weight).detach()))
        module.register_parameter(v, Parameter(weight.detach()))

    def compute_weight(self, module):
        g, v = (getattr(module, part) for part in self.parts())
        return v * (g / self._norm(v))

    present_weight = compute_weight


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Learn the length `name`_g and the direction `name`_v of a weight apart: w = g v / ||v|| (Salimans and Kingma, 2016)."""
    return WeightNorm(name, dim).install(module)


def remove_weight_norm(module, name: str = "weight"):
    """Undo `weight_norm`."""
    return remove(WeightNorm, module, name)

"""Spectral normalisation."""

from ...autograd.mode import no_grad
from ...ops.products import dot, mv
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..functional import normalize
from .reparametrization import Reparametrization, remove


class SpectralNorm(Reparametrization):
    """weight = W / sigma, the largest singular value sigma = u W v by power iteration, a few steps each forward in training."""

    suffixes = ("_orig", "_u", "_v")

    def __init__(self, name: str, n_power_iterations: int, eps: float, dim: int):
        super().__init__(name)
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim

    def _matrix(self, weight):
        rows = weight.movedim(self.dim, 0)
        return rows.reshape(rows.shape[0], -1)

    def split(self, module, weight) -> None:
        original, *vectors = self.parts
        module.register_parameter(original, weight)
        for name, n in zip(vectors, self._matrix(weight).shape, strict=True):
            module.register_buffer(name, normalize(weight.detach().new_empty(n).normal_(), dim=0, eps=self.eps))

    @no_grad()
    def prepare(self, module) -> None:
        original, u, v = (getattr(module, part) for part in self.parts)
        matrix = self._matrix(original)
        for _ in range(self.n_power_iterations if module.training else 0):
            v.copy_(normalize(mv(matrix.T, u), dim=0, eps=self.eps))
            u.copy_(normalize(mv(matrix, v), dim=0, eps=self.eps))

    def weight(self, module):
        original, u, v = (getattr(module, part) for part in self.parts)
        u, v = u.clone(), v.clone()  # the next forward changes them, maybe before this one's backward
        return original / dot(u, mv(self._matrix(original), v))


def spectral_norm(module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None):
    """Divide a weight by its largest singular value, so that the layer stretches nothing (Miyato et al., 2018)."""
    if dim is None:
        dim = int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))
    return SpectralNorm(name, n_power_iterations, eps, dim).install(module)


def remove_spectral_norm(module, name: str = "weight"):
    """Undo `spectral_norm`."""
    return remove(SpectralNorm, module, name)

"""Weights computed from other members of their module before every forward: weight and spectral normalisation."""

from dataclasses import dataclass

from ...autograd.mode import no_grad
from ...ops.products import dot, mv
from ...ops.reduce import norm
from ..functional import normalize
from ..parameter import Parameter


@dataclass(eq=False)
class _Reparametrization:
    """A forward pre-hook that sets the attribute `name` of its module to `weight(*members)`; they are called `name` and a suffix."""

    name: str

    def members(self, module) -> list:
        return [getattr(module, self.name + suffix) for suffix in self.suffixes]

    def __call__(self, module, inputs) -> None:
        setattr(module, self.name, self.weight(*self.members(module)))

    def install(self, module):
        """Put the members in the place of the parameter."""
        kind, weight = type(self).__name__, module._parameters.get(self.name)
        if (kind, self.name) in module._forward_pre_hooks:
            raise RuntimeError(f"Cannot register two {kind} hooks on the same parameter {self.name}")
        if weight is None:
            raise ValueError(f"{kind} cannot be applied: `{self.name}` is no parameter, or None")
        delattr(module, self.name)
        for suffix, member in zip(self.suffixes, self.split(weight), strict=True):
            register = module.register_parameter if isinstance(member, Parameter) else module.register_buffer
            register(self.name + suffix, member)
        setattr(module, self.name, weight.detach())
        module._forward_pre_hooks[kind, self.name] = self
        return module


def _remove(kind, module, name):
    """Make the weight, as it is now, a parameter again."""
    hook = module._forward_pre_hooks.pop((kind.__name__, name), None)
    if hook is None:
        raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")
    weight = hook.weight(*hook.members(module)).detach()
    for suffix in ("", *hook.suffixes):
        delattr(module, name + suffix)
    module.register_parameter(name, Parameter(weight))
    return module


@dataclass(eq=False)
class WeightNorm(_Reparametrization):
    """weight = g v / ||v||, the norm over all dimensions but `dim`; over all for None and, as in PyTorch, for -1."""

    dim: int | None
    suffixes = ("_g", "_v")

    def _norm(self, v):
        if self.dim in (None, -1):
            return norm(v)
        return norm(v, 2, [each for each in range(v.ndim) if each != self.dim], True) if v.ndim > 1 else v.abs()

    def split(self, weight) -> tuple:
        return Parameter(self._norm(weight).detach()), Parameter(weight.detach())

    def weight(self, g, v):
        return v * (g / self._norm(v))


@dataclass(eq=False)
class SpectralNorm(_Reparametrization):
    """weight = W / sigma, the largest singular value sigma = u W v by power iteration, a few steps each forward in training."""

    n_power_iterations: int
    eps: float
    dim: int
    suffixes = ("_orig", "_u", "_v")

    def _matrix(self, weight):
        rows = weight.movedim(self.dim, 0)
        return rows.reshape(rows.shape[0], -1)

    def split(self, weight) -> tuple:
        vectors = (weight.detach().new_empty(n).normal_() for n in self._matrix(weight).shape)
        return weight, *(normalize(each, dim=0, eps=self.eps) for each in vectors)

    def __call__(self, module, inputs) -> None:
        if module.training:
            self.iterate(*self.members(module))
        super().__call__(module, inputs)

    @no_grad()
    def iterate(self, original, u, v) -> None:
        matrix = self._matrix(original)
        for _ in range(self.n_power_iterations):
            v.copy_(normalize(mv(matrix.T, u), dim=0, eps=self.eps))
            u.copy_(normalize(mv(matrix, v), dim=0, eps=self.eps))

    def weight(self, original, u, v):
        u, v = u.clone(), v.clone()  # the next forward changes them, maybe before this one's backward
        return original / dot(u, mv(self._matrix(original), v))


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Learn the length `name`_g and the direction `name`_v of a weight apart: w = g v / ||v|| (Salimans and Kingma, 2016)."""
    return WeightNorm(name, dim).install(module)


def remove_weight_norm(module, name: str = "weight"):
    """Undo `weight_norm`."""
    return _remove(WeightNorm, module, name)


def spectral_norm(module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None):
    """Divide a weight by its largest singular value, so that the layer stretches nothing (Miyato et al., 2018)."""
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
    dim = int(getattr(module, "transposed", False)) if dim is None else dim  # where the outputs are
    return SpectralNorm(name, n_power_iterations, eps, dim).install(module)


def remove_spectral_norm(module, name: str = "weight"):
    """Undo `spectral_norm`."""
    return _remove(SpectralNorm, module, name)

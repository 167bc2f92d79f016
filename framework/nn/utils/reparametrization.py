"""Weights computed from other members of their module before every forward: weight and spectral normalisation."""

from functools import partial

from ...autograd.mode import no_grad
from ...ops.promotion import expect
from ..functional import normalize
from ..parameter import Parameter


class _Hook:
    """Before every forward: the attribute `name` of a module becomes `compute(training, *members)`; they are called `name` and a suffix."""

    def __init__(self, name, suffixes, compute):
        self.name, self.suffixes, self.compute = name, suffixes, compute

    def weight(self, module, training):
        return self.compute(training, *(getattr(module, self.name + suffix) for suffix in self.suffixes))

    def __call__(self, module, inputs) -> None:
        setattr(module, self.name, self.weight(module, module.training))


def _parameter(module, name):
    weight = module._parameters.get(name)
    expect(weight is not None, f"`{name}` cannot be normalised: it is no parameter, or computed from others already")
    return weight


def _install(kind, module, name, compute, **members):
    """Put `members`, by their suffixes, in the place of the parameter `name`."""
    setattr(module, name, module._parameters.pop(name).detach())
    for suffix, member in members.items():
        register = module.register_parameter if isinstance(member, Parameter) else module.register_buffer
        register(name + suffix, member)
    module._forward_pre_hooks[kind, name] = _Hook(name, tuple(members), compute)
    return module


def _remove(kind, module, name):
    """Make the weight, as it is now, a parameter again."""
    hook = module._forward_pre_hooks.pop((kind, name), None)
    expect(hook, f"{kind} of '{name}' not found in {module}", ValueError)
    weight = hook.weight(module, False).detach()
    for suffix in ("", *hook.suffixes):
        delattr(module, name + suffix)
    module.register_parameter(name, Parameter(weight))
    return module


def _length(v, dim):
    others = [each for each in range(v.ndim) if each != dim]
    return v.norm() if dim in (None, -1) else v.norm(2, others, True) if others else v.abs()


def _of_length(training, g, v, dim):
    return v * (g / _length(v, dim))


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Learn the length `name`_g and the direction `name`_v of a weight apart: w = g v / ||v|| (Salimans and Kingma, 2016).

    The norm is over all dimensions but `dim`; over all for None and, as in PyTorch, for -1.
    """
    weight = _parameter(module, name).detach()
    return _install("weight_norm", module, name, partial(_of_length, dim=dim), _g=Parameter(_length(weight, dim)), _v=Parameter(weight))


def _spectrally_normalised(training, original, u, v, n_power_iterations, eps, dim):
    matrix = original.movedim(dim, 0).flatten(1)
    with no_grad():
        for _ in range(n_power_iterations if training else 0):
            v.copy_(normalize(matrix.T @ u, dim=0, eps=eps))
            u.copy_(normalize(matrix @ v, dim=0, eps=eps))
    u, v = u.clone(), v.clone()  # the next forward changes them, maybe before this one's backward
    return original / (u @ matrix @ v)


def spectral_norm(module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None):
    """Divide a weight W by its largest singular value u W v, so that the layer stretches nothing (Miyato et al., 2018).

    The vectors come from power iteration, a few steps each forward in training; `dim` is where the outputs are.
    """
    expect(n_power_iterations > 0, f"Expected n_power_iterations to be positive, but got {n_power_iterations}", ValueError)
    dim = int(getattr(module, "transposed", False)) if dim is None else dim
    compute = partial(_spectrally_normalised, n_power_iterations=n_power_iterations, eps=eps, dim=dim)
    weight = _parameter(module, name)
    u, v = (normalize(weight.new_empty(n).normal_(), dim=0, eps=eps) for n in weight.movedim(dim, 0).flatten(1).shape)
    return _install("spectral_norm", module, name, compute, _orig=weight, _u=u, _v=v)


def remove_weight_norm(module, name: str = "weight"):
    """Undo `weight_norm`."""
    return _remove("weight_norm", module, name)


def remove_spectral_norm(module, name: str = "weight"):
    """Undo `spectral_norm`."""
    return _remove("spectral_norm", module, name)

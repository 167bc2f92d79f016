"""What weight_norm and spectral_norm share: a weight computed from other parameters before every forward."""

from ..parameter import Parameter


class Reparametrization:
    """A forward pre-hook that sets the attribute `name` of its module to `compute_weight(module)`."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, module, inputs) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def install(self, module):
        """Take the parameter off `module`, give it what stands for it, and recompute the weight before every forward."""
        if any(type(hook) is type(self) and hook.name == self.name for hook in module._forward_pre_hooks.values()):
            raise RuntimeError(f"Cannot register two {self.function} hooks on the same parameter {self.name}")
        weight = module._parameters.get(self.name)
        if weight is None:
            raise ValueError(f"{self.function} cannot be applied: `{self.name}` is not a parameter, or None")
        delattr(module, self.name)
        self.split(module, weight)
        setattr(module, self.name, self.weight_at_first(module, weight))
        module.register_forward_pre_hook(self)
        return module

    def weight_at_first(self, module, weight):
        """The attribute until the first forward."""
        return self.compute_weight(module)


def remove(kind, module, name: str):
    """Make the weight a parameter again, of its present value."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            del module._forward_pre_hooks[key]
            weight = hook.present_weight(module).detach()
            for each in (name, *hook.parts()):
                delattr(module, each)
            module.register_parameter(name, Parameter(weight))
            return module
    raise ValueError(f"{kind.function} of '{name}' not found in {module}")

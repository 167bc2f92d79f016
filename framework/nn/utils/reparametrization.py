"""What weight_norm and spectral_norm share: a weight computed from other members of its module before every forward."""

from ..parameter import Parameter


class Reparametrization:
    """A forward pre-hook that sets the attribute `name` of its module to `weight(module)`, computed from the members `parts`."""

    suffixes: tuple

    def __init__(self, name: str):
        self.name, self.parts = name, tuple(name + suffix for suffix in self.suffixes)

    def __call__(self, module, inputs) -> None:
        self.prepare(module)
        setattr(module, self.name, self.weight(module))

    def prepare(self, module) -> None:
        """What has to happen to the parts before a forward."""

    def install(self, module):
        """Put the parts in the place of the parameter."""
        if any(type(hook) is type(self) and hook.name == self.name for hook in module._forward_pre_hooks.values()):
            raise RuntimeError(f"Cannot register two {type(self).__name__} hooks on the same parameter {self.name}")
        weight = module._parameters.get(self.name)
        if weight is None:
            raise ValueError(f"{type(self).__name__} cannot be applied: `{self.name}` is no parameter, or None")
        delattr(module, self.name)
        self.split(module, weight)
        setattr(module, self.name, weight.detach())
        module.register_forward_pre_hook(self)
        return module


def remove(kind, module, name: str):
    """Make the weight, as it is now, a parameter again."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            weight = hook.weight(module).detach()
            del module._forward_pre_hooks[key]
            for each in (name, *hook.parts):
                delattr(module, each)
            module.register_parameter(name, Parameter(weight))
            return module
    raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")

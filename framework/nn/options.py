"""Layers that are a function and its options, one line each.

    class ELU(Layer, of=F.elu, alpha=1.0, inplace=False): ...
"""

from inspect import Parameter, Signature

from .functional.loss import legacy_reduction
from .module import Module

REQUIRED = Parameter.empty  # the default of an option without one


class Layer(Module):
    """The function `of`, with the options that the class names, in their order, as arguments and attributes."""

    def __init_subclass__(cls, of=None, shown: bool = True, **options):
        if of is not None:
            cls.function, cls.shown, cls.__doc__ = staticmethod(of), shown, cls.__doc__ or of.__doc__
            parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default) for name, default in options.items()]
            cls.__signature__ = Signature(parameters)

    def __init__(self, *args, **kwargs):
        super().__init__()
        given = self.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        self.keep(**given.arguments)

    def keep(self, **options) -> None:
        """Make the options attributes."""
        self.options = list(options)
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, *inputs):
        return self.function(*inputs, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        names = [name for name in self.options if name != "inplace" or self.inplace]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names) if self.shown else ""


class Loss(Layer):
    """A loss with its `reduction`: "mean", "sum" or "none"; its weights, tensors or None, are buffers."""

    def keep(self, size_average=None, reduce=None, **options) -> None:
        options["reduction"] = legacy_reduction(options["reduction"], size_average, reduce)
        for name in (name for name in options if name.endswith("weight")):
            self.register_buffer(name, None)
        super().keep(**options)

    def extra_repr(self) -> str:
        return ""

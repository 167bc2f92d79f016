"""Layers without parameters: a function, and the options it is called with."""

import inspect

from .module import Module


class FunctionLayer(Module):
    """Takes the options of `function`, all its arguments but the input; they are the layer's attributes, told of in its repr."""

    shown = None  # the options that the repr tells of: all

    def __init_subclass__(cls, function=None) -> None:
        if function is not None:
            cls.function = function
            cls.__signature__ = inspect.Signature(list(inspect.signature(function).parameters.values())[1:])

    def __init__(self, *args, **options):
        super().__init__()
        bound = self.__signature__.bind(*args, **options)
        bound.apply_defaults()
        self._options = tuple(bound.arguments)
        for name, value in bound.arguments.items():
            setattr(self, name, value)

    def forward(self, input):
        return type(self).function(input, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in (self._options if self.shown is None else self.shown))

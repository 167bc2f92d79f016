"""Two kinds of layers: with parameters that start at random (`Weighted`); and a function with its options, declared in one line each.

    class ELU(Layer, of=F.elu, alpha=1.0, inplace=False): ...

A family that differs by the function alone names the options once:

    class _MaxPool(Layer, kernel_size=REQUIRED, stride=None, …): ...
    class MaxPool1d(_MaxPool, of=F.max_pool1d): ...
"""

import inspect

from ..creation import empty
from . import init
from .functional.loss import legacy_reduction
from .module import Module
from .parameter import Parameter

REQUIRED = inspect.Parameter.empty  # the default of an option without one


class Weighted(Module):
    """Its parameters start as U(-1/sqrt(fan), 1/sqrt(fan)), where `fan` counts the inputs of one output."""

    def _make(self, fan, device, dtype, **shapes) -> None:
        """Register a parameter of each shape, or None where there is none, and draw initial values."""
        self._fan, self._drawn = fan, tuple(shapes)
        for name, shape in shapes.items():
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if shape else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / self._fan**0.5 if self._fan else 0
        for name, parameter in self.named_parameters(recurse=False):
            if name in self._drawn:  # not those that a subclass adds
                init.uniform_(parameter, -bound, bound)


class Layer(Module):
    """The function `of`, with the options that the class names, in their order, as arguments and attributes."""

    __signature__, shown = inspect.Signature(), None

    def __init_subclass__(cls, of=None, shown: tuple | None = None, **options):
        if of is not None:
            cls.function, cls.__doc__ = staticmethod(of), cls.__doc__ or of.__doc__
        if shown is not None:
            cls.shown = shown  # the options that the repr tells of, unless all
        if options:
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            cls.__signature__ = inspect.Signature(inspect.Parameter(name, kind, default=options[name]) for name in options)

    def __init__(self, *args, **kwargs):
        super().__init__()
        given = self.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        self.keep(**given.arguments)

    def keep(self, **options) -> None:
        """Make the options attributes."""
        self.options = tuple(options)
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, *inputs):
        return self.function(*inputs, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        names = [name for name in self.options if name != "inplace" or self.inplace] if self.shown is None else self.shown
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


class Loss(Layer, shown=()):
    """A loss with its `reduction`: "mean", "sum" or "none"; its weights, tensors or None, are buffers."""

    def keep(self, size_average=None, reduce=None, **options) -> None:
        options["reduction"] = legacy_reduction(options["reduction"], size_average, reduce)
        for name in (name for name in options if name.endswith("weight")):
            self.register_buffer(name, None)
        super().keep(**options)

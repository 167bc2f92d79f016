"""Layers that are a function and its options."""

from .functional.loss import legacy_reduction
from .module import Module

REQUIRED = object()  # an option without a default


class WithOptions(Module):
    """`function` of the inputs and of the `options`: {name: default}, in the order in which the constructor takes them."""

    function = None
    options: dict = {}
    shown = True  # whether the repr tells the options; an `inplace` only where it is true

    def __init__(self, *args, **kwargs):
        super().__init__()
        name, names = type(self).__name__, list(self.options)
        if len(args) > len(names):
            raise TypeError(f"{name}() takes at most {len(names)} arguments, but got {len(args)}")
        given = dict(zip(names, args, strict=False))
        for option, value in kwargs.items():
            if option not in names:
                raise TypeError(f"{name}() got an unexpected keyword argument '{option}'")
            if option in given:
                raise TypeError(f"{name}() got multiple values for argument '{option}'")
            given[option] = value
        values = {**self.options, **given}
        missing = [option for option, value in values.items() if value is REQUIRED]
        if missing:
            raise TypeError(f"{name}() missing required arguments: {', '.join(map(repr, missing))}")
        self.keep(**values)

    def keep(self, **options) -> None:
        """Make the options the module's attributes."""
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, *inputs):
        return type(self).function(*inputs, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        names = [name for name in self.options if name != "inplace" or self.inplace]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names) if self.shown else ""


class Loss(WithOptions):
    """A loss with its `reduction`: "mean", "sum" or "none"; its weights, tensors or None, are buffers."""

    shown = False

    def keep(self, size_average=None, reduce=None, **options) -> None:
        options["reduction"] = legacy_reduction(options["reduction"], size_average, reduce)
        for name in [name for name in options if name.endswith("weight")]:
            self.register_buffer(name, options.pop(name))
        super().keep(**options)

    def forward(self, *inputs):
        options = {name: getattr(self, name) for name in self.options if name not in LEGACY}
        return type(self).function(*inputs, **options)


LEGACY = {"size_average": None, "reduce": None}
REDUCED = {**LEGACY, "reduction": "mean"}

"""Layers without parameters: a function, and the options it is called with."""

from .module import Module


class FunctionLayer(Module):
    """Calls `function` with the input and with the layer's options, which are its attributes; `shown` are those its repr tells of."""

    function = None
    shown = None  # all

    def __init__(self, **options):
        super().__init__()
        self._options = tuple(options)
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, input):
        return type(self).function(input, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in (self._options if self.shown is None else self.shown))

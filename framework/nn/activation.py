"""Nonlinearities as modules."""

from . import functional as F
from .module import Module


class _Pointwise(Module):
    """A function of each element; its options, in order, are the class's `options` with their defaults."""

    function = None
    options: dict = {}
    silent = ()  # options that the repr leaves out when they have their default

    def __init__(self, *args, **kwargs):
        super().__init__()
        names = list(self.options)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes at most {len(names)} arguments, but got {len(args)}")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for unknown in given.keys() - self.options.keys():
            raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument '{unknown}'")
        for name, default in self.options.items():
            setattr(self, name, given.get(name, default))

    def forward(self, input):
        return type(self).function(input, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        shown = {name: getattr(self, name) for name, default in self.options.items() if name != "inplace" or self.inplace}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


class ReLU(_Pointwise):
    """max(x, 0)."""

    function, options = F.relu, {"inplace": False}


class ReLU6(_Pointwise):
    """min(max(x, 0), 6)."""

    function, options = F.relu6, {"inplace": False}


class LeakyReLU(_Pointwise):
    """x where positive, else negative_slope x."""

    function, options = F.leaky_relu, {"negative_slope": 0.01, "inplace": False}


class ELU(_Pointwise):
    """x where positive, else alpha (exp(x) - 1)."""

    function, options = F.elu, {"alpha": 1.0, "inplace": False}


class SiLU(_Pointwise):
    """x sigmoid(x)."""

    function, options = F.silu, {"inplace": False}


class GELU(_Pointwise):
    """x Phi(x), Phi the normal distribution function."""

    function, options = F.gelu, {"approximate": "none"}


class Softplus(_Pointwise):
    """log(1 + exp(beta x)) / beta."""

    function, options = F.softplus, {"beta": 1.0, "threshold": 20.0}


class Hardtanh(_Pointwise):
    """x cut off below min_val and above max_val."""

    function, options = F.hardtanh, {"min_val": -1.0, "max_val": 1.0, "inplace": False}


class Sigmoid(_Pointwise):
    """1 / (1 + exp(-x))."""

    function = F.sigmoid


class Tanh(_Pointwise):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""

    function = F.tanh


class LogSigmoid(_Pointwise):
    """log sigmoid(x)."""

    function = F.logsigmoid


class Softmax(_Pointwise):
    """exp(x_i) / sum_j exp(x_j) along `dim`."""

    function, options = F.softmax, {"dim": None}


class LogSoftmax(_Pointwise):
    """x_i - log sum_j exp(x_j) along `dim`."""

    function, options = F.log_softmax, {"dim": None}

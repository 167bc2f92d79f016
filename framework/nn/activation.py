"""Nonlinearities as modules."""

from ..creation import full
from . import functional as F
from .module import Module
from .options import REQUIRED, WithOptions
from .parameter import Parameter

INPLACE = {"inplace": False}


class ReLU(WithOptions):
    """max(x, 0)."""

    function, options = F.relu, INPLACE


class ReLU6(WithOptions):
    """min(max(x, 0), 6)."""

    function, options = F.relu6, INPLACE


class LeakyReLU(WithOptions):
    """x where positive, else negative_slope x."""

    function, options = F.leaky_relu, {"negative_slope": 0.01, **INPLACE}


class RReLU(WithOptions):
    """LeakyReLU with random slopes in training."""

    function, options = F.rrelu, {"lower": 1 / 8, "upper": 1 / 3, **INPLACE}

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class ELU(WithOptions):
    """x where positive, else alpha (exp(x) - 1)."""

    function, options = F.elu, {"alpha": 1.0, **INPLACE}


class CELU(WithOptions):
    """x where positive, else alpha (exp(x / alpha) - 1)."""

    function, options = F.celu, {"alpha": 1.0, **INPLACE}


class SELU(WithOptions):
    """The scaled ELU that keeps mean 0 and variance 1."""

    function, options = F.selu, INPLACE


class SiLU(WithOptions):
    """x sigmoid(x)."""

    function, options = F.silu, INPLACE


class Mish(WithOptions):
    """x tanh(softplus(x))."""

    function, options = F.mish, INPLACE


class GELU(WithOptions):
    """x Phi(x), Phi the normal distribution function."""

    function, options = F.gelu, {"approximate": "none"}


class GLU(WithOptions):
    """a sigmoid(b) for the two halves a and b of the input."""

    function, options = F.glu, {"dim": -1}


class Softplus(WithOptions):
    """log(1 + exp(beta x)) / beta."""

    function, options = F.softplus, {"beta": 1.0, "threshold": 20.0}


class Hardtanh(WithOptions):
    """x cut off below min_val and above max_val."""

    function, options = F.hardtanh, {"min_val": -1.0, "max_val": 1.0, **INPLACE}

    def keep(self, min_val, max_val, inplace) -> None:
        if max_val <= min_val:
            raise AssertionError("max_val must be larger than min_val")
        super().keep(min_val=min_val, max_val=max_val, inplace=inplace)


class Hardsigmoid(WithOptions):
    """x / 6 + 1/2, cut off below 0 and above 1."""

    function, options, shown = F.hardsigmoid, INPLACE, False


class Hardswish(WithOptions):
    """x hardsigmoid(x)."""

    function, options, shown = F.hardswish, INPLACE, False


class Hardshrink(WithOptions):
    """x, and zero where |x| <= lambd."""

    function, options = F.hardshrink, {"lambd": 0.5}

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(WithOptions):
    """x moved by lambd toward zero, and zero where |x| <= lambd."""

    function, options, extra_repr = F.softshrink, {"lambd": 0.5}, Hardshrink.extra_repr


class Threshold(WithOptions):
    """x where above `threshold`, else `value`."""

    function, options = F.threshold, {"threshold": REQUIRED, "value": REQUIRED, **INPLACE}


class Sigmoid(WithOptions):
    """1 / (1 + exp(-x))."""

    function = F.sigmoid


class Tanh(WithOptions):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""

    function = F.tanh


class Tanhshrink(WithOptions):
    """x - tanh(x)."""

    function = F.tanhshrink


class Softsign(WithOptions):
    """x / (1 + |x|)."""

    function = F.softsign


class LogSigmoid(WithOptions):
    """log sigmoid(x)."""

    function = F.logsigmoid


class Softmax(WithOptions):
    """exp(x_i) / sum_j exp(x_j) along `dim`."""

    function, options = F.softmax, {"dim": None}


class Softmin(WithOptions):
    """softmax(-x)."""

    function, options = F.softmin, {"dim": None}


class LogSoftmax(WithOptions):
    """x_i - log sum_j exp(x_j) along `dim`."""

    function, options = F.log_softmax, {"dim": None}


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input):
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


class PReLU(Module):
    """x where positive, else a slope times x, which is learnt: one for all, or one for each channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), init, device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Back to the slope at the beginning."""
        self.weight.data.fill_(self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"

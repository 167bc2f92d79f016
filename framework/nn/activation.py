"""Nonlinearities and dropout as modules."""

from ..creation import full
from . import functional as F
from .functional.dropout import check_probability
from .layer import REQUIRED, Layer
from .module import Module
from .parameter import Parameter


class ReLU(Layer, of=F.relu, inplace=False): ...
class ReLU6(Layer, of=F.relu6, inplace=False): ...
class LeakyReLU(Layer, of=F.leaky_relu, negative_slope=0.01, inplace=False): ...
class ELU(Layer, of=F.elu, alpha=1.0, inplace=False): ...
class CELU(Layer, of=F.celu, alpha=1.0, inplace=False): ...
class SELU(Layer, of=F.selu, inplace=False): ...
class SiLU(Layer, of=F.silu, inplace=False): ...
class Mish(Layer, of=F.mish, inplace=False): ...
class GELU(Layer, of=F.gelu, approximate="none"): ...
class GLU(Layer, of=F.glu, dim=-1): ...
class Softplus(Layer, of=F.softplus, beta=1.0, threshold=20.0): ...
class Hardsigmoid(Layer, of=F.hardsigmoid, shown=(), inplace=False): ...
class Hardswish(Layer, of=F.hardswish, shown=(), inplace=False): ...
class Threshold(Layer, of=F.threshold, threshold=REQUIRED, value=REQUIRED, inplace=False): ...
class Sigmoid(Layer, of=F.sigmoid): ...
class Tanh(Layer, of=F.tanh): ...
class Tanhshrink(Layer, of=F.tanhshrink): ...
class Softsign(Layer, of=F.softsign): ...
class LogSigmoid(Layer, of=F.logsigmoid): ...
class Softmax(Layer, of=F.softmax, dim=None): ...
class Softmin(Layer, of=F.softmin, dim=None): ...
class LogSoftmax(Layer, of=F.log_softmax, dim=None): ...


class Hardshrink(Layer, of=F.hardshrink, lambd=0.5):
    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Layer, of=F.softshrink, lambd=0.5):
    extra_repr = Hardshrink.extra_repr


class Hardtanh(Layer, of=F.hardtanh, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
    def keep(self, min_val, max_val, inplace, min_value, max_value) -> None:
        low, high = min_val if min_value is None else min_value, max_val if max_value is None else max_value  # their old names
        super().keep(min_val=low, max_val=high, inplace=inplace)


class RReLU(Layer, of=F.rrelu, lower=1 / 8, upper=1 / 3, inplace=False):
    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


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
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class _Dropout(Layer, shown=("p", "inplace"), p=0.5, inplace=False):
    def keep(self, p, inplace) -> None:
        check_probability(p)
        super().keep(p=p, inplace=inplace)

    def forward(self, input):
        return self.function(input, self.p, self.training, self.inplace)


class Dropout(_Dropout, of=F.dropout): ...
class Dropout1d(_Dropout, of=F.dropout1d): ...
class Dropout2d(_Dropout, of=F.dropout2d): ...
class Dropout3d(_Dropout, of=F.dropout3d): ...
class AlphaDropout(_Dropout, of=F.alpha_dropout): ...

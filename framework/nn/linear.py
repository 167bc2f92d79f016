"""Fully connected layers."""

from ..ops.promotion import expect
from . import functional as F
from .layer import Weighted
from .module import Module


class Identity(Module):
    """The input as it is; arguments of any kind are ignored."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Weighted):
    """y = x W^T + b: (…, in_features) -> (…, out_features); W and b start as U(-1/sqrt(in), 1/sqrt(in))."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self._make(in_features, device, dtype, weight=(out_features, in_features), bias=bias and (out_features,))

    def forward(self, input):
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Weighted):
    """y_o = x1^T W_o x2 + b_o: (…, in1_features) and (…, in2_features) -> (…, out_features); starts as U(-1/sqrt(in1), 1/sqrt(in1))."""

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device=None, dtype=None):
        super().__init__()
        expect(in1_features > 0, f"in1_features must be > 0, but got {in1_features}", ValueError)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self._make(in1_features, device, dtype, weight=(out_features, in1_features, in2_features), bias=bias and (out_features,))

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = (f"{name}={getattr(self, name)}" for name in ("in1_features", "in2_features", "out_features"))
        return f"{', '.join(sizes)}, bias={self.bias is not None}"

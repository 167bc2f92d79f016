"""Dropout as modules."""

from . import functional as F
from .functional.dropout import check_probability
from .layer import Layer


class _Dropout(Layer):
    def keep(self, p, inplace) -> None:
        check_probability(p)
        self.p, self.inplace = p, inplace

    def forward(self, input):
        return self.function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout, of=F.dropout, p=0.5, inplace=False): ...
class Dropout1d(_Dropout, of=F.dropout1d, p=0.5, inplace=False): ...
class Dropout2d(_Dropout, of=F.dropout2d, p=0.5, inplace=False): ...
class Dropout3d(_Dropout, of=F.dropout3d, p=0.5, inplace=False): ...
class AlphaDropout(_Dropout, of=F.alpha_dropout, p=0.5, inplace=False): ...

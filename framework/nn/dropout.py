"""Dropout: in training, zero at random, so that no unit can rely on another."""

from . import functional as F
from .module import Module


class _Dropout(Module):
    """Probability `p` of being zeroed; what is left is divided by 1 - p."""

    function = None

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        return type(self).function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Single elements (Srivastava et al., 2014)."""

    function = F.dropout


class AlphaDropout(_Dropout):
    """Single elements, in such a way that mean and variance stay, for use after SELU (Klambauer et al., 2017)."""

    function = F.alpha_dropout


class Dropout1d(_Dropout):
    """Whole channels of (N, C, L) (Tompson et al., 2015)."""

    function = F.dropout1d


class Dropout2d(_Dropout):
    """Whole channels of (N, C, H, W) (Tompson et al., 2015)."""

    function = F.dropout2d


class Dropout3d(_Dropout):
    """Whole channels of (N, C, D, H, W) (Tompson et al., 2015)."""

    function = F.dropout3d

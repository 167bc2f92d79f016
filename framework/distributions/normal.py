"""The normal distribution."""

import math

from ..creation import randn
from ..ops import elementwise
from .distribution import Distribution, broadcast_all, positive, real


class Normal(Distribution):
    """N(loc, scale^2): exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))."""

    arg_constraints = {"loc": real, "scale": positive}
    support = real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self.scale**2)
    stddev = property(lambda self: self.scale)

    def rsample(self, sample_shape=()):
        """loc + scale e, with e from N(0, 1)."""
        return self.loc + self.scale * randn(self.shape_of(sample_shape), dtype=self.loc.dtype, device=self.loc.device)

    def log_prob(self, value):
        """The logarithm of the density."""
        self.check_value(value)
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def entropy(self):
        """(1 + log 2 pi) / 2 + log scale."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    def cdf(self, value):
        """The probability of at most `value`."""
        self.check_value(value)
        return 0.5 * (1 + elementwise.erf((value - self.loc) / self.scale / math.sqrt(2)))

    def icdf(self, value):
        """The inverse of `cdf`."""
        return self.loc + self.scale * elementwise.erfinv(2 * value - 1) * math.sqrt(2)

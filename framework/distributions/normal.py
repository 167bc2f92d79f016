"""The normal distribution, of numbers and of vectors."""

import math

from ..creation import randn
from ..ops.decompositions import cholesky, eigh, inv, solve_matrices
from ..ops.elementwise import elementwise
from ..ops.promotion import expect
from ..ops.shape import tril
from ..size import broadcast_shapes
from .distribution import Constraint, Distribution, broadcast_all, lazily, one_of, real

positive = Constraint("GreaterThan(lower_bound=0.0)", lambda x: x > 0)
_is_symmetric = elementwise(lambda input, other: abs(input - other) <= 1e-6 + 1e-5 * abs(other))
positive_definite = Constraint("PositiveDefinite()", lambda x: _is_symmetric(x, x.mT).all((-2, -1)) & (eigh(x)[0] > 0).all(-1))
lower_cholesky = Constraint("LowerCholesky()", lambda x: (tril(x) == x).all((-2, -1)) & (x.diagonal(0, -2, -1) > 0).all(-1))
LOG_2PI = math.log(2 * math.pi)


class _Normal(Distribution):
    support = real
    has_rsample = True
    mean = mode = property(lambda self: self.loc)

    def noise(self, sample_shape):
        """Samples of N(0, 1)."""
        return randn(self.shape_of(sample_shape), dtype=self.loc.dtype, device=self.loc.device)


class Normal(_Normal):
    """N(loc, scale^2): exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))."""

    arg_constraints = {"loc": real, "scale": positive}

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    variance = property(lambda self: self.scale**2)

    def rsample(self, sample_shape=()):
        """loc + scale e, with e from N(0, 1)."""
        return self.loc + self.scale * self.noise(sample_shape)

    def log_prob(self, value):
        """The logarithm of the density."""
        self.check_value(value)
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - 0.5 * LOG_2PI

    def entropy(self):
        """(1 + log 2 pi) / 2 + log scale."""
        return 0.5 + 0.5 * LOG_2PI + self.scale.log()

    def cdf(self, value):
        """The probability of at most `value`."""
        self.check_value(value)
        return 0.5 * (1 + ((value - self.loc) / self.scale / math.sqrt(2)).erf())

    def icdf(self, value):
        """The inverse of `cdf`."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def divergence(self, q):
        """(r - 1 - log r + ((loc - q.loc) / q.scale)^2) / 2 with r = (scale / q.scale)^2."""
        ratio = (self.scale / q.scale) ** 2
        return 0.5 * (ratio + ((self.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


class MultivariateNormal(_Normal):
    """N(loc, C) of vectors of length K, with C = L L^T given as `covariance_matrix`, as its inverse or as L: exactly one of them."""

    arg_constraints = {
        "loc": real, "covariance_matrix": positive_definite, "precision_matrix": positive_definite, "scale_tril": lower_cholesky,
    }  # fmt: skip

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        name, matrix = one_of(covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril)
        expect(loc.dim() > 0 and matrix.dim() > 1, f"loc must be at least 1D and {name} 2D, but they are not", ValueError)
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch_shape, -1)
        setattr(self, name, matrix.expand(*batch_shape, -1, -1))
        super().__init__(batch_shape, loc.shape[-1:], validate_args)

    scale_tril = lazily(lambda self: cholesky(self.covariance_matrix))
    precision_matrix = lazily(lambda self: inv(self.covariance_matrix))
    variance = property(lambda self: (self.scale_tril**2).sum(-1))

    @lazily
    def covariance_matrix(self):
        return inv(self.precision_matrix) if "precision_matrix" in self._given else self.scale_tril @ self.scale_tril.mT

    def rsample(self, sample_shape=()):
        """loc + L e, with e from N(0, 1)."""
        return self.loc + (self.scale_tril @ self.noise(sample_shape).unsqueeze(-1)).squeeze(-1)

    def log_volume(self):
        """log det L: half the logarithm of det C."""
        return self.scale_tril.diagonal(0, -2, -1).log().sum(-1)

    def length(self, columns):
        """|L^-1 x|^2 summed over the columns x (…, K, columns): their distance from 0 in units of the spread there."""
        return (solve_matrices(self.scale_tril.tril(), columns) ** 2).sum((-2, -1))

    def log_prob(self, value):
        """-(K log 2 pi + |L^-1 (x - loc)|^2) / 2 - log det L."""
        self.check_value(value)
        return -0.5 * (self.event_shape[0] * LOG_2PI + self.length((value - self.loc).unsqueeze(-1))) - self.log_volume()

    def entropy(self):
        """K (1 + log 2 pi) / 2 + log det L."""
        return 0.5 * self.event_shape[0] * (1 + LOG_2PI) + self.log_volume()

    def divergence(self, q):
        """(tr C_q^-1 C + |L_q^-1 (q.loc - loc)|^2 - K) / 2 + log(det L_q / det L)."""
        expect(self.event_shape == q.event_shape, "KL(p || q) of distributions over different events", ValueError)
        distance = q.length(self.scale_tril) + q.length((q.loc - self.loc).unsqueeze(-1))
        return q.log_volume() - self.log_volume() + 0.5 * (distance - self.event_shape[0])

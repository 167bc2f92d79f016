"""The normal distribution of vectors."""

import math

from ..creation import randn
from ..ops.comparison import isclose
from ..ops.decompositions import cholesky, eigh, inv, solve_matrices
from ..size import broadcast_shapes
from .distribution import Constraint, Distribution, lazily, one_of, real_vector

positive_definite = Constraint("PositiveDefinite()", lambda x: isclose(x, x.mT, atol=1e-6).all((-2, -1)) & (eigh(x)[0] > 0).all(-1))
lower_cholesky = Constraint("LowerCholesky()", lambda x: (x.tril() == x).all((-2, -1)) & (x.diagonal(0, -2, -1) > 0).all(-1))


class MultivariateNormal(Distribution):
    """N(loc, C) of vectors of length K, with C = L L^T given as `covariance_matrix`, as its inverse or as L: exactly one of them."""

    arg_constraints = {
        "loc": real_vector, "covariance_matrix": positive_definite, "precision_matrix": positive_definite, "scale_tril": lower_cholesky,
    }  # fmt: skip
    support = real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        name, matrix = one_of(covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril)
        if loc.dim() < 1 or matrix.dim() < 2:
            raise ValueError(f"loc must be at least 1D and {name} 2D, but they are {loc.dim()}D and {matrix.dim()}D")
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch_shape, loc.shape[-1])
        setattr(self, name, matrix.expand(*batch_shape, *matrix.shape[-2:]))
        super().__init__(batch_shape, loc.shape[-1:], validate_args)

    scale_tril = lazily(lambda self: cholesky(self.covariance_matrix))
    precision_matrix = lazily(lambda self: inv(self.covariance_matrix))

    @lazily
    def covariance_matrix(self):
        return inv(self.precision_matrix) if "precision_matrix" in self._given else self.scale_tril @ self.scale_tril.mT

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: (self.scale_tril**2).sum(-1))

    def rsample(self, sample_shape=()):
        """loc + L e, with e from N(0, 1)."""
        e = randn(self.shape_of(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self.scale_tril @ e.unsqueeze(-1)).squeeze(-1)

    def log_volume(self):
        """log det L: half the logarithm of det C."""
        return self.scale_tril.diagonal(0, -2, -1).log().sum(-1)

    def length(self, columns):
        """|L^-1 x|^2 summed over the columns x (…, K, columns): their distance from 0 in units of the spread there."""
        return (solve_matrices(self.scale_tril.tril(), columns) ** 2).sum((-2, -1))

    def log_prob(self, value):
        """-(K log 2 pi + |L^-1 (x - loc)|^2) / 2 - log det L."""
        self.check_value(value)
        distance = self.length((value - self.loc).unsqueeze(-1))
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + distance) - self.log_volume()

    def entropy(self):
        """K (1 + log 2 pi) / 2 + log det L."""
        return 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi)) + self.log_volume()

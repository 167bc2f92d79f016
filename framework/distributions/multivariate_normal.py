"""The normal distribution of vectors."""

import math

import numpy as np

from ..creation import randn
from ..ops.decompositions import eigh, inv, lower_cholesky, solve_matrices
from ..ops.einsum import diagonal
from .distribution import Constraint, Distribution, lazily, positive, real_vector


def _is_positive_definite(x):
    return ((x - x.mT).abs() <= 1e-6 + 1e-5 * x.mT.abs()).all(-1).all(-1) & (eigh(x)[0] > 0).all(-1)


positive_definite = Constraint("PositiveDefinite()", _is_positive_definite)
lower_triangular = Constraint("LowerCholesky()", lambda x: (x.tril() == x).all(-1).all(-1) & positive.check(diagonal(x, 0, -2, -1)).all(-1))


class MultivariateNormal(Distribution):
    """N(loc, C) of vectors of length K, with C = L L^T given as `covariance_matrix`, as its inverse or as L: exactly one of them."""

    arg_constraints = {
        "loc": real_vector, "covariance_matrix": positive_definite, "precision_matrix": positive_definite, "scale_tril": lower_triangular,
    }  # fmt: skip
    support = real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = np.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        self.loc = loc.expand(*batch_shape, loc.shape[-1])
        self.__dict__[name] = matrix.expand(*batch_shape, *matrix.shape[-2:])
        super().__init__(batch_shape, loc.shape[-1:], validate_args)

    @lazily
    def scale_tril(self):
        return lower_cholesky(self.covariance_matrix)

    @lazily
    def covariance_matrix(self):
        return self.scale_tril @ self.scale_tril.mT if "scale_tril" in self.__dict__ else inv(self.precision_matrix)

    @lazily
    def precision_matrix(self):
        return inv(self.covariance_matrix)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: (self.scale_tril**2).sum(-1))

    def rsample(self, sample_shape=()):
        """loc + L e, with e from N(0, 1)."""
        e = randn(self.shape_of(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self.scale_tril @ e.unsqueeze(-1)).squeeze(-1)

    def log_volume(self):
        """log det L: half the logarithm of det C."""
        return diagonal(self.scale_tril, 0, -2, -1).log().sum(-1)

    def length(self, columns):
        """|L^-1 x|^2 summed over the columns x (…, K, columns): their distance from 0 in units of the spread there."""
        return (solve_matrices(self.scale_tril.tril(), columns) ** 2).sum(-1).sum(-1)

    def log_prob(self, value):
        """-(K log 2 pi + |L^-1 (x - loc)|^2) / 2 - log det L."""
        self.check_value(value)
        distance = self.length((value - self.loc).unsqueeze(-1))
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + distance) - self.log_volume()

    def entropy(self):
        """K (1 + log 2 pi) / 2 + log det L."""
        return 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi)) + self.log_volume()

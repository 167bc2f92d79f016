"""Probability distributions: their densities, moments and samples, with parameters that may need gradients."""

from .discrete import Bernoulli, Categorical
from .distribution import Distribution, Independent, kl_divergence
from .normal import MultivariateNormal, Normal

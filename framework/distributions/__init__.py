"""Probability distributions: their densities, moments and samples, with parameters that may need gradients."""

from .discrete import Bernoulli, Categorical
from .distribution import Distribution, kl_divergence
from .independent import Independent
from .normal import MultivariateNormal, Normal

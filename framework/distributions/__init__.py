"""Probability distributions: their densities, moments and samples, with parameters that may need gradients."""

from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .independent import Independent
from .kl import kl_divergence
from .multivariate_normal import MultivariateNormal
from .normal import Normal

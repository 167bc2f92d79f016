"""Distributions, and derivatives of functions, against SciPy and known formulas: without PyTorch."""

import numpy as np
import pytest
from scipy import stats

import framework
from framework.autograd import functional
from framework.distributions import Bernoulli, Categorical, Independent, MultivariateNormal, Normal, kl_divergence

RANDOM = np.random.default_rng(0)
LOC, SCALE, X = RANDOM.normal(size=(3, 4)), RANDOM.uniform(0.5, 2, (3, 4)), RANDOM.normal(size=(3, 4))
ROOT = np.tril(RANDOM.uniform(0.2, 1, (4, 4))) + np.eye(4)
P = RANDOM.dirichlet(np.ones(4), 3)


def close(ours, expected):
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-10)


def test_normal():
    normal = Normal(framework.tensor(LOC), framework.tensor(SCALE))
    close(normal.log_prob(framework.tensor(X)), stats.norm.logpdf(X, LOC, SCALE))
    close(normal.cdf(framework.tensor(X)), stats.norm.cdf(X, LOC, SCALE))
    close(normal.entropy(), stats.norm.entropy(LOC, SCALE))
    close(normal.icdf(framework.full((3, 4), 0.3, dtype=framework.float64)), stats.norm.ppf(0.3, LOC, SCALE))
    close(Independent(normal, 1).log_prob(framework.tensor(X)), stats.norm.logpdf(X, LOC, SCALE).sum(1))


def test_multivariate_normal():
    ours = MultivariateNormal(framework.tensor(LOC[0]), scale_tril=framework.tensor(ROOT))
    theirs = stats.multivariate_normal(LOC[0], ROOT @ ROOT.T)
    close(ours.log_prob(framework.tensor(X)), theirs.logpdf(X))
    close(ours.entropy(), theirs.entropy())


def test_bernoulli_and_categorical():
    p = P[:, 0]
    close(Bernoulli(framework.tensor(p)).entropy(), stats.bernoulli.entropy(p))
    close(Bernoulli(framework.tensor(p)).log_prob(framework.ones(3, dtype=framework.float64)), np.log(p))
    close(Categorical(framework.tensor(P)).entropy(), stats.entropy(P, axis=1))
    close(Categorical(framework.tensor(P)).log_prob(framework.tensor([0, 3, 1])), np.log(P[[0, 1, 2], [0, 3, 1]]))


def test_kl_divergence_is_the_mean_of_the_logarithm():
    framework.manual_seed(0)
    p, q = Normal(0.3, 0.7), Normal(-0.2, 1.1)
    x = p.sample((200_000,))
    assert kl_divergence(p, q).item() == pytest.approx((p.log_prob(x) - q.log_prob(x)).mean().item(), abs=5e-3)
    close(kl_divergence(Categorical(framework.tensor(P)), Categorical(framework.tensor(P[::-1].copy()))), stats.entropy(P, P[::-1], axis=1))


def test_samples_have_the_moments_and_gradients_flow_through_them():
    framework.manual_seed(0)
    loc = framework.tensor(0.5, requires_grad=True)
    x = Normal(loc, 2.0).rsample((100_000,))
    assert x.mean().item() == pytest.approx(0.5, abs=0.03) and x.std().item() == pytest.approx(2, abs=0.03)
    x.mean().backward()
    assert loc.grad.item() == pytest.approx(1)
    counts = framework.bincount(Categorical(framework.tensor([0.2, 0.5, 0.3])).sample((100_000,)), minlength=3)
    np.testing.assert_allclose(counts.numpy() / 1e5, [0.2, 0.5, 0.3], atol=0.01)


def test_derivatives_of_functions():
    x = framework.tensor([1.0, 2.0], dtype=framework.float64)
    v = framework.tensor([3.0, -1.0], dtype=framework.float64)

    def cubes(x):
        return x**3

    close(functional.jacobian(cubes, x), np.diag([3.0, 12.0]))
    close(functional.hessian(lambda x: cubes(x).sum(), x), np.diag([6.0, 12.0]))
    close(functional.vjp(cubes, x, v)[1], [9, -12])
    close(functional.jvp(cubes, x, v)[1], [9, -12])
    close(functional.hvp(lambda x: cubes(x).sum(), x, v)[1], [18, -12])
    close(functional.vhp(lambda x: cubes(x).sum(), x, v)[1], [18, -12])

"""Distributions against PyTorch's in all that is deterministic, and the statistics of their samples."""

import numpy as np
import pytest

import framework

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

COVARIANCE = [[2.0, 0.5], [0.5, 1.0]]
LOWER = [[1.5, 0.0], [-0.5, 0.7]]
# name -> (how to make it from leaves, the leaves, values to ask about)
CASES = {
    "Normal": (lambda D, m, s: D.Normal(m, s), ([0.5, -1.0], [1.0, 2.0]), [[0.3, 0.1], [1.0, -2.0]]),
    "Normal of a number": (lambda D, m: D.Normal(m, 2), ([[0.5], [-1.0]],), [0.3, 1.0, 2.0]),
    "Bernoulli": (lambda D, p: D.Bernoulli(p), ([0.3, 0.6],), [[0.0, 1.0], [1.0, 0.0]]),
    "Bernoulli logits": (lambda D, x: D.Bernoulli(logits=x), ([0.3, -40.0],), [[0.0, 1.0], [1.0, 0.0]]),
    "Bernoulli 0-d": (lambda D, p: D.Bernoulli(p), (0.3,), [0.0, 1.0]),
    "Categorical": (lambda D, p: D.Categorical(p), ([[1.0, 2.0, 1.0], [0.5, 1.0, 0.25]],), [0, 2]),
    "Categorical logits": (lambda D, x: D.Categorical(logits=x), ([0.5, -1.0, 3.0],), [[0, 1], [2, 2]]),
    "MultivariateNormal": (lambda D, m, c: D.MultivariateNormal(m, c), ([0.0, 1.0], COVARIANCE), [[0.1, 0.2], [1.0, -1.0]]),
    "MultivariateNormal precision": (lambda D, m, c: D.MultivariateNormal(m, precision_matrix=c), ([0.0, 1.0], COVARIANCE), [0.1, 0.2]),
    "MultivariateNormal scale": (lambda D, m, c: D.MultivariateNormal(m, scale_tril=c), ([[0.0, 1.0]], [LOWER, LOWER]), [0.1, 0.2]),
    "Independent": (lambda D, m, s: D.Independent(D.Normal(m, s), 1), ([[0.5, -1.0], [0.0, 0.0]], [1.0, 2.0]), [0.3, 0.1]),
    "Independent of none": (lambda D, p: D.Independent(D.Bernoulli(p), 0), ([0.3, 0.6],), [0.0, 1.0]),
}
QUANTITIES = {
    "log_prob": lambda d, value: d.log_prob(value),
    "entropy": lambda d, value: d.entropy(),
    "mean": lambda d, value: d.mean,
    "mode": lambda d, value: d.mode,
    "variance": lambda d, value: d.variance,
    "stddev": lambda d, value: d.stddev,
    "cdf": lambda d, value: d.cdf(value),
    "icdf": lambda d, value: d.icdf(value.sigmoid()),
    "probs": lambda d, value: d.probs,
    "logits": lambda d, value: d.logits,
    "scale_tril": lambda d, value: d.scale_tril,
    "covariance_matrix": lambda d, value: d.covariance_matrix,
    "precision_matrix": lambda d, value: d.precision_matrix,
}


def same(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-7, atol=1e-7)


def make(name, library):
    build, parameters, value = CASES[name]
    leaves = [library.tensor(each, dtype=library.float64, requires_grad=True) for each in parameters]
    kind = library.int64 if name.startswith("Categorical") else library.float64
    return build(library.distributions, *leaves), leaves, library.tensor(value, dtype=kind)


def text(distribution) -> str:
    return str(distribution).replace("framework.", "torch.")


@pytest.mark.parametrize("name", CASES)
def test_as_pytorch(name):
    """Every quantity that PyTorch's has, with its gradients."""
    asked = 0
    for ask in QUANTITIES.values():
        (ours, our_leaves, our_value), (theirs, their_leaves, their_value) = (make(name, library) for library in (framework, torch))
        assert text(ours) == text(theirs) and ours.support.name in text(theirs.support)
        assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
        assert ours.has_rsample == theirs.has_rsample
        try:
            expected = ask(theirs, their_value)
        except (NotImplementedError, AttributeError) as error:
            with pytest.raises(type(error)):
                ask(ours, our_value)
            continue
        out = ask(ours, our_value)
        same(out, expected)
        assert out.requires_grad == expected.requires_grad
        if out.requires_grad:
            grads = framework.autograd.grad(out.sum(), our_leaves, allow_unused=True)
            their_grads = torch.autograd.grad(expected.sum(), their_leaves, allow_unused=True)
            for a, b in zip(grads, their_grads, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    same(a, b)
        asked += 1
    assert asked >= 6


@pytest.mark.parametrize("name", CASES)
def test_samples_have_the_mean_and_the_variance(name):
    framework.manual_seed(1)
    distribution, leaves, _ = make(name, framework)
    samples = distribution.sample((20000,))
    assert not samples.requires_grad
    assert tuple(samples.shape) == (20000, *distribution.batch_shape, *distribution.event_shape)
    assert tuple(distribution.sample().shape) == tuple(samples.shape[1:])
    if name.startswith("Categorical"):
        shares = framework.stack([(samples == k).double().mean(0) for k in range(3)], -1)
        np.testing.assert_allclose(shares.numpy(), distribution.probs.detach().numpy(), atol=0.015)
    else:
        assert samples.dtype is framework.float64
        spread = distribution.stddev.detach().numpy()
        np.testing.assert_allclose(samples.mean(0).numpy(), distribution.mean.detach().numpy(), atol=0.04 * spread.max())
        np.testing.assert_allclose(samples.var(0).numpy(), distribution.variance.detach().numpy(), atol=0.05 * spread.max() ** 2)
    if distribution.has_rsample:
        grads = framework.autograd.grad(distribution.rsample((5,)).sum(), leaves[:1])
        assert np.allclose(grads[0].numpy().sum(), 5 * np.prod(samples.shape[1:]))  # d sample / d loc = 1
    else:
        with pytest.raises(NotImplementedError):
            distribution.rsample()


def test_covariance_of_samples():
    framework.manual_seed(0)
    samples = framework.distributions.MultivariateNormal(framework.tensor([0.0, 1.0]), framework.tensor(COVARIANCE)).sample((20000,))
    np.testing.assert_allclose(np.cov(samples.numpy().T), COVARIANCE, atol=0.05)


PAIRS = [
    ("Normal", "Normal of a number"), ("Bernoulli", "Bernoulli logits"), ("Categorical", "Categorical logits"),
    ("MultivariateNormal", "MultivariateNormal precision"), ("MultivariateNormal scale", "MultivariateNormal"),
    ("Independent", "Independent"),
]  # fmt: skip


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_kl_divergence(p, q):
    results = []
    for library in (framework, torch):
        (first, leaves, _), (second, others, _) = make(p, library), make(q, library)
        divergence = library.distributions.kl_divergence(first, second)
        results.append([divergence, *library.autograd.grad(divergence.sum(), [*leaves, *others])])
    for a, b in zip(*results, strict=True):
        same(a, b)


def test_kl_divergence_of_the_impossible():
    for library in (framework, torch):
        D = library.distributions
        certain, never = D.Bernoulli(library.tensor([0.0, 1.0])), D.Bernoulli(library.tensor([0.0, 0.0]))
        assert D.kl_divergence(certain, never).tolist() == [0, float("inf")]
        p, q = D.Categorical(library.tensor([0.5, 0.5, 0.0])), D.Categorical(library.tensor([1.0, 0.0, 0.0]))
        assert [D.kl_divergence(p, q).item(), D.kl_divergence(q, q).item()] == [float("inf"), 0]


REFUSED = {
    "scale": (lambda T, D: D.Normal(0.0, T.tensor([-2.0, 1.0])), ValueError,
              r"Expected parameter scale of Normal\(loc: .*to satisfy the constraint "
              r"GreaterThan\(lower_bound=0.0\), but found invalid values:\ntensor\(\[-2.,  1.\]\)"),
    "nan": (lambda T, D: D.Normal(float("nan"), 1.0), ValueError, r"Expected parameter loc .*to satisfy the constraint Real\(\)"),
    "shapes": (lambda T, D: D.Normal(T.zeros(2), T.ones(3)), RuntimeError, "broadcast|match"),
    "probs": (lambda T, D: D.Bernoulli(1.5), ValueError, r"constraint Interval\(lower_bound=0.0, upper_bound=1.0\), but found invalid"),
    "both": (lambda T, D: D.Bernoulli(0.5, 0.5), ValueError, "Exactly one of probs or logits must be specified"),
    "none": (lambda T, D: D.Categorical(), ValueError, "Exactly one of probs or logits must be specified"),
    "0-d": (lambda T, D: D.Categorical(T.tensor(1.0)), ValueError, "`probs` parameter must be at least one-dimensional."),
    "simplex": (lambda T, D: D.Categorical(T.tensor([-1.0, 2.0])), ValueError, r"constraint Simplex\(\)"),
    "loc": (lambda T, D: D.MultivariateNormal(T.tensor(0.0), T.eye(2)), ValueError, "loc must be at least 1D"),
    "matrix": (lambda T, D: D.MultivariateNormal(T.zeros(1), T.ones(1)), ValueError, "covariance_matrix 2D, but"),
    "matrices": (lambda T, D: D.MultivariateNormal(T.zeros(1)), ValueError, "Exactly one of covariance_matrix or precision"),
    "negative": (lambda T, D: D.MultivariateNormal(T.zeros(2), -T.eye(2)), ValueError, r"constraint PositiveDefinite\(\)"),
    "asymmetric": (lambda T, D: D.MultivariateNormal(T.zeros(2), T.tensor([[2, 0.5], [0.4, 1]])), ValueError, "PositiveDefinite"),
    "triangle": (lambda T, D: D.MultivariateNormal(T.zeros(2), scale_tril=T.ones(2, 2)), ValueError, r"constraint LowerCholesky\(\)"),
    "number": (lambda T, D: D.Normal(0.0, 1.0).log_prob(1.0), ValueError, "The value must be a Tensor, not float"),
    "value": (lambda T, D: D.Bernoulli(0.5).log_prob(T.tensor(0.5)), ValueError, r"the value of Bernoulli.*constraint Boolean\(\)"),
    "choice": (lambda T, D: D.Categorical(T.ones(3)).log_prob(T.tensor(3)), ValueError, r"IntegerInterval\(lower_bound=0, upper_bound=2\)"),
    "value shape": (lambda T, D: D.Normal(T.zeros(2), 1.0).log_prob(T.zeros(3)), ValueError, "does not fit batch_shape"),
    "event": (lambda T, D: D.MultivariateNormal(T.zeros(2), T.eye(2)).log_prob(T.zeros(3)), ValueError, "does not fit batch_shape"),
    "dims": (lambda T, D: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "Expected reinterpreted_batch_ndims <= len"),
    "events": (lambda T, D: D.kl_divergence(*(D.MultivariateNormal(T.zeros(n), T.eye(n)) for n in (2, 3))), ValueError,
               "different events"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_pytorch_refuses(name):
    call, kind, message = REFUSED[name]
    for library in (framework, torch):
        with pytest.raises(kind, match=message if library is framework else None):
            call(library, library.distributions)


def test_pairs_without_a_formula_and_derived_classes():
    D = framework.distributions
    with pytest.raises(NotImplementedError, match="No KL"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5))

    class Narrow(D.Normal):
        pass

    assert D.kl_divergence(Narrow(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 0


def test_unchecked():
    for library in (framework, torch):
        D = library.distributions
        assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
        assert D.Normal(library.zeros(2), 1.0, validate_args=False).log_prob(0.5).shape == (2,)
        assert not D.Bernoulli(0.5, validate_args=False).log_prob(library.tensor(0.5)).isnan().any()


def test_a_parameter_first_asked_for_without_recording_still_needs_its_gradient():
    for library in (framework, torch):
        probs = library.tensor([0.3, 0.7], requires_grad=True)
        distribution = library.distributions.Bernoulli(probs)
        with library.no_grad():
            assert distribution.logits.requires_grad

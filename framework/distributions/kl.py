"""Kullback and Leibler's divergence, KL(p || q) = E_p[log p - log q]: a formula for each class, of p and q alike."""

from ..nn.functional import softplus
from ..ops.elementwise import log, where
from .bernoulli import Bernoulli
from .categorical import Categorical
from .independent import Independent
from .multivariate_normal import MultivariateNormal
from .normal import Normal


def kl_divergence(p, q):
    """KL(p || q), one number for each of the batch; NotImplementedError for a pair without a formula."""
    for kind, formula in _FORMULAS.items():
        if isinstance(p, kind) and isinstance(q, kind):
            return formula(p, q)
    raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")


def _term(weight, difference, impossible):
    """weight * difference: nothing where p has no weight, infinite where q says impossible."""
    return where(weight == 0, 0.0, where(impossible, float("inf"), weight * difference))


def _bernoulli(p, q):
    ones = _term(p.probs, softplus(-q.logits) - softplus(-p.logits), q.probs == 0)
    return ones + _term(1 - p.probs, softplus(q.logits) - softplus(p.logits), q.probs == 1)


def _categorical(p, q):
    return _term(p.probs, p.logits - q.logits, q.probs == 0).sum(-1)


def _normal(p, q):
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - log(ratio))


def _multivariate_normal(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL(p || q) of distributions over different events, {p.event_shape} and {q.event_shape}")
    distance = q.length(p.scale_tril) + q.length((q.loc - p.loc).unsqueeze(-1))
    return q.log_volume() - p.log_volume() + 0.5 * (distance - p.event_shape[0])


def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL(p || q) of Independent distributions that reinterpret different numbers of dimensions")
    return p.total(kl_divergence(p.base_dist, q.base_dist))


_FORMULAS = {
    Bernoulli: _bernoulli, Categorical: _categorical, Normal: _normal, MultivariateNormal: _multivariate_normal, Independent: _independent,
}  # fmt: skip

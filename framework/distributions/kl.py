"""Kullback and Leibler's divergence, KL(p || q) = E_p[log p - log q]: one formula for each pair of distributions."""

from ..nn.functional import softplus
from ..ops.elementwise import log, where
from .bernoulli import Bernoulli
from .categorical import Categorical
from .independent import Independent
from .multivariate_normal import MultivariateNormal
from .normal import Normal

_FORMULAS = {}  # (class of p, class of q) -> function


def register_kl(type_p, type_q):
    """Declare the decorated function of (p, q) as the divergence for these classes and those derived from them."""

    def declare(function):
        _FORMULAS[type_p, type_q] = function
        return function

    return declare


def kl_divergence(p, q):
    """KL(p || q), one number for each of the batch; NotImplementedError for a pair without a formula."""
    for type_p in type(p).__mro__:
        for type_q in type(q).__mro__:
            if (type_p, type_q) in _FORMULAS:
                return _FORMULAS[type_p, type_q](p, q)
    raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")


def _term(weight, difference, impossible):
    """weight * difference: nothing where p has no weight, infinite where q says impossible."""
    return where(weight == 0, 0.0, where(impossible, float("inf"), weight * difference))


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    ones = _term(p.probs, softplus(-q.logits) - softplus(-p.logits), q.probs == 0)
    return ones + _term(1 - p.probs, softplus(q.logits) - softplus(p.logits), q.probs == 1)


@register_kl(Categorical, Categorical)
def _(p, q):
    return _term(p.probs, p.logits - q.logits, q.probs == 0).sum(-1)


@register_kl(Normal, Normal)
def _(p, q):
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - log(ratio))


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL(p || q) of distributions over different events, {p.event_shape} and {q.event_shape}")
    distance = q.length(p.scale_tril) + q.length((q.loc - p.loc).unsqueeze(-1))
    return q.log_volume() - p.log_volume() + 0.5 * (distance - p.event_shape[0])


@register_kl(Independent, Independent)
def _(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL(p || q) of Independent distributions that reinterpret different numbers of dimensions")
    return p.total(kl_divergence(p.base_dist, q.base_dist))

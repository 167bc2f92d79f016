"""One toss of a coin, and one choice of several."""

import ml_dtypes

from ..creation import rand
from ..nn.functional import binary_cross_entropy_with_logits, softplus
from ..ops.elementwise import elementwise, where
from ..ops.promotion import expect
from ..sampling import choice
from ..size import broadcast_shapes
from .distribution import Constraint, Distribution, broadcast_all, lazily, one_of, real

unit_interval = Constraint("Interval(lower_bound=0.0, upper_bound=1.0)", lambda x: (x >= 0) & (x <= 1))
simplex = Constraint("Simplex()", lambda x: (x >= 0).all(-1) & (abs(x.sum(-1) - 1) < 1e-6))


_is_one_of = elementwise(lambda input, last: (input % 1 == 0) & (input >= 0) & (input <= last))  # of 0, …, last


def _kept_inside(probs):
    """Probabilities away from 0 and 1 by the precision of their type, so that their logarithms are finite."""
    eps = float(ml_dtypes.finfo(probs.dtype.numpy).eps)
    return probs.clamp(eps, 1 - eps)


def _term(weight, difference, impossible):
    """weight * difference, a term of KL(p || q): nothing where p has no weight, infinite where q says impossible."""
    return where(weight == 0, 0.0, where(impossible, float("inf"), weight * difference))


class Bernoulli(Distribution):
    """1 with probability `probs` = sigmoid(`logits`), else 0."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = Constraint("Boolean()", lambda x: (x == 0) | (x == 1))

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, given = one_of(probs=probs, logits=logits)
        (given,) = broadcast_all(given)
        setattr(self, name, given)
        super().__init__(given.shape, validate_args=validate_args)

    probs = lazily(lambda self: self.logits.sigmoid())
    logits = lazily(lambda self: _kept_inside(self.probs).log() - (-_kept_inside(self.probs)).log1p())
    mean = property(lambda self: self.probs)
    mode = property(lambda self: where(self.probs == 0.5, float("nan"), (self.probs >= 0.5).to(self.probs.dtype)))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        """Random zeros and ones, (*sample_shape, *batch_shape)."""
        probs = self.probs.detach()
        return (rand(self.shape_of(sample_shape), dtype=probs.dtype, device=probs.device) < probs).to(probs.dtype)

    def log_prob(self, value):
        """x log p + (1 - x) log(1 - p)."""
        self.check_value(value)
        return -binary_cross_entropy_with_logits(*broadcast_all(self.logits, value), reduction="none")

    def entropy(self):
        """-p log p - (1 - p) log(1 - p)."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def divergence(self, q):
        """p log(p / q) + (1 - p) log((1 - p) / (1 - q))."""
        ones = _term(self.probs, softplus(-q.logits) - softplus(-self.logits), q.probs == 0)
        return ones + _term(1 - self.probs, softplus(q.logits) - softplus(self.logits), q.probs == 1)


class Categorical(Distribution):
    """k with probability probs[k], of the last dimension's K; or softmax(logits)[k].  What is given is normalised."""

    arg_constraints = {"probs": simplex, "logits": real}

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, given = one_of(probs=probs, logits=logits)
        expect(given.dim() >= 1, f"`{name}` parameter must be at least one-dimensional.", ValueError)
        setattr(self, name, given / given.sum(-1, True) if name == "probs" else given.log_softmax(-1))
        last = given.shape[-1] - 1
        self.support = Constraint(f"IntegerInterval(lower_bound=0, upper_bound={last})", lambda x: _is_one_of(x, last))
        super().__init__(given.shape[:-1], validate_args=validate_args)

    probs = lazily(lambda self: self.logits.softmax(-1))
    logits = lazily(lambda self: _kept_inside(self.probs).log())
    mean = variance = property(lambda self: self.probs.detach().sum(-1) * float("nan"))  # choices have no order
    mode = property(lambda self: self.probs.argmax(-1))

    def sample(self, sample_shape=()):
        """Random choices, int64 (*sample_shape, *batch_shape)."""
        weights = self.logits.detach().exp() if "logits" in self.__dict__ else self.probs.detach()
        return choice(weights, self.shape_of(sample_shape))

    def log_prob(self, value):
        """log probs[x]."""
        self.check_value(value)
        shape = broadcast_shapes(value.shape, self.batch_shape)
        logits = self.logits if shape == self.batch_shape else self.logits.expand(*shape, -1)
        return logits.gather(-1, value.long().expand(shape).unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        """-sum p log p."""
        lowest = float(ml_dtypes.finfo(self.logits.dtype.numpy).min)  # in place of -inf, which times 0 is nan
        return -(self.probs * self.logits.clamp(min=lowest)).sum(-1)

    def divergence(self, q):
        """sum p log(p / q)."""
        return _term(self.probs, self.logits - q.logits, q.probs == 0).sum(-1)

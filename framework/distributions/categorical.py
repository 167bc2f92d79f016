"""One choice of several."""

import ml_dtypes

from ..creation import rand
from ..dtypes import float64
from ..ops.activation import softmax
from ..ops.reduce import argmax, logsumexp
from ..size import broadcast_shapes
from .distribution import Constraint, Distribution, kept_inside, lazily, one_of, real_vector, simplex


class Categorical(Distribution):
    """k with probability probs[k], of the last dimension's K; or softmax(logits)[k].  What is given is normalised."""

    arg_constraints = {"probs": simplex, "logits": real_vector}

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, given = one_of(probs=probs, logits=logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        setattr(self, name, given / given.sum(-1, True) if name == "probs" else given - logsumexp(given, -1, True))
        self._choices = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    probs = lazily(lambda self: softmax(self.logits, -1))
    logits = lazily(lambda self: kept_inside(self.probs).log())
    mean = variance = property(lambda self: self.probs.detach().sum(-1) * float("nan"))  # choices have no order
    mode = property(lambda self: argmax(self.probs, -1))

    @property
    def support(self):
        last = self._choices - 1
        return Constraint(f"IntegerInterval(lower_bound=0, upper_bound={last})", lambda x: (x % 1 == 0) & (x >= 0) & (x <= last))

    def sample(self, sample_shape=()):
        """Random choices, int64 (*sample_shape, *batch_shape): how many of the cumulated probabilities a uniform number reaches."""
        ladder = self.probs.detach().to(float64).cumsum(-1)
        height = rand((*self.shape_of(sample_shape), 1), dtype=float64, device=ladder.device) * ladder[..., -1:]
        return (height >= ladder).sum(-1)

    def log_prob(self, value):
        """log probs[x]."""
        self.check_value(value)
        shape = broadcast_shapes(value.shape, self.batch_shape)
        logits = self.logits.expand(*shape, self._choices)
        return logits.gather(-1, value.long().expand(shape).unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        """-sum p log p."""
        lowest = float(ml_dtypes.finfo(self.logits.dtype.numpy).min)  # in place of -inf, which times 0 is nan
        return -(self.probs * self.logits.clamp(min=lowest)).sum(-1)

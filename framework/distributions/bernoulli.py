"""One toss of a coin."""

from ..creation import rand
from ..nn.functional.loss import binary_cross_entropy_with_logits
from ..ops.elementwise import log, log1p, sigmoid, where
from .distribution import Distribution, boolean, broadcast_all, kept_inside, lazily, one_of, real, unit_interval


class Bernoulli(Distribution):
    """1 with probability `probs` = sigmoid(`logits`), else 0."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = boolean

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, given = one_of(probs=probs, logits=logits)
        (given,) = broadcast_all(given)
        setattr(self, name, given)
        super().__init__(given.shape, validate_args=validate_args)

    probs = lazily(lambda self: sigmoid(self.logits))
    logits = lazily(lambda self: log(kept_inside(self.probs)) - log1p(-kept_inside(self.probs)))
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

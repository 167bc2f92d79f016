"""What all distributions share: shapes, checks of parameters and values, and how they print."""

from functools import cached_property, reduce

import ml_dtypes

from ..autograd import enable_grad, no_grad
from ..creation import tensor
from ..tensor import Size, Tensor


class Constraint:
    """A set that values must lie in: how it prints, and which elements (or events) are inside."""

    def __init__(self, name: str, check):
        self.name, self.check = name, check

    def __repr__(self) -> str:
        return self.name


real = Constraint("Real()", lambda x: x == x)
real_vector = Constraint("IndependentConstraint(Real(), 1)", lambda x: (x == x).all(-1))
positive = Constraint("GreaterThan(lower_bound=0.0)", lambda x: x > 0)
unit_interval = Constraint("Interval(lower_bound=0.0, upper_bound=1.0)", lambda x: (x >= 0) & (x <= 1))
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1))
simplex = Constraint("Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6))


class Distribution:
    """A distribution over events of `event_shape`, an independent one for each index of `batch_shape`."""

    arg_constraints: dict = {}
    support: Constraint | None = None
    has_rsample = False
    has_enumerate_support = False

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self.batch_shape, self.event_shape = Size(batch_shape), Size(event_shape)
        self._validate_args = __debug__ if validate_args is None else validate_args
        self._given = [name for name in self.arg_constraints if name in self.__dict__]
        for name in self._given if self._validate_args else ():
            constraint = self.arg_constraints[name]
            where = f"of distribution {self!r} to satisfy the constraint {constraint}"
            self._check(constraint, f"parameter {name}", getattr(self, name), where)

    def _check(self, constraint, what, value, where) -> None:
        if not constraint.check(value.detach()).all():
            raise ValueError(f"Expected {what} (Tensor of shape {tuple(value.shape)}) {where}, but found invalid values:\n{value}")

    def check_value(self, value) -> None:
        """ValueError unless `value` is a tensor of events that this distribution can have."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        expected, got, events = self.batch_shape + self.event_shape, value.shape, len(self.event_shape)
        if tuple(got[len(got) - events :]) != self.event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {got} vs {self.event_shape}.")
        if any(m != n and 1 not in (m, n) for m, n in zip(reversed(got), reversed(expected), strict=False)):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {got} vs {Size(expected)}.")
        where = f"to be within the support ({self.support}) of the distribution {self!r}"
        self._check(self.support, "value argument", value, where)

    stddev = property(lambda self: self.variance.sqrt())

    def shape_of(self, sample_shape) -> Size:
        """The shape of `sample_shape` samples."""
        return Size((*sample_shape, *self.batch_shape, *self.event_shape))

    def sample(self, sample_shape=()):
        """Random events, (*sample_shape, *batch_shape, *event_shape), that need no gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def _not_offered(self, *args, **options):
        raise NotImplementedError(f"{type(self).__name__} does not offer this: it has no formula for it")

    rsample = log_prob = entropy = cdf = icdf = enumerate_support = _not_offered

    def perplexity(self):
        """exp(entropy)."""
        return self.entropy().exp()

    def expand(self, batch_shape):
        """The same distribution repeated to a larger batch."""
        own = len(self.batch_shape)
        given = {name: getattr(self, name) for name in self._given}
        given = {name: each.expand((*batch_shape, *each.shape[own:])) for name, each in given.items()}
        return type(self)(**given, validate_args=self._validate_args)

    def __repr__(self) -> str:
        known = [(name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__]
        return f"{type(self).__name__}({', '.join(f'{name}: {each if each.numel() == 1 else each.shape}' for name, each in known)})"


def lazily(function):
    """A parameter computed from the one that was given, when first asked for, and kept."""
    return cached_property(enable_grad(function))


def broadcast_all(*values) -> list:
    """`values` as tensors of one shape; numbers take the type of the first tensor, or the default one."""
    first = next((each for each in values if isinstance(each, Tensor)), tensor(0.0))
    tensors = [each if isinstance(each, Tensor) else tensor(each, dtype=first.dtype, device=first.device) for each in values]
    shape = reduce(lambda a, b: a + b, tensors).shape
    return [each.expand(shape) for each in tensors]


def probs_or_logits(probs, logits) -> None:
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def kept_inside(probs):
    """Probabilities away from 0 and 1 by the precision of their type, so that their logarithms are finite."""
    eps = float(ml_dtypes.finfo(probs.dtype.numpy).eps)
    return probs.clamp(eps, 1 - eps)

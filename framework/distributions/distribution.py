"""What all distributions share: shapes, checks of parameters and values, and how they print."""

from functools import cached_property

import ml_dtypes

from ..autograd import enable_grad, no_grad
from ..creation import tensor
from ..ops.forms import broadcast_tensors
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

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self.batch_shape, self.event_shape = Size(batch_shape), Size(event_shape)
        self._validate_args = __debug__ if validate_args is None else validate_args
        self._given = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        for name, value in self._given.items():
            self._check(self.arg_constraints[name], f"parameter {name}", value)

    def _check(self, constraint, what, value) -> None:
        if self._validate_args and not constraint.check(value.detach()).all():
            raise ValueError(f"Expected {what} of {self!r} to satisfy the constraint {constraint}, but found invalid values:\n{value}")

    def check_value(self, value) -> None:
        """ValueError unless `value` is a tensor of events that this distribution can have."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError(f"The value must be a Tensor, not {type(value).__name__}")
        expected, got, events = self.batch_shape + self.event_shape, value.shape, len(self.event_shape)
        pairs = zip(reversed(got), reversed(expected), strict=False)
        if got[len(got) - events :] != self.event_shape or any(m != n and 1 not in (m, n) for m, n in pairs):
            raise ValueError(f"The value's shape {got} does not fit batch_shape + event_shape, {expected}")
        self._check(self.support, "the value", value)

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

    rsample = log_prob = entropy = cdf = icdf = _not_offered

    def __repr__(self) -> str:
        given = ", ".join(f"{name}: {each if each.numel() == 1 else each.shape}" for name, each in self._given.items())
        return f"{type(self).__name__}({given})"


def lazily(function):
    """A parameter computed from the one that was given, when first asked for, and kept."""
    return cached_property(enable_grad(function))


def one_of(**parameters) -> tuple:
    """The name and the value of the one parameter that was given."""
    given = [each for each in parameters.items() if each[1] is not None]
    if len(given) != 1:
        raise ValueError(f"Exactly one of {' or '.join(parameters)} must be specified")
    return given[0]


def broadcast_all(*values) -> tuple:
    """`values` as tensors of one shape; numbers take the type of the first tensor, or the default one."""
    like = next((each for each in values if isinstance(each, Tensor)), tensor(0.0))
    return broadcast_tensors([each if isinstance(each, Tensor) else tensor(each, dtype=like.dtype, device=like.device) for each in values])


def kept_inside(probs):
    """Probabilities away from 0 and 1 by the precision of their type, so that their logarithms are finite."""
    eps = float(ml_dtypes.finfo(probs.dtype.numpy).eps)
    return probs.clamp(eps, 1 - eps)

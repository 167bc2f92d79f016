"""What all distributions share: shapes, checks of parameters and values, and how they print."""

from collections import namedtuple
from functools import cached_property

from ..autograd import enable_grad, no_grad
from ..creation import tensor
from ..ops.forms import broadcast_tensors
from ..tensor import Size, Tensor

Constraint = namedtuple("Constraint", "name check")  # a set that values must lie in, and which elements (or events) are inside
real = Constraint("Real()", lambda x: x == x)


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
            raise ValueError(f"Expected {what} of {self!r} to satisfy the constraint {constraint.name}, but found invalid values:\n{value}")

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

    rsample = log_prob = entropy = cdf = icdf = divergence = _not_offered

    def __repr__(self) -> str:
        given = ", ".join(f"{name}: {each if each.numel() == 1 else each.shape}" for name, each in self._given.items())
        return f"{type(self).__name__}({given})"


def kl_divergence(p, q):
    """Kullback and Leibler's KL(p || q) = E_p[log p - log q], one number for each of the batch, of two distributions of one kind."""
    if type(p).divergence is not type(q).divergence:
        raise NotImplementedError(f"No KL(p || q) of p of type {type(p).__name__} and q of type {type(q).__name__}")
    return p.divergence(q)


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

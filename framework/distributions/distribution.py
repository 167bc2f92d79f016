"""What all distributions share: shapes, checks of parameters and values, how they print, and how many are seen as one."""

from collections import namedtuple
from functools import cached_property

from ..autograd import enable_grad, no_grad
from ..creation import tensor
from ..device import gpus
from ..ops.forms import broadcast_tensors
from ..ops.promotion import expect
from ..tensor import Size, Tensor

Constraint = namedtuple("Constraint", "name check")  # a set of values, and which elements (or events) of an array are inside
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
        if self._validate_args and not gpus.recording and not constraint.check(value._array).all():
            raise ValueError(f"Expected {what} of {self!r} to satisfy the constraint {constraint.name}, but found invalid values:\n{value}")

    def check_value(self, value) -> None:
        """ValueError unless `value` is a tensor of events that this distribution can have."""
        if not self._validate_args:
            return
        expect(isinstance(value, Tensor), f"The value must be a Tensor, not {type(value).__name__}", ValueError)
        expected, got, events = self.batch_shape + self.event_shape, value.shape, len(self.event_shape)
        pairs = zip(reversed(got), reversed(expected), strict=False)
        fits = got == expected or got[len(got) - events :] == self.event_shape and all(m == n or 1 in (m, n) for m, n in pairs)
        expect(fits, f"The value's shape {got} does not fit batch_shape + event_shape, {expected}", ValueError)
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
    expect(type(p).divergence is type(q).divergence, f"No KL(p || q) is known for p = {p} and q = {q}", NotImplementedError)
    return p.divergence(q)


def _the_bases(name):
    return property(lambda self: getattr(self.base_dist, name), doc=f"`{name}` of the distribution underneath.")


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` dimensions of a distribution's batch as part of its events, independent of each other."""

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        batch, count = base_distribution.batch_shape, reinterpreted_batch_ndims
        expect(count <= len(batch), f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), got {count}", ValueError)
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        super().__init__(batch[: len(batch) - count], batch[len(batch) - count :] + base_distribution.event_shape, validate_args)

    support, has_rsample, mean, mode = map(_the_bases, ("support", "has_rsample", "mean", "mode"))
    variance, sample, rsample = map(_the_bases, ("variance", "sample", "rsample"))

    def total(self, values):
        """Summed over the dimensions that belong to an event."""
        return values.sum(tuple(range(-self.reinterpreted_batch_ndims, 0))) if self.reinterpreted_batch_ndims else values

    def log_prob(self, value):
        """The sum of the logarithms: the parts are independent."""
        return self.total(self.base_dist.log_prob(value))

    def entropy(self):
        """The sum of the entropies."""
        return self.total(self.base_dist.entropy())

    def divergence(self, q):
        """The sum of the divergences."""
        same = self.reinterpreted_batch_ndims == q.reinterpreted_batch_ndims
        expect(same, "KL(p || q) of Independent distributions that reinterpret different numbers of dimensions", NotImplementedError)
        return self.total(kl_divergence(self.base_dist, q.base_dist))

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


def lazily(function):
    """A parameter computed from the one that was given, when first asked for, and kept."""
    return cached_property(enable_grad(function))


def one_of(**parameters) -> tuple:
    """The name and the value of the one parameter that was given."""
    given = [each for each in parameters.items() if each[1] is not None]
    expect(len(given) == 1, f"Exactly one of {' or '.join(parameters)} must be specified", ValueError)
    return given[0]


def broadcast_all(*values) -> tuple:
    """`values` as tensors of one shape; numbers take the type of the first tensor, or the default one."""
    like = next((each for each in values if isinstance(each, Tensor)), tensor(0.0))
    return broadcast_tensors([each if isinstance(each, Tensor) else tensor(each, dtype=like.dtype, device=like.device) for each in values])

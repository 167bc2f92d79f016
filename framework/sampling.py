"""Random numbers in tensors: functions whose parameters are tensors, and in-place fills.

A fill maps uniform numbers u in [0, 1) to a distribution by the inverse of its cumulative distribution function.
"""

import numpy as np

from . import creation, dtypes, random
from .autograd.inplace import check_writable, overwrite
from .autograd.op import cast
from .autograd.variable import Variable
from .device import array_module
from .size import broadcast_shapes

# name: (how the numbers are drawn, the values from them, what must hold of the parameters)
FILLS = {
    "uniform_": (random.uniform, lambda u, from_=0.0, to=1.0: u * (to - from_) + from_, lambda from_=0.0, to=1.0: from_ <= to),
    "exponential_": (random.uniform, lambda u, lambd=1.0: -np.log1p(-u) / lambd, lambda lambd=1.0: lambd > 0),
    "normal_": (random.normal, lambda z, mean=0.0, std=1.0: z * std + mean, lambda mean=0.0, std=1.0: std >= 0),
}


def _overwrite(self, array):
    check_writable(self)
    return overwrite(self, cast(Variable.wrap(array), self._array.dtype))


def _fill(name, draw, formula, valid):
    def fill(self, *parameters, generator=None, **named):
        if "from" in named:  # not a name in Python
            named["from_"] = named.pop("from")
        if not valid(*parameters, **named):
            raise RuntimeError(f"{name}: parameters outside of their range: {parameters or named}")
        creation.floating(self.dtype)
        numbers = draw(self._array.shape, self._array.dtype, generator, array_module(self._array))
        return _overwrite(self, formula(numbers, *parameters, **named))

    fill.__name__, fill.__doc__ = name, f"Overwrite with random numbers of the {name.strip('_')} distribution."
    return fill


def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite with ones, of probability `p` (a number, or a tensor that broadcasts), and zeros."""
    p = p._array if isinstance(p, Variable) else np.asarray(p)
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    kind = dtypes.get_default_dtype().numpy
    return _overwrite(self, random.uniform(self._array.shape, kind, generator, array_module(self._array)) < p)


def random_(self, from_=None, to=None, *, generator=None):
    """Overwrite with integers from `from_` up to, but not including, `to`; left out, all that the type holds exactly from 0 on."""
    if to is None:
        from_, to = 0, from_
    if to is None:
        exact = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8, "bool": 1}
        bits = exact.get(self.dtype.name) or np.iinfo(self._array.dtype).bits - self.dtype.is_signed
        to = (1 << bits) + self.dtype.is_floating_point
    if from_ >= to:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={from_} >= to={to}")
    if self._array.dtype.kind in "iu" and not np.iinfo(self._array.dtype).min <= from_ < to <= np.iinfo(self._array.dtype).max + 1:
        raise RuntimeError(f"random_: from or to - 1 is out of bounds for {self.dtype.name}")
    return _overwrite(self, random.integers(from_, to, self._array.shape, generator, array_module(self._array)))


METHODS = {"bernoulli_": bernoulli_, "random_": random_, **{name: _fill(name, *row) for name, row in FILLS.items()}}


def bernoulli(input, p=None, *, generator=None):
    """Ones and zeros in the shape and type of `input`, which holds each element's probability of a one, unless `p` says it."""
    return creation.empty_like(input).bernoulli_(input.detach() if p is None else p, generator=generator)


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None):
    """Normal random numbers; `mean` and `std` are numbers, with the shape `size`, or tensors with an element for each result."""
    tensors = [each for each in (mean, std) if isinstance(each, Variable)]
    if np.any((std._array if isinstance(std, Variable) else np.asarray(std)) < 0):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if not tensors:
        return creation.empty(size, dtype=dtype, device=device).normal_(mean, std, generator=generator)
    shape = broadcast_shapes(*(each.shape for each in tensors))
    return creation.randn(shape, dtype=tensors[0].dtype, device=tensors[0].device, generator=generator) * std + mean


def multinomial(input, num_samples, replacement=False, *, generator=None):
    """Indices drawn with the weights in `input`, (n) or (rows, n), each row by itself: (num_samples) or (rows, num_samples), int64.

    Without replacement: the largest of the keys log(u) / weight, for u uniform (Efraimidis and Spirakis, 2006, Weighted random sampling
    with a reservoir).
    """
    weights = input._array.astype(np.float64)
    if input.ndim not in (1, 2) or not input.is_floating_point():
        raise RuntimeError(f"multinomial expects floating weights of 1 or 2 dimensions, but got {input.ndim} of {input.dtype}")
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any(-1).all():
        raise RuntimeError("multinomial expects weights that are finite and not negative, one at least in a row above zero")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    module = array_module(weights)
    if replacement:
        u = random.uniform((*weights.shape[:-1], 1, num_samples), np.float64, generator, module)
        cumulative = weights.cumsum(-1)[..., None]
        return Variable.wrap((cumulative <= u * cumulative[..., -1:, :]).sum(-2))
    keys = np.log(random.uniform(weights.shape, np.float64, generator, module)) / weights
    return Variable.wrap(module.argsort(-keys, -1)[..., :num_samples])

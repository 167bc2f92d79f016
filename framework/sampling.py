"""Random numbers in tensors: in-place fills, and functions whose parameters are tensors."""

import numpy as np
from ml_dtypes import finfo

from . import creation, dtypes, random
from .autograd.inplace import check_writable, overwrite
from .autograd.op import cast
from .autograd.variable import Variable
from .device import array_module
from .offered import expect
from .size import broadcast_shapes


def _overwrite(self, array):
    check_writable(self)
    return overwrite(self, cast(Variable.wrap(array), self._array.dtype))


def _drawn(self, draw, generator):
    """Random numbers for all elements of a floating tensor."""
    creation.floating(self.dtype)
    return draw(self._array.shape, self._array.dtype, generator, array_module(self._array))


def uniform_(self, from_=0.0, to=1.0, *, generator=None):
    """Overwrite with uniform random numbers in [from_, to)."""
    expect(from_ <= to, f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    return _overwrite(self, _drawn(self, random.uniform, generator) * (to - from_) + from_)


def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrite with random numbers of the normal distribution."""
    expect(std >= 0, f"normal_ expects std >= 0.0, but found std {std}")
    return _overwrite(self, _drawn(self, random.normal, generator) * std + mean)


def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrite with random numbers of the exponential distribution: -log(1 - u) / lambd, for u uniform."""
    expect(lambd > 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return _overwrite(self, -np.log1p(-_drawn(self, random.uniform, generator)) / lambd)


def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite with ones, of probability `p` (a number, or a tensor that broadcasts), and zeros."""
    p = p._array if isinstance(p, Variable) else np.asarray(p)
    expect(((p >= 0) & (p <= 1)).all(), f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    kind = dtypes.get_default_dtype().numpy
    return _overwrite(self, random.uniform(self._array.shape, kind, generator, array_module(self._array)) < p)


def random_(self, from_=None, to=None, *, generator=None):
    """Overwrite with integers from `from_` up to, but not including, `to`; left out, all that the type holds exactly from 0 on."""
    dtype, kind = self._array.dtype, self._array.dtype.kind
    end = 2 if kind == "b" else (2 << finfo(dtype).nmant) + 1 if kind in "fV" else int(np.iinfo(dtype).max) + 1
    from_, to = (0, end if from_ is None else from_) if to is None else (from_, to)
    fits = kind not in "iu" or np.iinfo(dtype).min <= from_ <= to <= end
    expect(fits and from_ < to, f"random_ expects from < to, both in the range of {self.dtype.name}, but got from={from_}, to={to}")
    return _overwrite(self, random.integers(from_, to, self._array.shape, generator, array_module(self._array)))


METHODS = {each.__name__: each for each in (uniform_, normal_, exponential_, bernoulli_, random_)}


def bernoulli(input, p=None, *, generator=None):
    """Ones and zeros in the shape and type of `input`, which holds each element's probability of a one, unless `p` says it."""
    return creation.empty_like(input).bernoulli_(input.detach() if p is None else p, generator=generator)


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None):
    """Normal random numbers; `mean` and `std` are numbers, with the shape `size`, or tensors with an element for each result."""
    tensors = [each for each in (mean, std) if isinstance(each, Variable)]
    expect(np.all((std._array if isinstance(std, Variable) else np.asarray(std)) >= 0), "normal expects all elements of std >= 0.0")
    if not tensors:
        return creation.empty(size, dtype=dtype, device=device).normal_(mean, std, generator=generator)
    shape = broadcast_shapes(*(each.shape for each in tensors))
    return creation.randn(shape, dtype=tensors[0].dtype, device=tensors[0].device, generator=generator) * std + mean


def choice(weights, shape):
    """Indices drawn with the `weights` (…, K), int64 (*samples, …): how many of the cumulated weights a uniform number reaches."""
    ladder = weights._array.astype(np.float64).cumsum(-1)
    height = random.uniform((*shape, 1), np.float64, None, array_module(ladder)) * ladder[..., -1:]
    return Variable.wrap((height >= ladder).sum(-1))


def multinomial(input, num_samples, replacement=False, *, generator=None):
    """Indices drawn with the weights in `input`, (n) or (rows, n), each row by itself: (num_samples) or (rows, num_samples), int64.

    With replacement: where u falls between the cumulative weights; without: the largest keys log(u) / weight (Efraimidis, Spirakis, 2006).
    """
    weights = input._array.astype(np.float64)
    expect(input.ndim in (1, 2) and input.is_floating_point(), "multinomial expects floating weights of 1 or 2 dimensions")
    valid = (np.isfinite(weights) & (weights >= 0)).all() and weights.any(-1).all()
    expect(valid, "multinomial expects weights that are finite and not negative, one at least in a row above zero")
    expect(replacement or num_samples <= weights.shape[-1], "cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    module = array_module(weights)
    if replacement:
        cumulative = weights.cumsum(-1).reshape(-1, weights.shape[-1])
        uniform = random.uniform((len(cumulative), num_samples), np.float64, generator, module)
        out = [module.searchsorted(each / each[-1], u, side="right") for each, u in zip(cumulative, uniform, strict=True)]
        return Variable.wrap(module.asarray(out, np.int64).reshape(*weights.shape[:-1], num_samples))
    keys = np.log(random.uniform(weights.shape, np.float64, generator, module)) / weights
    return Variable.wrap(module.argsort(-keys, -1)[..., :num_samples])

"""Dropout."""

import warnings

from ... import random
from ...ops import random as ops
from .activation import SELU_ALPHA, SELU_SCALE, overwriting


def check_probability(p) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropout(input, p, training, inplace, shape):
    """Drop whole slices: the random mask has `shape`, and is broadcast."""
    check_probability(p)
    if not training or p == 0:
        return input

    def drop(input):
        if p == 1:
            return input * 0
        if shape == tuple(input.shape):
            return ops.dropout(input, p, *random.default_generator.take(input.numel()))
        ones = input.new_ones(shape)
        return input * ops.dropout(ones, p, *random.default_generator.take(ones.numel()))

    return overwriting(inplace, drop, input)


def dropout(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """In training, zero each element with probability `p` and divide the others by 1 - p (Srivastava et al., 2014)."""
    return _dropout(input, p, training, inplace, tuple(input.shape))


def alpha_dropout(input, p: float = 0.5, training: bool = False, inplace: bool = False):
    """In training, put selu's lower limit -s in place of each element with probability `p`, then scale and shift: mean and variance stay.

    a (x or -s) + a p s, with a = ((1 - p) (1 + p s^2))^(-1/2) (Klambauer et al., 2017).
    """
    check_probability(p)
    if not training or p == 0:
        return input
    if p == 1:
        return overwriting(inplace, lambda x: x * 0, input)
    limit = SELU_ALPHA * SELU_SCALE
    scale = ((1 - p) * (1 + p * limit**2)) ** -0.5
    ones = input.new_ones(input.shape)
    kept = ops.dropout(ones, p, *random.default_generator.take(ones.numel())) * (1 - p)
    return overwriting(inplace, lambda x: x * kept * scale + ((kept - 1) * limit + p * limit) * scale, input)


def _channel_dropout(dims):
    def drop(input, p: float = 0.5, training: bool = True, inplace: bool = False):
        leading = input.ndim - dims  # (N, C) or, unbatched, (C)
        if dims == 1 and leading not in (1, 2):
            raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
        if leading not in (1, 2):
            warnings.warn(f"dropout{dims}d: Received a {input.ndim}-D input: its first two dimensions are taken for N, C.", stacklevel=2)
        if dims == 2 and leading == 1:
            warnings.warn("dropout2d: Received a 3D input, which is taken for (N, C, L): use dropout1d for it.", stacklevel=2)
        kept = 1 if leading == 1 and dims != 2 else 2
        return _dropout(input, p, training, inplace, (*input.shape[:kept], *(1,) * (input.ndim - kept)))

    drop.__name__ = f"dropout{dims}d"
    drop.__doc__ = "In training, zero whole channels with probability `p` and divide the others by 1 - p (Tompson et al., 2015)."
    return drop


dropout1d, dropout2d, dropout3d = _channel_dropout(1), _channel_dropout(2), _channel_dropout(3)

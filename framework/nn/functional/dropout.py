"""Dropout."""

from ... import random
from ...ops import random as ops
from .activation import overwriting


def _dropout(input, p, training, inplace, shape):
    """Drop whole slices: the random mask has `shape`, and is broadcast."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        out = input * 0
    elif shape == tuple(input.shape):
        out = ops.dropout(input, p, *random.default_generator.take(input.numel()))
    else:
        ones = input.new_ones(shape)
        out = input * ops.dropout(ones, p, *random.default_generator.take(ones.numel()))
    return overwriting(inplace, input, out)


def dropout(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """In training, zero each element with probability `p` and divide the others by 1 - p (Srivastava et al., 2014)."""
    return _dropout(input, p, training, inplace, tuple(input.shape))


def _channel_dropout(dims):
    def drop(input, p: float = 0.5, training: bool = True, inplace: bool = False):
        channels = input.ndim - dims
        return _dropout(input, p, training, inplace, (*input.shape[:channels], *(1,) * dims))

    drop.__name__ = f"dropout{dims}d"
    drop.__doc__ = "In training, zero whole channels with probability `p` and divide the others by 1 - p (Tompson et al., 2015)."
    return drop


dropout1d, dropout2d, dropout3d = _channel_dropout(1), _channel_dropout(2), _channel_dropout(3)

"""Dropout: in training, zero at random, so that no unit can rely on another."""

from ... import random
from ...ops import random as ops
from ...ops.promotion import expect
from .activation import SELU_ALPHA, SELU_SCALE, overwriting


def check_probability(p) -> None:
    expect(0 <= p <= 1, f"dropout probability has to be between 0 and 1, but got {p}", ValueError)


def _in_training(drop, input, p, training, inplace):
    check_probability(p)
    return overwriting(inplace, drop if p < 1 else lambda input: input * 0, input) if training and p else input


def _dropped(input, p):
    return ops.dropout(input, p, *random.default_generator.take(input.numel()))


def dropout(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """In training, zero each element with probability `p` and divide the others by 1 - p (Srivastava et al., 2014)."""
    return _in_training(lambda input: _dropped(input, p), input, p, training, inplace)


def alpha_dropout(input, p: float = 0.5, training: bool = False, inplace: bool = False):
    """In training, put selu's lower limit -s in place of each element with probability `p`, then scale and shift: mean and variance stay.

    a (x or -s) + a p s, with a = ((1 - p) (1 + p s^2))^(-1/2) (Klambauer et al., 2017).
    """

    def drop(input):
        s = SELU_ALPHA * SELU_SCALE
        a = ((1 - p) * (1 + p * s**2)) ** -0.5
        kept = _dropped(input.new_ones(input.shape), p) * (1 - p)
        return input * kept * a + (kept - 1 + p) * (a * s)

    return _in_training(drop, input, p, training, inplace)


def _channel_dropout(dims):
    def drop(input, p: float = 0.5, training: bool = True, inplace: bool = False):
        leading = input.ndim - dims  # (N, C) or, unbatched, (C); but PyTorch's dropout2d takes three dimensions for (N, C, L)
        expect(dims > 1 or leading in (1, 2), f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
        kept = 1 if leading == 1 and dims != 2 else 2
        shape = (*input.shape[:kept], *(1,) * (input.ndim - kept))
        return _in_training(lambda input: input * _dropped(input.new_ones(shape), p), input, p, training, inplace)

    drop.__name__ = f"dropout{dims}d"
    drop.__doc__ = "In training, zero whole channels with probability `p` and divide the others by 1 - p (Tompson et al., 2015)."
    return drop


dropout1d, dropout2d, dropout3d = map(_channel_dropout, (1, 2, 3))

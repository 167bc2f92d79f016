"""Computing with 16-bit floats: NumPy and CuPy are inexact in them, and lack some of their functions for bfloat16."""

import numpy as np

ARRAYS = {np.ndarray}  # and CuPy's, once it is used


def half_type(values):
    """The floating type of the arrays among `values`, which have one in common, if it has 16 bits; None otherwise."""
    for each in values:
        if type(each) in ARRAYS and each.dtype.kind in "fV":
            return each.dtype if each.itemsize == 2 else None
    return None


def in_single(forward, values, half):
    """`forward` computed in float32 and rounded once, at the end, as PyTorch does."""
    out = forward(*(_recast(each, half, np.float32) for each in values))
    if not isinstance(out, tuple):
        return _recast(out, np.float32, half)
    return getattr(type(out), "_make", tuple)(_recast(each, np.float32, half) for each in out)  # a namedtuple stays one


def _recast(value, old, new):
    return value.astype(new) if hasattr(value, "astype") and value.dtype == old else value

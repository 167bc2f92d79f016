"""Computing with 16-bit floats on a CPU: NumPy is inexact in float16, and lacks most of its functions for bfloat16."""

import numpy as np
from numpy import ndarray


def half_type(values):
    """The 16-bit floating type among `values`, if they are NumPy's; None otherwise."""
    for each in values:
        if type(each) is ndarray and each.itemsize == 2 and each.dtype.kind in "fV":
            return each.dtype
    return None


def in_single(forward, values, half):
    """`forward` computed in float32 and rounded once, at the end, as PyTorch does."""
    out = forward(*(_recast(each, half, np.float32) for each in values))
    if not isinstance(out, tuple):
        return _recast(out, np.float32, half)
    return getattr(type(out), "_make", tuple)(_recast(each, np.float32, half) for each in out)  # a namedtuple stays one


def _recast(value, old, new):
    return value.astype(new) if hasattr(value, "astype") and value.dtype == old else value

"""Random numbers as ops: the same for a seed on every device, and in a kernel as in the reference (see framework/random.py)."""

from ..autograd.fusable import fusable
from ..random import keep_mask


@fusable("input")
def dropout(input, p, key, start):
    """Zero each element with probability `p` and divide the others by 1 - p (Srivastava et al., 2014).

    Which ones is told by the random numbers of the stream `key` from number `start` on, one an element.
    """
    mask = keep_mask(input._array if hasattr(input, "_array") else input, p, key, start)
    return input * mask

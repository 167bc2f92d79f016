"""Random numbers as ops: the same for a seed on every device, and in a kernel as in the reference (see framework/random.py)."""

from ..autograd.fusable import fusable
from ..random import keep_mask


@fusable("input")
def dropout(input, p, key, start):
    """Zero each element with probability `p`, as numbers `start` on of the stream `key` tell, and divide the others by 1 - p."""
    return input * keep_mask(getattr(input, "_array", input), p, key, start)

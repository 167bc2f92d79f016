"""What a kernel may leave instead of an array, so that the kernel of the op that uses it makes both in one pass over memory.

    y = batch_norm(x)    # a Later: means and variances are known, (x - mean) / std is written nowhere
    relu(y)              # a kernel for this kind of Later writes max(0, (x - mean) / std) at once: y itself never lies in memory

Whoever else asks the tensor y for its array has it computed, and so has whoever changes x in place (autograd/variable.py).  On the way
back a kernel may leave the gradient of its input so, where it knows that the op before will take it; sums of gradients compute it.
"""

import math


class Later:
    """An array that is not computed yet; each kind has an `array()` that computes it."""

    __array_ufunc__ = base = None  # NumPy leaves sums to us; it is nobody's view

    def __init__(self, shape: tuple, dtype):
        self.shape, self.dtype, self.size = shape, dtype, math.prod(shape)

    def array(self):
        """The array itself."""
        raise NotImplementedError

    def kept(self):
        """What becomes a leaf's `.grad`: the array, or itself if that may wait until it is asked for."""
        return self.array()

    def copy(self):
        """The same: it is nobody else's."""
        return self.array()

    def __add__(self, other):
        return self.array() + other

    __radd__ = __add__

"""Switches of cuDNN."""

from ..device import cuda_is_available

is_available = cuda_is_available
enabled = True  # is it used at all?
benchmark = False  # does it try its algorithms and keep the fastest?
deterministic = False  # only algorithms that give the same result every time?
allow_tf32 = True  # may convolutions of float32 be computed with 10 bits of fraction?

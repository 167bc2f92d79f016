"""Windows over images on a GPU, for pooling and convolutions: what a kernel is told of them.  Lines and images are flat volumes."""

import numpy as np

_OF_FLAT = {"size": 1, "places": 1, "kernel": 1, "stride": 1, "padding": 0, "dilation": 1}  # along a dimension that is not there

WINDOWS = f"""
struct Windows {{ int {", ".join(f"{each}[3]" for each in _OF_FLAT)}; }};  // each of depth, height and width

__device__ Index volume(const int sides[3]) {{ return (Index)sides[0] * sides[1] * sides[2]; }}

// Takes the last digit off a number that counts to `base` in it.
__device__ int last_digit(Index& number, int base) {{
    const int digit = (int)(number % base);
    number /= base;
    return digit;
}}
"""


def windows(size, places, kernel, stride, padding, dilation):
    """A `Windows`, as an argument of a kernel."""
    given = size, places, kernel, stride, padding, dilation
    sides = np.array([(filler,) * (3 - len(size)) + tuple(each) for filler, each in zip(_OF_FLAT.values(), given, strict=True)], np.int32)
    return sides.reshape(-1).view([("sides", np.int32, sides.size)])

"""Bicubic interpolation, with the weights of MATLAB's imresize, by which the literature makes its small pictures."""

import numpy as np
from scipy.sparse import csr_array


def cubic(t: np.ndarray) -> np.ndarray:
    """Keys's kernel (1981), a = −½: 1 − 5/2 |t|² + 3/2 |t|³ up to |t| = 1, 2 − 4 |t| + 5/2 |t|² − ½ |t|³ up to 2, then 0."""
    t = np.abs(t)
    return np.where(t <= 1, 1 - 2.5 * t**2 + 1.5 * t**3, np.where(t <= 2, 2 - 4 * t + 2.5 * t**2 - 0.5 * t**3, 0))


def weights(old: int, new: int) -> csr_array:
    """The matrix W (new, old) that resizes a line of pixels.

    With the scale s = new / old, new pixel i lies at u = (i + ½) / s − ½ among the old ones, and W[i, j] ~ cubic(k (j − u)),
    k = min(s, 1): when shrinking, the kernel is widened to take all pixels in (antialiasing). Rows sum to 1; beyond its ends
    the line is mirrored.
    """
    scale = new / old
    k = min(scale, 1.0)
    u = (np.arange(new)[:, None] + 0.5) / scale - 0.5  # (new, 1)
    reach = int(np.ceil(2 / k))
    j = np.floor(u).astype(int) + np.arange(-reach, reach + 2)  # (new, taps)
    w = cubic(k * (j - u))
    w /= w.sum(1, keepdims=True)
    j %= 2 * old
    j = np.where(j < old, j, 2 * old - 1 - j)
    i = np.broadcast_to(np.arange(new)[:, None], j.shape)
    return csr_array((w.ravel(), (i.ravel(), j.ravel())), shape=(new, old))


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture (H, W), float64, as (height, width): W_rows · picture · W_columnsᵀ."""
    rows, columns = weights(picture.shape[0], height), weights(picture.shape[1], width)
    return (columns @ (rows @ picture).T).T


def resize_colours(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture (H, W, 3), uint8, as (height, width, 3), uint8."""
    channels = [resize(picture[..., channel].astype(np.float64), height, width) for channel in range(3)]
    return np.stack(channels, axis=-1).round().clip(0, 255).astype(np.uint8)

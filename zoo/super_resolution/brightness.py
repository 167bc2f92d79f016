"""Brightness and colour apart: the eye sees detail in the former, so only that goes through the network."""

from pathlib import Path

import numpy as np
from PIL import Image

from zoo.common import pictures
from zoo.common.errors import UserError
from zoo.super_resolution.bicubic import resize

# ITU-R BT.601 with brightness from 16 to 235, as MATLAB's rgb2ycbcr: the scale of the published figures.
YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
OFFSET = np.array([16.0, 128.0, 128.0])


def to_ycbcr(colours: np.ndarray) -> np.ndarray:
    """Red, green and blue (H, W, 3), 0 … 255, to brightness Y and colour differences Cb, Cr, (H, W, 3) float64."""
    return colours @ YCBCR.T + OFFSET


def to_rgb(ycbcr: np.ndarray) -> np.ndarray:
    """The way back, to (H, W, 3) uint8."""
    return np.round((ycbcr - OFFSET) @ np.linalg.inv(YCBCR).T).clip(0, 255).astype(np.uint8)


def read_brightness(path: Path) -> np.ndarray:
    """The brightness (H, W) of a picture, in whole numbers, float64; UserError if it cannot be read."""
    colours = pictures.read(path)
    with Image.open(path) as picture:
        if picture.mode in ("L", "I;16", "I;16B"):  # MATLAB converts only what is stored in colours; a picture of Set14 is not
            return colours[..., 0].astype(np.float64)
    return to_ycbcr(colours)[..., 0].round()


def pair(path: Path, upscale: int, smallest: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph's brightness shrunk (h, w), and at its full size (r·h, r·w); UserError if h or w is below ``smallest``.

    As the literature does it: the photograph is cropped to multiples of r, and what is shrunk is not rounded.
    """
    large = read_brightness(path)
    height, width = (side // upscale for side in large.shape)
    if min(height, width) < smallest:
        least = smallest * upscale
        raise UserError(f"{path}: expected {least} × {least} pixels or more, found {large.shape[1]} × {large.shape[0]}")
    large = large[: height * upscale, : width * upscale]
    return resize(large, height, width), large

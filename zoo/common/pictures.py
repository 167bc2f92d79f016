"""Pictures: read from any file, written at once, many side by side."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps, UnidentifiedImageError

from framework.serialization import write_atomically
from zoo.common.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".tif", ".tiff")


def find(folder: Path) -> list[Path]:
    """The pictures in a folder and in those below it, in the order of their paths; UserError if there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UserError(f"{folder}: expected a folder with pictures ({', '.join(SUFFIXES)}), found none")
    return found


def open_upright(path: Path) -> Image.Image:
    """A picture as it is meant to be seen, in RGBA; UserError if it cannot be read."""
    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture)
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture that can be read") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if upright.mode in ("I", "F"):
        raise UserError(f"{path}: its values are 32-bit numbers, and which is white is not said: save it with 8 or 16 bits")
    if upright.mode.startswith("I;16"):  # which Pillow would clip at 255
        upright = Image.fromarray((np.array(upright) >> 8).astype(np.uint8))
    return upright.convert("RGBA")


def read(path: Path) -> np.ndarray:
    """A picture's colours (H, W, 3) uint8, what is transparent in it on white; UserError if it cannot be read."""
    picture = open_upright(path)
    return np.array(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))


def write(path: Path, image: np.ndarray) -> None:
    """Write colours (H, W, 3) or greys (H, W), uint8, as a PNG."""
    _write(path, lambda stream: Image.fromarray(image).save(stream, "png"))


def write_figure(path: Path, figure: Figure) -> None:
    """Write a drawing of Matplotlib's as a PNG."""
    _write(path, lambda stream: figure.savefig(stream, format="png", dpi=110))


def grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Images (N, H, W) or (N, H, W, 3), uint8, as one, row by row, with white lines of ``gap`` pixels between."""
    n, height, width, *colours = images.shape
    rows = -(-n // columns)
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, *colours), 255, np.uint8)
    for index, image in enumerate(images):
        y, x = index // columns * (height + gap), index % columns * (width + gap)
        whole[y : y + height, x : x + width] = image
    return whole


def _write(path: Path, save) -> None:
    stream = io.BytesIO()
    save(stream)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, stream.getvalue())

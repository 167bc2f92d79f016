"""Square pictures to imitate: MNIST's digits, any set in the same four files, or a folder of pictures in colour."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.common.errors import UserError
from zoo.common.pictures import read
from zoo.datasets import mnist, photographs


@dataclass(frozen=True)
class Squares:
    """Pictures of S × S pixels, and the sha256 of the set they were made from."""

    name: str
    train: np.ndarray  # (N, C, S, S) uint8, C = 1 grey, 3 colour
    test: np.ndarray  # (M, C, S, S) uint8
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None, *, size: int) -> Squares:
    """Read pictures from this machine's disk, ``size`` = 32 or 64 pixels a side; UserError if they are not there.

    ``data`` is what :func:`zoo.datasets.mnist.load` takes, or a folder of pictures: with folders train and test in it, or
    with pictures in it and in the folders below, of which every tenth is for testing.
    """
    folder = Path(data).expanduser()
    if data in ("auto", "mnist", "builtin") or not folder.is_dir() or any(folder.glob("*idx?-ubyte*")):
        digits = mnist.load(data, data_dir)
        train, test = (framed(images, size) for images in (digits.train_images, digits.test_images))
        return Squares(digits.name, train, test, digits.sha256, digits.origin)
    files = photographs.load(str(folder.resolve()))
    if len(files.test) < 2:
        raise UserError(f"{folder}: expected two or more pictures to test with (every tenth is one), found {len(files.test)}")
    train, test = (np.stack([cropped(path, size) for path in paths]) for paths in (files.train, files.test))
    return Squares(files.name, train, test, files.sha256, files.origin)


def framed(images: np.ndarray, size: int) -> np.ndarray:
    """Digits (N, 28, 28) in a black frame of 2 pixels, (N, 1, 32, 32); for size 64 enlarged to twice that."""
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    if size != 32:
        larger = (Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in images)
        images = np.stack([np.asarray(image) for image in larger])
    return images[:, np.newaxis]


def cropped(path: Path, size: int) -> np.ndarray:
    """The middle square of a picture, reduced or enlarged to (3, size, size)."""
    square = ImageOps.fit(Image.fromarray(read(path)), (size, size), Image.Resampling.LANCZOS)
    return np.asarray(square).transpose(2, 0, 1)

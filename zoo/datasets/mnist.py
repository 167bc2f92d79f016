"""Handwritten digits: MNIST (LeCun, Cortes, Burges, 1998), a built-in part of it, or any set in the same four files."""

import hashlib
import math
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.common.download import RemoteFile, data_root, fetch, open_content
from zoo.common.errors import UserError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
# The sha256 of each file's decompressed content, in the order of NAMES.
OFFICIAL = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
BUILTIN = (
    "74422b12132c7d8b0957cdb994d971a505f77a57ddac808ef1ea84f4bb9e7a2e",
    "5dbd7686910cb66a8a6303f16940c2fae43896243c187897cd3976aab00f4817",
    "39a5f23fe7320d50d2b650bd96c756db7999a84cb13541d939296ed59f1e0663",
    "66e4c6deb5f2a061f7d8cd5ec53025fdb9dabb08265e449acb8cf64b8cd36cac",
)
BUILTIN_FOLDER = Path(__file__).parent / "builtin" / "mnist"


@dataclass(frozen=True)
class Digits:
    """Images with their classes 0 … 9, and the sha256 of the four arrays' bytes (labels as uint8) one after another."""

    name: str
    train_images: np.ndarray  # (N, 28, 28) uint8, read-only
    train_labels: np.ndarray  # (N,) int64
    test_images: np.ndarray  # (M, 28, 28) uint8, read-only
    test_labels: np.ndarray  # (M,) int64
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None) -> Digits:
    """Read digits from this machine's disk; UserError if they are not there or not what they should be.

    ``data`` is "mnist" for the full set under ``data_dir``, "builtin", "auto" for the full set if it is there and else
    the built-in one, or a folder of four files named and shaped like MNIST's (Fashion-MNIST), plain or ``.gz``.
    """
    root = data_root(data_dir)
    if data in ("auto", "mnist"):
        for folder in (root / "mnist", root):  # a user may name the folder above the four files or their own
            if all(paths := _locate(folder)):
                return _read("mnist", "official", paths, OFFICIAL)
        if data == "mnist":
            raise UserError(
                f"MNIST not found in {root / 'mnist'}: get it with 'download', or say where it is with --data-dir"
            )
        print(
            f"MNIST not found in {root / 'mnist'}: training on the built-in 4,000 + 1,000 digits "
            "('download' fetches the full set)",
            file=sys.stderr,
        )
    if data in ("auto", "builtin"):
        return _read("mnist-5k", "built-in", _locate(BUILTIN_FOLDER), BUILTIN)
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UserError(f"--data {data}: expected auto, mnist, builtin or a folder, and there is no such folder")
    paths = _locate(folder)
    if not all(paths):
        missing = ", ".join(name for name, path in zip(NAMES, paths, strict=True) if path is None)
        raise UserError(f"{folder}: expected MNIST's four files, plain or .gz; missing: {missing}")
    return _read(folder.resolve().name, "user folder", paths)


def download(data_dir: Path | None = None) -> Path:
    """Fetch the full set's four files and return their folder; DownloadError if no mirror delivers."""
    folder = data_root(data_dir) / "mnist"
    for name, sha256 in zip(NAMES, OFFICIAL, strict=True):
        fetch(RemoteFile(f"{name}.gz", sha256, tuple(f"{mirror}{name}.gz" for mirror in MIRRORS)), folder)
    return folder


def read_idx(path: Path) -> np.ndarray:
    """Read the unsigned bytes of an idx file, plain or ``.gz``: labels (N,) or images (N, H, W), read-only.

    The format: 0, 0, 8 for unsigned byte, the number of dimensions, each size in 4 bytes, big-endian; then the data.
    UserError if the file is anything else, or holds a byte more or less than it says.
    """
    return _parse_idx(path, _content(path))


def _locate(folder: Path) -> list[Path | None]:
    """The four files in the order of NAMES, None for each that is not there."""

    def find(name: str) -> Path | None:
        dotted = name.replace("-idx", ".idx")  # as some archives spell it
        candidates = [folder / f"{stem}{suffix}" for stem in (name, dotted) for suffix in (".gz", "")]
        # os.path.isfile: unlike Path.is_file it takes a folder that may not be entered for one without the file
        return next(filter(os.path.isfile, candidates), None)

    return [find(name) for name in NAMES]


def _content(path: Path) -> bytes:
    with open_content(path) as stream:
        return stream.read()


def _parse_idx(path: Path, content: bytes) -> np.ndarray:
    if content[:3] != b"\0\0\x08" or content[3:4] not in (b"\x01", b"\x03"):
        found = content[:4].hex(" ") or "an empty file"
        raise UserError(f"{path}: expected an idx file, beginning with 00 00 08 01 or 00 00 08 03, found {found}")
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise UserError(f"{path}: expected a header of {header} bytes, found {len(content)} bytes in all")
    shape = struct.unpack_from(f">{content[3]}I", content, offset=4)
    if len(content) != header + math.prod(shape):
        raise UserError(
            f"{path}: expected {header + math.prod(shape):,} bytes for the shape {shape}, found {len(content):,}"
        )
    if 0 in shape:
        raise UserError(f"{path}: expected data, found the empty shape {shape}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read(name: str, origin: str, paths: list[Path], pinned: tuple[str, ...] | None = None) -> Digits:
    """Read the four files; with ``pinned``, only if each has the content of that sha256."""
    contents = [_content(path) for path in paths]
    for path, content, sha256 in zip(paths, contents, pinned or (), strict=False):
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise UserError(
                f"{path} is not the {origin} file: expected content of sha256 {sha256}, found {found} "
                "(for another data set of this shape, give its folder as --data)"
            )
    train_images, train_labels, test_images, test_labels = arrays = list(map(_parse_idx, paths, contents))
    _check(paths[0], train_images, paths[1], train_labels)
    _check(paths[2], test_images, paths[3], test_labels)
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array)
    return Digits(
        name=name,
        train_images=train_images,
        train_labels=train_labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
        sha256=digest.hexdigest(),
        origin=origin,
    )


def _check(images_path: Path, images: np.ndarray, labels_path: Path, labels: np.ndarray) -> None:
    if images.shape[1:] != (28, 28):
        raise UserError(f"{images_path}: expected images of shape (N, 28, 28), found {images.shape}")
    if labels.shape != images.shape[:1]:
        raise UserError(f"{labels_path}: expected {len(images):,} labels, one an image, found the shape {labels.shape}")
    if labels.max() > 9:
        raise UserError(f"{labels_path}: expected labels 0 to 9, found {labels.max()}")

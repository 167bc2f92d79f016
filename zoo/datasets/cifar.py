"""Small colour images in ten classes: CIFAR-10 (Krizhevsky, 2009), MNIST's built-in digits in its form, or any set in its records."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.common.download import RemoteFile, data_root, fetch_archive
from zoo.common.errors import UserError
from zoo.datasets import mnist

FOLDER = "cifar-10-batches-bin"
ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",  # also in tensorflow/datasets, url_checksums
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
    ),
)
NAMES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the planes of red, green and blue, each row by row
# The sha256 of each file: computed from a lossless copy of the 60,000 images in their order, and the same as ankane/torchvision-ruby pins.
OFFICIAL = (
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
)
# 10,000 + 2,000 of them in two files of the same names, to try things on.
SUBSET = (
    "4fdc5189fecf694f919047bad9ff887efbfb5a65bdb0caaef29cc257146d660b",
    "d712dafdc2fe14d03bbb9975b357332d94966d33e98c761f84336233c80189c8",
)
KNOWN = {OFFICIAL: ("cifar-10", "official"), SUBSET: ("cifar-10-subset", "user folder")}


@dataclass(frozen=True)
class SmallImages:
    """Images with their classes, and the sha256 of the content of their files one after another."""

    name: str
    classes: tuple[str, ...]
    train_images: np.ndarray  # (N, 3, 32, 32) uint8
    train_labels: np.ndarray  # (N,) int64
    test_images: np.ndarray  # (M, 3, 32, 32) uint8
    test_labels: np.ndarray  # (M,) int64
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None) -> SmallImages:
    """Read images from this machine's disk; UserError if they are not there or not what they should be.

    ``data`` is "cifar-10" for the full set under ``data_dir``, "builtin" for 5,000 of MNIST's digits in 32 × 32 pixels, "auto" for what
    is under ``data_dir`` and else the built-in set, or a folder of files in CIFAR-10's binary version: data_batch_1.bin …, test_batch.bin.
    """
    folder = data_root(data_dir) / FOLDER
    if data == "cifar-10" or data == "auto" and folder.is_dir():
        if not folder.is_dir():
            raise UserError(f"CIFAR-10 not found in {folder}: get it with 'download', or say where it is with --data-dir")
        return _read(folder, published=True, whole=data == "cifar-10")
    if data == "auto":
        print(
            f"CIFAR-10 not found in {folder}: training on 4,000 + 1,000 built-in handwritten digits, padded to 32 × 32 "
            "('download' fetches CIFAR-10)",
            file=sys.stderr,
        )
    if data in ("auto", "builtin"):
        return _digits()
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UserError(f"--data {data}: expected auto, cifar-10, builtin or a folder, and there is no such folder")
    return _read(folder)


def download(data_dir: Path | None = None) -> Path:
    """Fetch CIFAR-10, 170 MB, and return its folder; DownloadError if no mirror delivers."""
    return fetch_archive(ARCHIVE, data_root(data_dir) / FOLDER, f"{FOLDER}/*")


def _read(folder: Path, published: bool = False, whole: bool = False) -> SmallImages:
    """The images in a folder's files; with ``published``, only those of CIFAR-10 or its subset; with ``whole``, only all of them."""
    paths = [folder / name for name in NAMES if os.path.isfile(folder / name)]
    missing = [name for name in (NAMES[0], NAMES[-1]) if folder / name not in paths]
    if missing:
        raise UserError(f"{folder}: expected the files of CIFAR-10's binary version; missing: {', '.join(missing)}")
    contents = [path.read_bytes() for path in paths]
    found = tuple(hashlib.sha256(content).hexdigest() for content in contents)
    name, origin = KNOWN.get(found, (folder.resolve().name, "user folder"))
    if published and found not in KNOWN:
        wrong = next((path for path, sha256 in zip(paths, found, strict=True) if sha256 != OFFICIAL[NAMES.index(path.name)]), folder)
        raise UserError(f"{wrong} is not CIFAR-10's, or files are missing (for another data set of this form, give its folder as --data)")
    if whole and origin != "official":
        raise UserError(f"{folder} holds {name}, not the whole of CIFAR-10: take --data auto for it, or get the whole with 'download'")
    *train, test = map(_parse, paths, contents)
    train_images, train_labels = map(np.concatenate, zip(*train, strict=True))
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return SmallImages(name, CLASSES, train_images, train_labels, *test, digest.hexdigest(), origin)


def _parse(path: Path, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, 3, 32, 32) and labels (N,) of a file of records."""
    if not content or len(content) % RECORD:
        raise UserError(f"{path}: expected records of {RECORD:,} bytes, found {len(content):,} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        raise UserError(f"{path}: expected labels 0 to 9, found {labels.max()}")
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


def _digits() -> SmallImages:
    """MNIST's built-in digits, with a border of two pixels and three equal colours."""
    digits = mnist.load("builtin")
    images = [
        np.repeat(np.pad(each, ((0, 0), (2, 2), (2, 2)))[:, None], 3, axis=1) for each in (digits.train_images, digits.test_images)
    ]  # (N, 28, 28) → (N, 3, 32, 32)
    return SmallImages(
        name=digits.name,
        classes=tuple(map(str, range(10))),
        train_images=images[0],
        train_labels=digits.train_labels,
        test_images=images[1],
        test_labels=digits.test_labels,
        sha256=digits.sha256,
        origin=digits.origin,
    )

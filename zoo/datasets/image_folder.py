"""Photographs in a folder a class, as ImageNet's are laid out: train/<class>/*.jpg and val/<class>/*.jpg."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo.common.errors import UserError
from zoo.common.pictures import find


@dataclass(frozen=True)
class ImageFolder:
    """The files with their classes, in the order of their paths; nothing of them is read yet."""

    name: str
    classes: tuple[str, ...]
    train: tuple[tuple[Path, int], ...]  # (file, number of its class)
    test: tuple[tuple[Path, int], ...]
    sha256: str  # of the files' paths in the folder and their sizes: no one waits until ImageNet's 150 GB are hashed
    origin: str = "user folder"


def load(folder: Path) -> ImageFolder:
    """List the files of a folder with train and val in it; UserError if their classes are not the same, or one has no pictures."""
    folder = folder.expanduser()
    names = {part: sorted(path.name for path in _enter(folder / part) if path.is_dir()) for part in ("train", "val")}
    if not names["train"]:
        raise UserError(f"{folder / 'train'}: expected a folder a class in it, found none")
    if different := set(names["train"]) ^ set(names["val"]):
        raise UserError(f"{folder}: expected the same classes in train and val; in one only: {', '.join(sorted(different)[:5])}")
    train, test = (
        tuple((path, label) for label, name in enumerate(names[part]) for path in find(folder / part / name)) for part in ("train", "val")
    )
    digest = hashlib.sha256()
    for path, _ in (*train, *test):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
    return ImageFolder(folder.resolve().name, tuple(names["train"]), train, test, digest.hexdigest())


def _enter(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder.parent}: expected the folders train and val, each with a folder a class; missing: {folder.name}")
    return list(folder.iterdir())

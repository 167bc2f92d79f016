"""Photographs to learn from: BSDS300 (Martin et al., 2001), a few that are built in, or any folder of pictures."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from zoo.common.download import RemoteFile, data_root, fetch_archive
from zoo.common.errors import UserError
from zoo.common.pictures import find

ARCHIVE = RemoteFile(
    "BSDS300-images.tgz",
    "a5f7d0e49fe135c75518a3543ced24470156fd69305ae77845dff2a5138652b4",
    (
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/segbench/BSDS300-images.tgz",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/BSDS300-images.tgz",
    ),
)
OFFICIAL = "d914fdb6461313af9ccb2418413d885d385549d0e716d418a93d6281c94faf49"
BENCHMARKS = {"Set5": 5, "Set14": 14}  # super-resolution's, without a licence to fetch them under: how many pictures they have
BUILTIN_FOLDER = Path(__file__).parent / "builtin" / "photographs"


@dataclass(frozen=True)
class Photographs:
    """The files of the pictures, and the sha256 of their bytes one after another, train first."""

    name: str
    train: tuple[Path, ...]
    test: tuple[Path, ...]
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None) -> Photographs:
    """Find photographs on this machine's disk; UserError if they are not there or not what they should be.

    ``data`` is "bsds300" for the 200 + 100 of BSDS300 under ``data_dir``, "builtin" for four, "auto" for the former if they are there and
    else the latter, or a folder: with folders train and test in it, or with pictures, of which every tenth is for testing.
    """
    folder = data_root(data_dir) / "BSDS300" / "images"
    if data == "bsds300" or data == "auto" and folder.is_dir():
        if not folder.is_dir():
            raise UserError(f"BSDS300 not found in {folder}: get it with 'download', or say where it is with --data-dir")
        found = _gather("bsds300", "official", find(folder / "train"), find(folder / "test"))
        if found.sha256 != OFFICIAL:
            raise UserError(f"{folder}: expected BSDS300's 200 + 100 photographs of sha256 {OFFICIAL}, found {found.sha256}")
        return found
    if data == "auto":
        print(f"BSDS300 not found in {folder}: training on four built-in photographs ('download' fetches the full set)", file=sys.stderr)
    if data in ("auto", "builtin"):
        return _gather("photographs-4", "built-in", find(BUILTIN_FOLDER / "train"), find(BUILTIN_FOLDER / "test"))
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UserError(f"--data {data}: expected auto, bsds300, builtin or a folder, and there is no such folder")
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        return _gather(folder.resolve().name, "user folder", find(folder / "train"), find(folder / "test"))
    pictures = find(folder)
    if len(pictures) < 2:
        raise UserError(f"{folder}: expected two or more pictures, found one")
    test = pictures[::10]
    return _gather(folder.resolve().name, "user folder", [path for path in pictures if path not in test], test)


def benchmarks(data_dir: Path | None = None) -> dict[str, tuple[Path, ...]]:
    """The pictures of Set5 and Set14, as "set5" and "set14", where there are such folders; UserError if they hold others."""
    root = data_root(data_dir)
    found = {name: tuple(find(root / name)) for name in BENCHMARKS if (root / name).is_dir()}
    for name, pictures in found.items():
        if len(pictures) != BENCHMARKS[name]:
            raise UserError(f"{root / name}: expected the {BENCHMARKS[name]} original pictures and no others, found {len(pictures)}")
    if missing := [name for name in BENCHMARKS if name not in found]:
        print(f"{' and '.join(missing)} not found in {root}: not scored on them (put the original pictures there)", file=sys.stderr)
    return {name.lower(): pictures for name, pictures in found.items()}


def download(data_dir: Path | None = None) -> Path:
    """Fetch BSDS300, 22 MB, and return its folder; DownloadError if no mirror delivers."""
    return fetch_archive(ARCHIVE, data_root(data_dir) / "BSDS300", "BSDS300/*")


def _gather(name: str, origin: str, train: list[Path], test: list[Path]) -> Photographs:
    digest = hashlib.sha256()
    for path in (*train, *test):
        digest.update(path.read_bytes())
    return Photographs(name, tuple(train), tuple(test), digest.hexdigest(), origin)

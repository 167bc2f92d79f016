"""Word vectors: GloVe (Pennington, Socher, Manning, 2014), or a built-in part of it."""

import hashlib
import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.common.download import RemoteFile, data_root, fetch_archive, open_content
from zoo.common.errors import UserError

ARCHIVE = RemoteFile(
    "glove.6B.zip",
    "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
    (
        "https://nlp.stanford.edu/data/glove.6B.zip",
        "https://downloads.cs.stanford.edu/nlp/data/glove.6B.zip",
        "https://huggingface.co/stanfordnlp/glove/resolve/main/glove.6B.zip",
    ),
)
FILE = "glove.6B.100d.txt"
OFFICIAL = "95dde4dfd627ab26608d33e76d1195ec059734bd29089ea52cadb08d07c64544"  # of the content of FILE
BUILTIN = Path(__file__).parent / "builtin" / "glove" / "glove.6B.50d.txt.gz"
COMMON = 10_000  # of the most frequent words, the first in the file, are taken in any case


@dataclass(frozen=True)
class Vectors:
    """Words with their vectors, and the sha256 of the file they come from."""

    words: tuple[str, ...]
    values: np.ndarray  # (V, D) float32
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(wanted: Iterable[str], data: str = "auto", data_dir: Path | None = None) -> Vectors:
    """Read the vectors of those of the ``wanted`` words that have one, and of common words; UserError if the file is damaged.

    ``data`` is "builtin" for some 10,000 words in 50 dimensions, or "auto" for what is in ``data_dir``, 400,000 words in 100
    dimensions if it is the whole, and else the built-in ones.
    """
    folder = data_root(data_dir) / "glove.6B"
    found = [folder / f"{FILE}{suffix}" for suffix in ("", ".gz") if (folder / f"{FILE}{suffix}").is_file()]
    if data == "auto" and not found:
        print(f"GloVe not found in {folder}: taking the built-in vectors ('download' fetches all)", file=sys.stderr)
    return _read(BUILTIN if data == "builtin" or not found else found[0], set(wanted))


def download(data_dir: Path | None = None) -> Path:
    """Fetch GloVe, 862 MB, keep its 100 dimensions, 347 MB, and return their folder; DownloadError if no mirror delivers."""
    return fetch_archive(ARCHIVE, data_root(data_dir) / "glove.6B", FILE)


def _read(path: Path, wanted: set[str]) -> Vectors:
    """A line is a word and its numbers, with spaces between."""
    words, rows, digest = [], [], hashlib.sha256()
    with open_content(path) as stream:
        for number, line in zip(itertools.count(1), stream, strict=False):
            digest.update(line)
            word, _, numbers = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
            if number > COMMON and word not in wanted:
                continue
            try:
                row = np.array(numbers.split(" "), np.float32)
            except ValueError:
                raise UserError(f"{path}, line {number}: expected a word and its numbers, found {line[:40]!r}") from None
            if rows and row.shape != rows[0].shape:
                raise UserError(f"{path}, line {number}: expected {len(rows[0])} numbers, found {len(row)}")
            words.append(word)
            rows.append(row)
    if not rows:
        raise UserError(f"{path}: expected words with vectors, found an empty file")
    sha256 = digest.hexdigest()
    origin = "built-in" if path == BUILTIN else "official" if sha256 == OFFICIAL else "user folder"
    return Vectors(tuple(words), np.stack(rows), sha256, origin)

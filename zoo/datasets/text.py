"""Text as numbered words: WikiText-2 (Merity et al., 2016), the help pages that come with Python, or any text file."""

import hashlib
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

import numpy as np

from zoo.common.download import RemoteFile, data_root, fetch, open_content
from zoo.common.errors import UserError

PARTS = ("train", "valid", "test")
MIRRORS = (
    "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/",
    "https://cdn.jsdelivr.net/gh/pytorch/examples@dcdabc22b305d2f2989c6f03570dfcd3919e8a5b/word_language_model/data/wikitext-2/",
)
# The sha256 of each part's content, in the order of PARTS.
OFFICIAL = (
    "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
    "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
    "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
)
END, UNKNOWN = "<eos>", "<unk>"  # the end of a line; a word that is not in the vocabulary


@dataclass(frozen=True)
class Text:
    """Three texts as numbers of words: word i is vocabulary[i]. The sha256 is of the texts."""

    name: str
    vocabulary: tuple[str, ...]  # the training text's words, the most frequent first
    train: np.ndarray  # (N,) int64
    valid: np.ndarray
    test: np.ndarray
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None) -> Text:
    """Read a text from this machine's disk; UserError if it is not there or not what it should be.

    ``data`` is "wikitext-2" for the one under ``data_dir``, "builtin" for Python's help pages, "auto" for the former if it is there and
    else the latter, a folder with train.txt, valid.txt and test.txt, plain or ``.gz``, or a text file, of which the first nine tenths are
    for training. WikiText and folders have blanks between words already; other text is cut into words and marks.
    """
    folder = data_root(data_dir) / "wikitext-2"
    if data in ("auto", "wikitext-2"):
        if paths := _locate(folder):
            contents = [_read(path) for path in paths]
            for path, content, sha256 in zip(paths, contents, OFFICIAL, strict=True):
                if (found := hashlib.sha256(content.encode()).hexdigest()) != sha256:
                    raise UserError(f"{path} is not WikiText-2's: expected content of sha256 {sha256}, found {found}")
            return _number("wikitext-2", "official", [_split(content) for content in contents])
        if data == "wikitext-2":
            raise UserError(f"WikiText-2 not found in {folder}: get it with 'download', or say where it is with --data-dir")
        print(f"WikiText-2 not found in {folder}: training on Python's help pages ('download' fetches it)", file=sys.stderr)
    if data in ("auto", "builtin"):
        parts: dict[str, list[str]] = {part: [] for part in PARTS}
        for i, title in enumerate(sorted(topics.topics)):  # every twentieth page to validate on, and those after them to test
            parts[{0: "valid", 1: "test"}.get(i % 20, "train")] += words(topics.topics[title])
        return _number("python-help", "built-in", list(parts.values()), least=2)
    path = Path(data).expanduser()
    if path.is_dir():
        if not (paths := _locate(path)):
            raise UserError(f"{path}: expected train.txt, valid.txt and test.txt, plain or .gz")
        return _number(path.resolve().name, "user folder", [_split(_read(each)) for each in paths])
    if not path.exists():
        raise UserError(f"--data {data}: expected auto, wikitext-2, builtin, a folder or a text file, and there is no such file")
    lines = _read(path).splitlines()
    cuts = [len(lines) * 9 // 10, len(lines) * 19 // 20]
    parts = [lines[: cuts[0]], lines[cuts[0] : cuts[1]], lines[cuts[1] :]]
    return _number(path.stem, "user folder", [words("\n".join(part)) for part in parts], least=2)


def download(data_dir: Path | None = None) -> Path:
    """Fetch WikiText-2's three parts, 13 MB, and return their folder; DownloadError if no mirror delivers."""
    folder = data_root(data_dir) / "wikitext-2"
    for part, sha256 in zip(PARTS, OFFICIAL, strict=True):
        fetch(RemoteFile(f"{part}.txt", sha256, tuple(f"{mirror}{part}.txt" for mirror in MIRRORS)), folder)
    return folder


def words(text: str) -> list[str]:
    """A text cut into words and single marks, with the end of every line that is not empty."""
    return [word for line in text.splitlines() if line.strip() for word in (*re.findall(r"\w+|[^\w\s]", line), END)]


def _split(text: str) -> list[str]:
    """A text whose words stand apart already, with the end of every line."""
    return [word for line in text.splitlines() for word in (*line.split(), END)]


def _locate(folder: Path) -> list[Path] | None:
    """The files of the three parts; None unless all are there."""
    found = [next((path for path in (folder / f"{part}.txt", folder / f"{part}.txt.gz") if path.is_file()), None) for part in PARTS]
    return found if all(found) else None


def _read(path: Path) -> str:
    with open_content(path) as stream:
        content = stream.read()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected text in UTF-8, found the byte {content[error.start]:#04x} at {error.start:,}") from None


def _number(name: str, origin: str, parts: list[list[str]], least: int = 1) -> Text:
    """Number the words; those that the training text has fewer than ``least`` times are unknown."""
    if not all(len(part) > 1 for part in parts):
        found = ", ".join(f"{len(part):,}" for part in parts)
        raise UserError(f"{name}: expected text to train on, to validate and to test, found {found} words")
    counts = Counter(parts[0])
    known = [word for word, count in counts.most_common() if count >= least or word == END]
    vocabulary = tuple(known if UNKNOWN in known else [*known, UNKNOWN])
    number = {word: i for i, word in enumerate(vocabulary)}
    unknown = number[UNKNOWN]
    train, valid, test = (np.array([number.get(word, unknown) for word in part]) for part in parts)
    digest = hashlib.sha256("\0".join(" ".join(part) for part in parts).encode()).hexdigest()
    return Text(name, vocabulary, train, valid, test, digest, origin)

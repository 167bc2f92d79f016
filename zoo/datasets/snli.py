"""Pairs of sentences, the second of which follows from the first or not: SNLI (Bowman et al., 2015), or a few written for the zoo."""

import functools
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.common.download import RemoteFile, data_root, fetch_archive, open_content
from zoo.common.errors import UserError
from zoo.datasets import glove

LABELS = ("entailment", "neutral", "contradiction")
PADDING, UNKNOWN = 0, 1  # the numbers of no word, and of any word without a vector
PARTS = ("train", "dev", "test")
ARCHIVE = RemoteFile(
    "snli_1.0.zip",
    "afb3d70a5af5d8de0d9d81e2637e0fb8c22d1235c2749d83125ca43dab0dbd3e",
    ("https://nlp.stanford.edu/projects/snli/snli_1.0.zip", "https://foxrelax.oss-cn-hangzhou.aliyuncs.com/ml/snli_1.0.zip"),
)
# The sha256 of the three files' content, in the order of PARTS.
OFFICIAL = (
    "ee95dfbc57800f7b1f62b7602ad2b176c2b983210435a49238e660324a01e963",
    "9c03faff70182ef086ebfeed2cffbabb5fcc6a84a8b3314decbbb5b01f07f4bf",
    "1147550151ca8b16ddb31d8dc0e739a670a65f7c3e64aac5951eaeff103fb220",
)
STAND_IN = (  # SNLI's own dev and test sets, cut into words, but another training set: 8,330 of its pairs and people's edits of them
    "f98720641d05d8adb8dc47bbf1e8bb18cfb84dc6304b171c630c0605c0878fc4",
    "4a2fca9e73774dbc17ea53374502a47adb4e61ce263209eff5955a9b6ba1a069",
    "a6ef6e12c509235fff29865e5ee7cbc6615aed02789b84df6b5a4bb9278920f4",
)
NAMES = {OFFICIAL: "snli", STAND_IN: "snli-stand-in"}
BUILTIN_FOLDER = Path(__file__).parent / "builtin" / "pairs"


@dataclass(frozen=True)
class Part:
    """Sentences as rows of numbers of words, PADDING after their end, and each pair's label in LABELS."""

    premises: np.ndarray  # (N, S) int32
    hypotheses: np.ndarray  # (N, T) int32
    labels: np.ndarray  # (N,) int64


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs, the words that occur in them, the words' vectors, and the sha256 of all files that they come from."""

    name: str
    train: Part
    dev: Part
    test: Part
    words: tuple[str, ...]  # by their numbers; the first two stand for PADDING and UNKNOWN
    vectors: np.ndarray  # (V, D) float32; zeros for PADDING and UNKNOWN
    sha256: str
    origin: str  # "official" | "built-in" | "user folder"


def load(data: str = "auto", data_dir: Path | None = None) -> Pairs:
    """Read pairs and word vectors from this machine's disk; UserError if they are not there or not what they should be.

    ``data`` is "snli" for the full set under ``data_dir``, "builtin", "auto" for what is in ``data_dir``'s snli_1.0 and else the
    built-in pairs, or a folder of three files in SNLI's form, named …train.jsonl, …dev.jsonl and …test.jsonl, plain or ``.gz``.
    """
    folder = data_root(data_dir) / "snli_1.0"
    if data == "auto" and not folder.is_dir():
        print(f"SNLI not found in {folder}: training on the built-in pairs ('download' fetches the full set)", file=sys.stderr)
        data = "builtin"
    if data == "builtin":
        return _read("pairs-by-hand", BUILTIN_FOLDER, glove_data="builtin")
    if data in ("auto", "snli"):
        if not folder.is_dir():
            raise UserError(f"SNLI not found in {folder}: get it with 'download', or say where it is with --data-dir")
        found = _read("snli-changed", folder, data_dir=data_dir)
        if data == "snli" and found.name != "snli":
            raise UserError(f"{folder} does not hold SNLI's own files (take them as they are with --data {folder})")
        return found
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UserError(f"--data {data}: expected auto, snli, builtin or a folder, and there is no such folder")
    return _read(folder.resolve().name, folder, data_dir=data_dir)


def download(data_dir: Path | None = None) -> Path:
    """Fetch SNLI, 95 MB, and return its folder; DownloadError if no mirror delivers."""
    return fetch_archive(ARCHIVE, data_root(data_dir) / "snli_1.0", "snli_1.0/snli_1.0_*.jsonl")


@functools.lru_cache(maxsize=1024)  # SNLI's pairs come in threes with the same premise
def tokenize(sentence: str) -> tuple[str, ...]:
    """The words of a sentence, in small letters, and its punctuation marks, each by itself: "Don't!" is do, n't, !

    The same for sentences that the Penn Treebank's rules have already cut, as some copies of SNLI are ("can not", `` and '').
    """
    text = re.sub("``|''", '"', sentence.lower()).replace("`", "'")
    text = re.sub(r"\bcannot\b", "can not", re.sub(r"n't\b", " n't", text))
    return tuple(re.findall(r"n't\b|'(?:s|m|d|re|ve|ll)\b|[^\W_]+|[^\w\s]|_", text))


def encode(sentence: str, numbers: dict[str, int]) -> list[int]:
    """The numbers of a sentence's words; UserError if there are none."""
    words = tokenize(sentence)
    if not words:
        raise UserError(f"{sentence!r}: expected a sentence, found no words")
    return [numbers.get(word, UNKNOWN) for word in words]


def pad(sentences: list[list[int]]) -> np.ndarray:
    """Sentences as rows (N, T) as long as the longest."""
    rows = np.full((len(sentences), max(map(len, sentences))), PADDING, np.int32)
    for row, sentence in zip(rows, sentences, strict=True):
        row[: len(sentence)] = sentence
    return rows


def _read(name: str, folder: Path, glove_data: str = "auto", data_dir: Path | None = None) -> Pairs:
    """Read a folder's three files, and the vectors of the words in them."""
    parts, hashes = zip(*(read_pairs(_locate(folder, part)) for part in PARTS), strict=True)
    seen = {word for part in parts for *sentences, _ in part for sentence in sentences for word in sentence}
    vectors = glove.load(seen, glove_data, data_dir)
    words = ("<padding>", "<unknown>", *vectors.words)
    numbers = {word: number for number, word in enumerate(words)}

    def column(part: list, which: int) -> np.ndarray:
        return pad([[numbers.get(word, UNKNOWN) for word in pair[which]] for pair in part])

    origin = "built-in" if folder == BUILTIN_FOLDER else "user folder"
    return Pairs(
        NAMES.get(hashes, name),
        *(Part(column(part, 0), column(part, 1), np.array([label for *_, label in part])) for part in parts),
        words=words,
        vectors=np.vstack([np.zeros((2, vectors.values.shape[1]), np.float32), vectors.values]),
        sha256=hashlib.sha256("".join((*hashes, vectors.sha256)).encode()).hexdigest(),
        origin="official" if (hashes, vectors.origin) == (OFFICIAL, "official") else origin,
    )


def _locate(folder: Path, part: str) -> Path:
    found = sorted(path for suffix in ("", ".gz") for path in folder.glob(f"*{part}.jsonl{suffix}"))
    if not found:
        raise UserError(f"{folder}: expected a file …{part}.jsonl or …{part}.jsonl.gz, found none")
    return found[0]


def read_pairs(path: Path) -> tuple[list[tuple], str]:
    """The pairs of a file, as (premise's words, hypothesis's words, label's number), and the sha256 of its content.

    Pairs on which the annotators did not agree are labelled "-" and left out, as everywhere.
    """
    pairs, digest = [], hashlib.sha256()
    with open_content(path) as stream:
        for number, line in enumerate(stream, 1):
            digest.update(line)
            try:
                row = json.loads(line)
                label, *sentences = row["gold_label"], tokenize(row["sentence1"]), tokenize(row["sentence2"])
                if label != "-":
                    pairs.append((*(words or ("",) for words in sentences), LABELS.index(label)))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise UserError(
                    f"{path}, line {number}: expected JSON with sentence1, sentence2 and gold_label, one of {', '.join(LABELS)} or -"
                ) from None
    if not pairs:
        raise UserError(f"{path}: expected labelled pairs, found none")
    return pairs, digest.hexdigest()

"""Text: how it is cut into words and numbered, what may be wrong with a file, and which text is read."""

import gzip
import hashlib

import numpy as np
import pytest

from zoo.common import download
from zoo.common.download import data_root
from zoo.common.errors import UserError
from zoo.datasets import text


@pytest.fixture(autouse=True)
def nothing_cached(request, tmp_path, monkeypatch):
    if "official" not in request.node.name:
        monkeypatch.setenv("ZOO_DATA", str(tmp_path / "empty"))


def write_set(folder, contents=("a b a\n\nc a\n", "b x\n", "c y z\n"), suffix=""):
    """Write the three parts as a user's folder would hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, content in zip(text.PARTS, contents, strict=True):
        raw = content.encode()
        (folder / f"{part}.txt{suffix}").write_bytes(gzip.compress(raw) if suffix else raw)
    return contents


def read_back(corpus, part):
    return [corpus.vocabulary[number] for number in getattr(corpus, part)]


def test_words():
    assert text.words("Don't stop.\n\n  sys.path[0] = 'x'\n") == [
        *("Don", "'", "t", "stop", ".", text.END),
        *("sys", ".", "path", "[", "0", "]", "=", "'", "x", "'", text.END),
    ]
    assert text.words("") == []


def test_python_s_help_pages():
    corpus = text.load("builtin")
    assert corpus.origin == "built-in" and len(corpus.sha256) == 64
    sizes = [len(getattr(corpus, part)) for part in text.PARTS]
    assert sizes[0] > 5 * max(sizes[1:]) and min(sizes) > 2000
    counts = np.bincount(corpus.train, minlength=len(corpus.vocabulary))
    known = [count for word, count in zip(corpus.vocabulary, counts, strict=True) if word != text.UNKNOWN]
    assert min(known) == 2 and known == sorted(known, reverse=True)  # once is not enough to learn a word
    assert text.load("builtin").sha256 == corpus.sha256


def test_without_wikitext_the_help_pages_are_taken_and_it_is_said(tmp_path, capsys):
    assert text.load("auto", tmp_path).name == "python-help"
    assert capsys.readouterr().err.startswith(f"WikiText-2 not found in {tmp_path / 'wikitext-2'}: ")
    with pytest.raises(UserError, match="get it with 'download'"):
        text.load("wikitext-2", tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_is_cut_at_blanks_and_lines(tmp_path, suffix):
    write_set(tmp_path, suffix=suffix)
    corpus = text.load(str(tmp_path))
    assert corpus.vocabulary == ("a", text.END, "b", "c", text.UNKNOWN)
    assert read_back(corpus, "train") == ["a", "b", "a", text.END, text.END, "c", "a", text.END]
    assert read_back(corpus, "valid") == ["b", text.UNKNOWN, text.END]
    assert read_back(corpus, "test") == ["c", text.UNKNOWN, text.UNKNOWN, text.END]
    assert (corpus.name, corpus.origin, corpus.train.dtype) == (tmp_path.name, "user folder", np.int64)


def test_the_words_that_a_text_calls_unknown_are_the_unknown_ones(tmp_path):
    write_set(tmp_path, ("a <unk> a\n", "<unk> x\n", "a a\n"))
    corpus = text.load(str(tmp_path))
    assert corpus.vocabulary.count(text.UNKNOWN) == 1 and read_back(corpus, "valid") == [text.UNKNOWN, text.UNKNOWN, text.END]


def test_the_hash_tells_texts_apart(tmp_path):
    found = set()
    for number, contents in enumerate([("a b\n", "a\n", "b\n"), ("a b\n", "b\n", "a\n"), ("a x\n", "a\n", "b\n"), ("a b\n", "a\n", "y\n")]):
        write_set(tmp_path / str(number), contents)
        found.add(text.load(str(tmp_path / str(number))).sha256)
    assert len(found) == 4


@pytest.mark.parametrize("name", ["story.txt", "story.txt.gz"])
def test_a_file_is_split_by_lines(tmp_path, name):
    lines = [f"line{number} a, a" for number in range(40)]
    raw = "\n".join(lines).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    corpus = text.load(str(tmp_path / name))
    assert [read_back(corpus, part).count(text.END) for part in text.PARTS] == [36, 2, 2]
    assert set(corpus.vocabulary) == {"a", ",", text.END, text.UNKNOWN}  # line0 and the like stand there once
    assert read_back(corpus, "test") == [text.UNKNOWN, "a", ",", "a", text.END] * 2


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("nowhere.txt", "there is no such file"),
        ("{folder}", "expected train.txt, valid.txt and test.txt"),
        ("{folder}/short.txt", "short: expected text to train on, to validate and to test, found 2, 0, 2 words"),
        ("{folder}/empty.txt", "found 0, 0, 0 words"),
        ("{folder}/latin.txt", "expected text in UTF-8, found the byte 0xe9 at 3"),
        ("{folder}/cut.txt.gz", "cut short"),
        ("{folder}/plain.gz", "not valid gzip data"),
    ],
)
def test_what_users_get_wrong(tmp_path, data, complaint):
    (tmp_path / "short.txt").write_text("one\ntwo")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(b"words " * 1000)[:-9])
    (tmp_path / "plain.gz").write_text("words")
    with pytest.raises(UserError, match=complaint) as raised:
        text.load(data.format(folder=tmp_path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("data", ["auto", "wikitext-2"])
def test_another_text_is_not_taken_for_wikitext(tmp_path, data):
    write_set(tmp_path / "wikitext-2")
    with pytest.raises(UserError, match="is not WikiText-2's: expected content of sha256"):
        text.load(data, tmp_path)


def test_download_asks_every_mirror_for_the_three_parts(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(text, "fetch", lambda file, folder: asked.append((file, folder)))
    assert text.download(tmp_path) == tmp_path / "wikitext-2"
    assert [file.name for file, _ in asked] == ["train.txt", "valid.txt", "test.txt"]
    for file, folder in asked:
        assert folder == tmp_path / "wikitext-2" and len({url.split("/")[2] for url in file.mirrors}) > 1  # hosts
        assert all(url.startswith("https://") and url.endswith(f"/wikitext-2/{file.name}") for url in file.mirrors)


def test_what_is_downloaded_is_read_and_not_asked_for_again(tmp_path, monkeypatch):
    contents = write_set(tmp_path / "wikitext-2")
    monkeypatch.setattr(text, "OFFICIAL", tuple(hashlib.sha256(content.encode()).hexdigest() for content in contents))
    monkeypatch.setattr(download, "_transfer", lambda *arguments: pytest.fail("asked a mirror"))
    corpus = text.load("auto", text.download(tmp_path).parent)
    assert (corpus.name, corpus.origin) == ("wikitext-2", "official")


@pytest.mark.skipif(not (data_root(None) / "wikitext-2").is_dir(), reason="ZOO_DATA has no WikiText-2")
def test_the_official_text():
    corpus = text.load("wikitext-2")
    assert [len(getattr(corpus, part)) for part in text.PARTS] == [2_088_628, 217_646, 245_569]
    assert len(corpus.vocabulary) == 33_278 and corpus.vocabulary[:3] == ("the", ",", ".")
    assert read_back(corpus, "train")[:7] == [text.END, "=", "Valkyria", "Chronicles", "III", "=", text.END]

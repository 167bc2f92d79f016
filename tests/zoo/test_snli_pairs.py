"""Pairs of sentences and word vectors: words, files, and what may be wrong with them."""

import gzip
import json
import shutil

import numpy as np
import pytest

from zoo.common.download import data_root
from zoo.common.errors import UserError
from zoo.datasets import glove, snli
from zoo.datasets.snli import LABELS, PADDING, PARTS, UNKNOWN, tokenize


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("A man, a plan: two canals!", "a man , a plan : two canals !"),
        ("They don't know the cat's name, can't they?", "they do n't know the cat 's name , ca n't they ?"),
        ("I'm sure we'll go, he'd said; they've gone, you're late.", "i 'm sure we 'll go , he 'd said ; they 've gone , you 're late ."),
        ("The dogs' bowls cannot move...", "the dogs ' bowls can not move . . ."),
        ('A T-shirt says "No. 1" (in red)', 'a t - shirt says " no . 1 " ( in red )'),
        ("Café_bar  at 9.30pm &\tmore", "café _ bar at 9 . 30pm & more"),
        ("D'Arcy isn't o'clock", "d ' arcy is n't o ' clock"),
        (" ", ""),
    ],
)
def test_words_of_a_sentence(sentence, words):
    assert tokenize(sentence) == tuple(words.split())
    assert tokenize(words) == tuple(words.split())  # what is already cut stays as it is


def test_sentences_cut_by_the_treebanks_rules_are_the_same():
    raw = 'The "big" dog doesn\'t bark, and its owner cannot say `why\'.'
    cut = "The `` big '' dog does n't bark , and its owner can not say ` why ' ."
    assert tokenize(raw) == tokenize(cut)


def test_the_built_in_pairs():
    pairs = snli.load("builtin")
    assert (pairs.name, pairs.origin) == ("pairs-by-hand", "built-in")
    for part, count in (("train", 240), ("dev", 45), ("test", 90)):
        found = getattr(pairs, part)
        assert len(found.premises) == len(found.hypotheses) == count
        assert np.bincount(found.labels).tolist() == [count // 3] * 3
        assert UNKNOWN not in found.premises and UNKNOWN not in found.hypotheses
    first = [pairs.words[number] for number in pairs.train.premises[0] if number != PADDING]
    assert " ".join(first) == "an old man is feeding pigeons in the park ."
    assert LABELS[pairs.train.labels[0]] == "entailment"
    assert pairs.vectors.shape == (len(pairs.words), 50) and not pairs.vectors[[PADDING, UNKNOWN]].any()
    assert pairs.vectors[pairs.words.index("the")][:3] == pytest.approx([0.42, 0.25, -0.41])
    premises = [{tuple(row[row != PADDING]) for row in getattr(pairs, part).premises} for part in PARTS]
    assert len(set.union(*premises)) == 125  # none in two parts


def write(folder, rows, words=("dogs", "bark", "cats", "."), suffix=""):
    """A folder with the same pairs in all three parts, and one with word vectors beside it."""
    (folder / "snli_1.0").mkdir(parents=True)
    for part in PARTS:
        content = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows).encode()
        path = folder / "snli_1.0" / f"snli_1.0_{part}.jsonl{suffix}"
        path.write_bytes(gzip.compress(content) if suffix else content)
    (folder / "glove.6B").mkdir()
    (folder / "glove.6B" / glove.FILE).write_text("".join(f"{word} {n} 0.5 -1e-3\n" for n, word in enumerate(words)))


def pair(label="neutral", premise="Dogs bark.", hypothesis="Cats purr."):
    return {"gold_label": label, "sentence1": premise, "sentence2": hypothesis}


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_files_in_the_form_of_snli(tmp_path, suffix):
    write(tmp_path, [pair(), pair("-"), pair("contradiction", hypothesis="Dogs bark, not cats!"), pair(hypothesis="")], suffix=suffix)
    for pairs in (snli.load("auto", tmp_path), snli.load(str(tmp_path / "snli_1.0"), tmp_path)):
        assert pairs.words == ("<padding>", "<unknown>", "dogs", "bark", "cats", ".")
        assert pairs.train.premises.tolist() == [[2, 3, 5]] * 3
        assert pairs.test.hypotheses.tolist() == [[4, 1, 5, 0, 0, 0], [2, 3, 1, 1, 4, 1], [1, 0, 0, 0, 0, 0]]
        assert pairs.dev.labels.tolist() == [1, 2, 1]
        assert pairs.vectors[3].tolist() == pytest.approx([1, 0.5, -1e-3])
        assert pairs.origin == "user folder" and pairs.name != "snli"


def test_the_hash_is_of_pairs_and_vectors(tmp_path):
    write(tmp_path / "a", [pair()])
    write(tmp_path / "b", [pair("entailment")])
    write(tmp_path / "c", [pair()], words=("dogs", "bark"))
    assert len({snli.load("auto", tmp_path / name).sha256 for name in "abc"}) == 3


def test_only_wanted_and_common_words_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(glove, "COMMON", 2)
    write(tmp_path, [pair()], words=("the", "of", "dogs", "rare", "bark"))
    assert glove.load({"bark", "dogs", "nowhere"}, "auto", tmp_path).words == ("the", "of", "dogs", "bark")


def test_nothing_downloaded(tmp_path, capsys):
    assert snli.load("auto", tmp_path).name == "pairs-by-hand"
    assert capsys.readouterr().err.startswith(f"SNLI not found in {tmp_path}")
    with pytest.raises(UserError, match="get it with 'download'"):
        snli.load("snli", tmp_path)
    write(tmp_path, [pair()])
    shutil.rmtree(tmp_path / "glove.6B")
    assert snli.load("auto", tmp_path).vectors.shape[1] == 50
    assert capsys.readouterr().err.startswith(f"GloVe not found in {tmp_path}")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: expected JSON with sentence1"),
        ("[1]", "line 2: expected JSON with sentence1"),
        (pair("maybe"), "one of entailment, neutral, contradiction or -"),
        ({"gold_label": "neutral", "sentence1": "Dogs."}, "line 2: expected JSON"),
        (pair(premise=None), "line 2: expected JSON"),
    ],
)
def test_bad_pairs(tmp_path, row, complaint):
    write(tmp_path, [pair(), row])
    with pytest.raises(UserError, match=complaint):
        snli.load("auto", tmp_path)


def test_other_bad_data(tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        snli.load("nowhere")
    write(tmp_path, [pair("-")])
    with pytest.raises(UserError, match="expected labelled pairs, found none"):
        snli.load("auto", tmp_path)
    with pytest.raises(UserError, match="expected a file …train.jsonl"):
        snli.load(str(tmp_path))
    shutil.rmtree(tmp_path / "snli_1.0")
    shutil.rmtree(tmp_path / "glove.6B")
    write(tmp_path, [pair()])
    with pytest.raises(UserError, match="does not hold SNLI's own files"):
        snli.load("snli", tmp_path)
    for content, complaint in (
        ("dogs 1 2\nbark 1\n", "line 2: expected 2 numbers, found 1"),
        ("dogs one two\n", "line 1: expected a word and its numbers"),
        ("", "found an empty file"),
    ):
        (tmp_path / "glove.6B" / glove.FILE).write_text(content)
        with pytest.raises(UserError, match=complaint):
            snli.load("auto", tmp_path)


def test_the_built_in_pairs_are_balanced_and_no_premise_is_in_two_parts():
    parts = [snli.read_pairs(snli.BUILTIN_FOLDER / f"pairs_{part}.jsonl")[0] for part in PARTS]
    premises = [{premise for premise, *_ in part} for part in parts]
    assert [len(part) for part in parts] == [240, 45, 90] and len(set.union(*premises)) == sum(map(len, premises)) == 125
    for part in parts:
        assert len(set(np.bincount([label for *_, label in part]))) == 1


@pytest.mark.skipif(not (data_root(None) / "snli_1.0").is_dir(), reason="ZOO_DATA has no SNLI")
def test_the_full_set():
    pairs = snli.load()
    assert [len(part.labels) for part in (pairs.dev, pairs.test)] == [9_842, 9_824]
    assert np.bincount(pairs.test.labels).tolist() == [3368, 3219, 3237]
    assert (len(pairs.train.labels) == 549_367) == (pairs.name == "snli")
    assert pairs.vectors.shape[1] == 100

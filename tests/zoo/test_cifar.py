"""Small images: CIFAR-10 known by its content, refused where it is not whole, and other sets in the same records."""

import hashlib

import numpy as np
import pytest

from zoo.common.download import data_root
from zoo.common.errors import UserError
from zoo.datasets import cifar, mnist


def write(path, labels):
    """Records with these labels; every pixel's value is its plane's number plus ten times the image's."""
    planes = np.repeat(np.arange(3), 1024)
    records = [[label, *(10 * number + planes)] for number, label in enumerate(labels)]
    path.write_bytes(np.array(records, np.uint8).tobytes())


@pytest.fixture
def folder(tmp_path):
    """A data root whose folder holds three files of records: 2 + 3 for training, 1 for testing."""
    path = tmp_path / "cifar-10-batches-bin"
    path.mkdir()
    for name, labels in (("data_batch_1", [6, 9]), ("data_batch_2", [0, 1, 2]), ("test_batch", [3])):
        write(path / f"{name}.bin", labels)
    return path


def test_records_become_planes(folder):
    found = cifar.load(str(folder))
    assert (found.name, found.origin) == ("cifar-10-batches-bin", "user folder")
    assert found.train_labels.tolist() == [6, 9, 0, 1, 2] and found.test_labels.tolist() == [3]
    assert found.train_images.shape == (5, 3, 32, 32) and found.train_images.dtype == np.uint8
    assert found.train_images[1, :, 7, 5].tolist() == [10, 11, 12]  # red, green and blue of the second image
    content = b"".join((folder / f"{name}.bin").read_bytes() for name in ("data_batch_1", "data_batch_2", "test_batch"))
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_only_the_pinned_content_is_cifar_10(folder, monkeypatch):
    for data in ("auto", "cifar-10"):
        with pytest.raises(UserError, match=r"data_batch_1.bin is not CIFAR-10's"):
            cifar.load(data, folder.parent)
    digests = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()))
    monkeypatch.setitem(cifar.KNOWN, digests, ("cifar-10-subset", "user folder"))
    assert cifar.load("auto", folder.parent).name == "cifar-10-subset"
    with pytest.raises(UserError, match="not the whole of CIFAR-10"):
        cifar.load("cifar-10", folder.parent)
    monkeypatch.setitem(cifar.KNOWN, digests, ("cifar-10", "official"))
    assert cifar.load("cifar-10", folder.parent).origin == "official"


def test_five_whole_files_without_the_sixth_are_not_cifar_10(folder, monkeypatch):
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setattr(cifar, "OFFICIAL", tuple(found.get(name, "0" * 64) for name in cifar.NAMES))
    with pytest.raises(UserError, match="or files are missing"):
        cifar.load("auto", folder.parent)


def test_without_it_the_built_in_digits_are_taken_and_it_is_said(tmp_path, capsys):
    found, digits = cifar.load("auto", tmp_path), mnist.load("builtin")
    assert capsys.readouterr().err.startswith(f"CIFAR-10 not found in {tmp_path / 'cifar-10-batches-bin'}: training on 4,000 + 1,000")
    assert (found.name, found.origin, found.sha256) == ("mnist-5k", "built-in", digits.sha256)
    assert found.train_images.shape == (4000, 3, 32, 32) and len(found.classes) == 10
    for colour in range(3):
        np.testing.assert_array_equal(found.test_images[:, colour, 2:-2, 2:-2], digits.test_images)
    assert found.test_images.sum(dtype=np.int64) == 3 * digits.test_images.sum(dtype=np.int64)  # the border is black


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("data_batch_2.bin", b"\0" * 3072, "expected records of 3,073 bytes, found 3,072"),
        ("data_batch_2.bin", b"", "found 0 bytes"),
        ("test_batch.bin", b"\x0a" + b"\0" * 3072, "expected labels 0 to 9, found 10"),
        ("test_batch.bin", None, "missing: test_batch.bin"),
    ],
)
def test_bad_files(folder, file, content, complaint):
    (folder / file).unlink() if content is None else (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=complaint):
        cifar.load(str(folder))


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="get it with 'download'"):
        cifar.load("cifar-10", tmp_path)
    with pytest.raises(UserError, match="there is no such folder"):
        cifar.load("nowhere")


def test_what_is_there_is_not_downloaded_again(folder):
    assert cifar.download(folder.parent) == folder


@pytest.mark.skipif(not (data_root(None) / cifar.FOLDER / "data_batch_5.bin").exists(), reason="ZOO_DATA has no CIFAR-10")
def test_the_full_set():
    found = cifar.load("cifar-10")
    assert found.origin == "official"
    assert found.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert found.test_labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert np.bincount(found.train_labels).tolist() == [5000] * 10 and np.bincount(found.test_labels).tolist() == [1000] * 10

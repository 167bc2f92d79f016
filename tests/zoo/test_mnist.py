"""Digits: the idx format, what may be wrong with it, and which data set is read."""

import gzip
import hashlib
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.common import download
from zoo.common.errors import UserError
from zoo.datasets import mnist


def idx(array, kind=8):
    array = np.asarray(array, np.uint8)
    return struct.pack(f">4B{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def digits(count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10


def write_set(folder, train=None, test=None, suffix="", separator="-"):
    """Write four small files as a user's folder would hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (*(train or digits(20)), *(test or digits(10, seed=1)))
    for name, array in zip(mnist.NAMES, arrays, strict=False):
        content = idx(array)
        path = folder / f"{name.replace('-idx', f'{separator}idx')}{suffix}"
        path.write_bytes(gzip.compress(content, 1) if suffix else content)
    return arrays


@pytest.fixture(autouse=True)
def nothing_cached(request, tmp_path, monkeypatch):
    if "official" not in request.node.name:
        monkeypatch.setenv("ZOO_DATA", str(tmp_path / "empty"))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("array", [np.arange(5), np.arange(24).reshape(4, 3, 2)])
def test_read_idx(tmp_path, array, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(gzip.compress(idx(array)) if suffix else idx(array))
    read = mnist.read_idx(path)
    assert read.dtype == np.uint8 and not read.flags.writeable
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "found an empty file"),
        (b"PK\x03\x04 zip", "expected an idx file.*found 50 4b 03 04"),
        (idx([1, 2], kind=0x0D), "found 00 00 0d 01"),
        (idx([[1, 2]]), "found 00 00 08 02"),
        (idx(np.zeros((1, 2, 3)))[:10], "expected a header of 16 bytes, found 10"),
        (idx([1, 2, 3])[:-1], r"expected 11 bytes for the shape \(3,\), found 10"),
        (idx([1, 2, 3]) + b"\0", r"expected 11 bytes for the shape \(3,\), found 12"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "expected 79,228"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1), "found the empty shape"),
    ],
)
def test_read_idx_refuses(tmp_path, content, message):
    path = tmp_path / "x-ubyte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        mnist.read_idx(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_read_idx_of_a_truncated_archive(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(digits(3)[0]))[:-100])
    with pytest.raises(UserError, match="cut short"):
        mnist.read_idx(tmp_path / "x.gz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=40) | st.binary(max_size=40).map(lambda rest: b"\0\0\x08\x03" + rest))
def test_read_idx_of_any_bytes_is_an_array_or_a_user_error(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    try:
        assert idx(mnist.read_idx(path)) == content
    except UserError as error:
        assert "\n" not in str(error)


def test_builtin():
    read = mnist.load("builtin")
    assert (read.name, read.origin) == ("mnist-5k", "built-in")
    assert read.train_images.shape == (4000, 28, 28) and read.test_images.shape == (1000, 28, 28)
    assert read.train_images.dtype == np.uint8 and read.train_labels.dtype == np.int64
    assert np.bincount(read.train_labels).tolist() == [400] * 10
    assert np.bincount(read.test_labels).tolist() == [100] * 10
    assert 30 < read.train_images.mean() < 36  # ink on black paper
    assert len({image.tobytes() for image in (*read.train_images, *read.test_images)}) == 5000


def test_sha256_is_of_the_arrays_one_after_another():
    read = mnist.load("builtin")
    arrays = read.train_images, read.train_labels, read.test_images, read.test_labels
    assert read.sha256 == hashlib.sha256(b"".join(a.astype(np.uint8).tobytes() for a in arrays)).hexdigest()


def test_builtin_is_verified(tmp_path, monkeypatch):
    write_set(tmp_path, suffix=".gz")
    monkeypatch.setattr(mnist, "BUILTIN_FOLDER", tmp_path)
    with pytest.raises(UserError, match=f"sha256 {mnist.BUILTIN[0]}, found"):
        mnist.load("builtin")


def test_auto_without_mnist_is_builtin_and_says_so(tmp_path, capsys):
    assert mnist.load(data_dir=tmp_path).origin == "built-in"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"MNIST not found in {tmp_path / 'mnist'}: training on the built-in")


def test_mnist_not_there(tmp_path):
    with pytest.raises(UserError, match="get it with 'download'"):
        mnist.load("mnist", tmp_path)


@pytest.mark.parametrize("below", ["", "mnist"])
@pytest.mark.parametrize("data", ["auto", "mnist"])
def test_full_set_is_found_verified_and_named(tmp_path, monkeypatch, capsys, data, below):
    arrays = write_set(tmp_path / below, suffix=".gz")
    pinned = tuple(hashlib.sha256(idx(array)).hexdigest() for array in arrays)
    monkeypatch.setattr(mnist, "OFFICIAL", pinned)
    read = mnist.load(data, tmp_path)
    assert (read.name, read.origin) == ("mnist", "official") and capsys.readouterr().err == ""
    np.testing.assert_array_equal(read.test_images, arrays[2])


@pytest.mark.parametrize("data", ["auto", "mnist"])
def test_another_set_in_its_place_is_refused(tmp_path, data):
    write_set(tmp_path / "mnist", suffix=".gz")
    with pytest.raises(
        UserError, match=f"is not the official file: expected content of sha256 {mnist.OFFICIAL[0]}, found"
    ):
        mnist.load(data, tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-", "."])
def test_user_folder(tmp_path, suffix, separator):
    folder = tmp_path / "fashion"
    arrays = write_set(folder, suffix=suffix, separator=separator)
    read = mnist.load(str(folder))
    assert (read.name, read.origin) == ("fashion", "user folder")
    for found, expected in zip((read.train_images, read.train_labels, read.test_images, read.test_labels), arrays, strict=False):
        np.testing.assert_array_equal(found, expected)


def test_user_folder_not_there(tmp_path):
    with pytest.raises(UserError, match="expected auto, mnist, builtin or a folder"):
        mnist.load(str(tmp_path / "nowhere"))


def test_user_folder_lacks_a_file(tmp_path):
    write_set(tmp_path)
    (tmp_path / mnist.NAMES[3]).unlink()
    with pytest.raises(UserError, match=f"missing: {mnist.NAMES[3]}$"):
        mnist.load(str(tmp_path))


@pytest.mark.parametrize(
    "train, message",
    [
        ((np.zeros((3, 32, 32)), [0, 1, 2]), r"expected images of shape \(N, 28, 28\), found \(3, 32, 32\)"),
        (([0, 1, 2], [0, 1, 2]), r"expected images of shape \(N, 28, 28\), found \(3,\)"),
        ((np.zeros((3, 28, 28)), [0, 1]), r"expected 3 labels, one an image, found the shape \(2,\)"),
        ((np.zeros((3, 28, 28)), np.zeros((3, 28, 28))), r"expected 3 labels.*found the shape \(3, 28, 28\)"),
        ((np.zeros((3, 28, 28)), [0, 1, 10]), "expected labels 0 to 9, found 10"),
        ((np.zeros((0, 28, 28)), []), "empty shape"),
    ],
)
def test_user_folder_with_other_data(tmp_path, train, message):
    write_set(tmp_path, train=train)
    with pytest.raises(UserError, match=message) as raised:
        mnist.load(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_download_asks_every_mirror_for_the_archives(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(mnist, "fetch", lambda file, folder: asked.append((file, folder)))
    assert mnist.download(tmp_path) == tmp_path / "mnist"
    assert [file.name for file, _ in asked] == [f"{name}.gz" for name in mnist.NAMES]
    for file, folder in asked:
        assert folder == tmp_path / "mnist" and len(file.mirrors) == len(mnist.MIRRORS)
        assert all(re.fullmatch(rf"https?://.+/mnist/{file.name}", url) for url in file.mirrors)


def test_download_leaves_verified_files_alone(tmp_path, monkeypatch):
    """What a user put there by hand counts, with no mirror asked."""
    arrays = write_set(tmp_path / "mnist", suffix=".gz")
    monkeypatch.setattr(mnist, "OFFICIAL", tuple(hashlib.sha256(idx(array)).hexdigest() for array in arrays))
    monkeypatch.setattr(download, "_transfer", lambda *arguments: pytest.fail("asked a mirror"))
    mnist.download(tmp_path)


@pytest.mark.skipif(
    not (Path(os.environ.get("ZOO_DATA", "")) / "mnist" / f"{mnist.NAMES[0]}.gz").is_file(),
    reason="ZOO_DATA has no MNIST",
)
def test_official_set():
    read, builtin = mnist.load("mnist"), mnist.load("builtin")
    assert read.origin == "official"
    assert read.train_images.shape == (60000, 28, 28) and read.test_images.shape == (10000, 28, 28)
    label_of = {image.tobytes(): label for image, label in zip(read.train_images, read.train_labels, strict=False)}
    for image, label in zip(
        (*builtin.train_images, *builtin.test_images), (*builtin.train_labels, *builtin.test_labels), strict=False
    ):
        assert label_of[image.tobytes()] == label
    assert label_of.keys().isdisjoint(image.tobytes() for image in read.test_images)

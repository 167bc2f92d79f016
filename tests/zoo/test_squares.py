"""Square pictures: digits in a frame, folders of pictures cropped, and what is neither refused."""

import gzip
import shutil

import numpy as np
import pytest
from PIL import Image

from zoo.common.errors import UserError
from zoo.datasets import mnist, squares


def test_digits_get_a_frame():
    digits, found = mnist.load("builtin"), squares.load("builtin", size=32)
    assert (found.name, found.sha256, found.origin) == (digits.name, digits.sha256, "built-in")
    assert found.train.shape == (4000, 1, 32, 32) and found.test.shape == (1000, 1, 32, 32) and found.train.dtype == np.uint8
    assert np.array_equal(found.test[:, 0, 2:30, 2:30], digits.test_images)
    assert found.test.sum(dtype=int) == digits.test_images.sum(dtype=int)


def test_and_are_enlarged():
    small, large = (squares.framed(mnist.load("builtin").test_images[:50], size).astype(float) for size in (32, 64))
    assert large.shape == (50, 1, 64, 64)
    reduced = large.reshape(50, 1, 32, 2, 32, 2).mean((3, 5))
    assert np.abs(reduced - small).mean() < 0.2 * small.mean()  # blurred a little
    assert abs(large.mean() - small.mean()) < 0.5


def test_digits_in_a_folder(tmp_path):
    shutil.copytree(mnist.BUILTIN_FOLDER, tmp_path / "digits")
    assert squares.load(str(tmp_path / "digits"), size=32).origin == "user folder"
    archive = next((tmp_path / "digits").glob("t10k-labels*.gz"))
    archive.with_suffix("").write_bytes(gzip.decompress(archive.read_bytes()))
    archive.unlink()
    assert squares.load(str(tmp_path / "digits"), size=32).test.shape == (1000, 1, 32, 32)


def test_pictures_in_a_folder_are_cropped_in_the_middle(tmp_path):
    for number in range(11):
        wide = np.zeros((40, 80, 3), np.uint8)
        wide[:, 20:60] = (10 * number, 200, 30)  # the middle square
        wide[:, :20] = wide[:, 60:] = 255
        Image.fromarray(wide).save(tmp_path / f"{number:02}.png")
    found = squares.load(str(tmp_path), size=64)
    assert found.train.shape == (9, 3, 64, 64) and found.test.shape == (2, 3, 64, 64) and found.origin == "user folder"
    inside = found.test[1, :, :, 4:-4]  # enlarging mixes in a little of what is just outside
    assert (inside == np.array([100, 200, 30]).reshape(3, 1, 1)).all()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no such folder"),
        ((), "expected a folder with pictures"),
        (("a.png", "b.png", "c.png"), "expected two or more pictures to test with"),
        (("train-images-idx3-ubyte",), "missing: train-labels-idx1-ubyte"),
    ],
)
def test_what_is_refused(tmp_path, content, complaint):
    folder = tmp_path / "folder"
    if content is not None:
        folder.mkdir()
    for name in content or ():
        Image.new("RGB", (9, 9)).save(folder / name, "png")
    with pytest.raises(UserError, match=complaint):
        squares.load(str(folder), size=32)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    for number in range(11):
        Image.new("RGB", (9, 9)).save(tmp_path / f"{number:02}.png")
    (tmp_path / "05.png").write_text("text")
    with pytest.raises(UserError, match="05.png: not a picture"):
        squares.load(str(tmp_path), size=32)

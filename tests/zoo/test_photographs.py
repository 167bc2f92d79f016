"""Photographs: found in the order of their names, refused where they are missing or not the official ones."""

import shutil

import numpy as np
import pytest
from PIL import Image

from zoo.common import pictures
from zoo.common.download import data_root
from zoo.common.errors import UserError
from zoo.datasets import photographs


def test_the_built_in_ones():
    found = photographs.load("builtin")
    assert [path.stem for path in found.train + found.test] == ["astronaut", "chelsea", "coffee", "rocket"]
    assert all(pictures.read(path).shape[2] == 3 for path in found.train + found.test)
    assert found.origin == "built-in" and len(found.sha256) == 64


def test_without_the_full_set_the_built_in_ones_are_taken_and_it_is_said(tmp_path, capsys):
    assert photographs.load("auto", tmp_path).name == "photographs-4"
    assert capsys.readouterr().err.startswith(f"BSDS300 not found in {tmp_path}")
    with pytest.raises(UserError, match="get it with 'download'"):
        photographs.load("bsds300", tmp_path)


def test_other_photographs_are_not_taken_for_the_full_set(tmp_path):
    shutil.copytree(photographs.BUILTIN_FOLDER, tmp_path / "BSDS300" / "images")
    with pytest.raises(UserError, match="expected BSDS300's 200"):
        photographs.load("auto", tmp_path)


@pytest.mark.skipif(not (data_root(None) / "BSDS300").is_dir(), reason="ZOO_DATA has no BSDS300")
def test_the_full_set():
    found = photographs.load("bsds300")
    assert (len(found.train), len(found.test), found.origin) == (200, 100, "official")


def test_a_folder(tmp_path):
    for number in range(12):
        Image.new("RGB", (4, 3), (number, 0, 0)).save(tmp_path / f"{number:02}.png")
    found = photographs.load(str(tmp_path))
    assert [path.stem for path in found.test] == ["00", "10"] and len(found.train) == 10
    for number, part in enumerate(("train", "test")):
        (tmp_path / part).mkdir()
        (tmp_path / f"{number:02}.png").rename(tmp_path / part / "x.png")
    found = photographs.load(str(tmp_path))
    assert found.train == (tmp_path / "train" / "x.png",) and found.test == (tmp_path / "test" / "x.png",)


@pytest.mark.parametrize(("data", "complaint"), [("nowhere", "there is no such folder"), ("{empty}", "expected a folder with pictures")])
def test_bad_folders(tmp_path, data, complaint):
    with pytest.raises(UserError, match=complaint):
        photographs.load(data.format(empty=tmp_path))


def test_a_grid_of_images():
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)
    whole = pictures.grid(images, columns=2, gap=1)
    assert whole.shape == (5, 5)
    assert (whole[:2, :2] == images[0]).all() and (whole[:2, 3:] == images[1]).all() and (whole[3:, :2] == images[2]).all()
    assert (whole[3:, 3:] == 255).all() and (whole[2] == 255).all()
    assert pictures.grid(np.zeros((2, 3, 4, 3), np.uint8), columns=2).shape == (3, 10, 3)


def test_reading_and_writing(tmp_path):
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    pictures.write(tmp_path / "new" / "x.png", image)
    assert (pictures.read(tmp_path / "new" / "x.png") == image).all()
    Image.new("LA", (1, 1), (0, 0)).save(tmp_path / "clear.png")
    assert (pictures.read(tmp_path / "clear.png") == 255).all()
    for name, complaint in ("none.png", "No such file"), ("new", "directory"):
        with pytest.raises(UserError, match=complaint):
            pictures.read(tmp_path / name)

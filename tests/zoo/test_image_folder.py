"""Photographs in a folder a class: listed in order, refused where the two parts do not fit together."""

import pytest
from PIL import Image

from zoo.common.errors import UserError
from zoo.datasets import image_folder


@pytest.fixture
def folder(tmp_path):
    for part, count in (("train", 2), ("val", 1)):
        for name in ("cat", "ant"):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (4, 3)).save(tmp_path / part / name / f"{number}.jpg")
    return tmp_path


def test_classes_are_numbered_in_the_order_of_their_names(folder):
    found = image_folder.load(folder)
    assert found.classes == ("ant", "cat") and found.name == folder.name and found.origin == "user folder"
    assert [(path.parent.name, path.name, label) for path, label in found.train] == [
        ("ant", "0.jpg", 0), ("ant", "1.jpg", 0), ("cat", "0.jpg", 1), ("cat", "1.jpg", 1),
    ]  # fmt: skip
    assert [label for _, label in found.test] == [0, 1]


def test_the_hash_tells_which_files_there_are(folder, tmp_path):
    before = image_folder.load(folder).sha256
    assert image_folder.load(folder).sha256 == before
    (folder / "train" / "cat" / "1.jpg").rename(folder / "train" / "cat" / "2.jpg")
    renamed = image_folder.load(folder).sha256
    (folder / "train" / "cat" / "2.jpg").open("ab").write(b"\0")
    assert len({before, renamed, image_folder.load(folder).sha256}) == 3


def test_bad_folders(folder):
    (folder / "val" / "cat").rename(folder / "val" / "dog")
    with pytest.raises(UserError, match="in one only: cat, dog"):
        image_folder.load(folder)
    (folder / "val" / "dog").rename(folder / "val" / "cat")
    (folder / "val" / "cat" / "0.jpg").unlink()
    with pytest.raises(UserError, match="cat: expected a folder with pictures"):
        image_folder.load(folder)
    (folder / "val").rename(folder / "test")
    with pytest.raises(UserError, match="missing: val"):
        image_folder.load(folder)
    (folder / "train").rename(folder / "val")
    (folder / "train").mkdir()
    with pytest.raises(UserError, match="expected a folder a class in it"):
        image_folder.load(folder)

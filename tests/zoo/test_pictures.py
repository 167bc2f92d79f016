"""Pictures as files hold them: more bits than eight, and what cannot be shown."""

import numpy as np
import pytest
from PIL import Image

from zoo.common import pictures
from zoo.common.errors import UserError
from zoo.mnist_cnn.predict import read_grey
from zoo.super_resolution.brightness import read_brightness

RAMP = np.arange(0, 65536, 64, np.uint16).reshape(32, 32)


@pytest.mark.parametrize(("name", "order"), [("a.png", "<u2"), ("a.tif", "<u2"), ("a.tif", ">u2")])
def test_greys_of_16_bits_are_scaled(tmp_path, name, order):
    Image.fromarray(RAMP.astype(order)).save(tmp_path / name)
    greys = (RAMP >> 8).astype(np.uint8)
    np.testing.assert_array_equal(pictures.read(tmp_path / name), np.stack([greys] * 3, -1))
    np.testing.assert_array_equal(read_grey(tmp_path / name), greys)
    np.testing.assert_array_equal(read_brightness(tmp_path / name), greys)


@pytest.mark.parametrize("type", [np.int32, np.float32])
def test_numbers_without_a_white_are_refused(tmp_path, type):
    Image.fromarray(RAMP.astype(type)).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match=r"a\.tif: its values are 32-bit numbers"):
        pictures.read(tmp_path / "a.tif")

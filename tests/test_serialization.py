"""Saving and loading: what was saved comes back, or an error does."""

import contextlib
import errno
import json
import os

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import framework
from framework.serialization import CorruptFileError, safetensors_file

ALL_TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, framework.Tensor):
        assert a.dtype is b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert a == b or a != a


def state():
    return {
        "model": {"conv.weight": framework.arange(12.0).reshape(3, 4), "steps": framework.tensor(3)},
        "optimizer": {"state": {0: {"step": framework.tensor(1.0), "m": framework.zeros(0, 2)}, 1: {}}, "lr": 0.1, "betas": [0.9, 0.999]},
        "epoch": 3,
        "name": "ünïcode",
        "none": None,
        "flag": True,
        "infinite": float("inf"),
        "list": [1, "a", framework.ones(2), []],
    }


def test_round_trip(tmp_path):
    framework.save(state(), tmp_path / "f")
    assert_same(framework.load(tmp_path / "f"), state())


@pytest.mark.parametrize("dtype", ALL_TYPES)
@pytest.mark.parametrize("shape", [(2, 3), (), (0,), (2, 0, 3)])
def test_every_type_and_shape(tmp_path, dtype, shape):
    x = framework.ones(shape, dtype=getattr(framework, dtype))
    framework.save({"x": x}, tmp_path / "f")
    assert_same(framework.load(tmp_path / "f"), {"x": x})
    framework.save(x, tmp_path / "f")
    assert_same(framework.load(tmp_path / "f"), x)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(framework.ones(2)) | st.just(framework.tensor(1))
KEYS = st.text(max_size=4) | st.integers() | st.sampled_from(["a.b", "a", "b", "__tensor__", "__pairs__", "__metadata__", "tensor", "0"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8))
def test_any_structure(tmp_path, value):
    framework.save(value, tmp_path / "f")
    assert_same(framework.load(tmp_path / "f"), value)


def test_names_that_meet(tmp_path):
    one, two, three, four, five, six = framework.arange(6)
    value = {"a.b": one, "a": {"b": two}, "": three, "tensor": four, 0: five, "0": six}
    framework.save(value, tmp_path / "f")
    assert_same(framework.load(tmp_path / "f"), value)


def test_views_and_gradients(tmp_path):
    x = framework.arange(6.0).reshape(2, 3)
    leaf = x.clone().requires_grad_()
    framework.save({"t": x.t(), "row": x[1], "expanded": x[:, :1].expand(2, 3), "leaf": leaf, "made": leaf * 2}, tmp_path / "f")
    loaded = framework.load(tmp_path / "f")
    assert loaded["t"].tolist() == x.t().tolist() and loaded["expanded"].tolist() == [[0, 0, 0], [3, 3, 3]]
    assert not loaded["leaf"].requires_grad and loaded["made"][1, 2].item() == 10
    loaded["row"].add_(1)  # writable


def test_what_cannot_be_saved(tmp_path):
    for value, place in [({"a": {"b": object()}}, "a.b"), ([1, {2}], "1"), ({"f": print}, "f")]:
        with pytest.raises(TypeError, match=f"cannot save .* \\(at '{place}'\\)"):
            framework.save(value, tmp_path / "f")
    for key in ((1, 2), b"a", frozenset(), framework.ones(1)):
        with pytest.raises(TypeError, match="cannot save a dict \\(at 'a.b'\\) whose keys"):
            framework.save({"a": {"b": {1: 2, key: 3}}}, tmp_path / "f")
    assert not any(tmp_path.iterdir())


def test_other_programs(tmp_path):
    """A state dict is a plain safetensors file, and any such file can be read."""
    framework.save({"w": framework.ones(2, 2), "b": framework.zeros(3, dtype=framework.int64)}, tmp_path / "ours")
    theirs = safetensors.numpy.load_file(tmp_path / "ours")
    assert theirs["w"].tolist() == [[1, 1], [1, 1]] and theirs["b"].dtype == np.int64
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file({"x": np.arange(3)}, tmp_path / "foreign", metadata)
        assert_same(framework.load(tmp_path / "foreign"), {"x": framework.arange(3)})


def test_every_damage_is_noticed(tmp_path):
    """A bit flipped anywhere, or a file cut off anywhere: an error, or (where the format does not care) the same data."""
    path = tmp_path / "f"
    framework.save(state(), path)
    whole = path.read_bytes()
    for place in [*range(0, len(whole), 7), *range(16)]:
        for damage in (bytes([whole[place] ^ 1]), bytes([whole[place] ^ 0x80]), b"", b"xx"):
            path.write_bytes(whole[:place] + damage + whole[place + 1 :])
            loads_right_or_not_at_all(path)
    for length in [*range(0, len(whole), 11), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError):
            framework.load(path)
    path.write_bytes(whole + b"more")
    loads_right_or_not_at_all(path)
    assert_same(load_bytes(path, whole), state())


def load_bytes(path, data):
    path.write_bytes(data)
    return framework.load(path)


def loads_right_or_not_at_all(path):
    try:
        loaded = framework.load(path)
    except CorruptFileError:
        return
    assert_same(loaded, state())


def test_not_a_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        framework.load(tmp_path / "none")
    (tmp_path / "text").write_text("hello world, this is no checkpoint")
    with pytest.raises(CorruptFileError, match="text is damaged or not a safetensors file"):
        framework.load(tmp_path / "text")


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, broken):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    framework.save({"x": framework.ones(1)}, tmp_path / "f")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, broken, full)
        framework.save({"x": framework.zeros(1)}, tmp_path / "f")
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
    assert framework.load(tmp_path / "f")["x"].item() == 1


def test_permissions_are_the_users(tmp_path):
    before = os.umask(0o027)
    try:
        framework.save({}, tmp_path / "f")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    (tmp_path / "f").chmod(0o604)
    framework.save({}, tmp_path / "f")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o604


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "f").symlink_to(tmp_path / "there" / "g")
    for x in (1.0, 2.0):  # to a file that is not there yet, and to one that is
        framework.save({"x": framework.tensor(x)}, tmp_path / "f")
        assert (tmp_path / "f").is_symlink() and framework.load(tmp_path / "there" / "g")["x"].item() == x
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["f", "g", "there"]


def resigned(structure: str, tensors=None) -> bytes:
    """A file with any structure, and the checksum that belongs to it."""
    tensors = {"a": np.ones(2)} if tensors is None else tensors
    return safetensors.numpy.save(tensors, {"framework": f"{safetensors_file._checksum(tensors, structure)} {structure}"})


@pytest.mark.parametrize(
    "structure",
    ["", "{", "[" * 100_000, '{"__tensor__": "b"}', '{"__tensor__": []}', '{"__pairs__": 3}', '{"__pairs__": [[[], 1]]}',
     '{"__pairs__": [[1]]}', '{"__tensor__": {"a": 1}}'],
)  # fmt: skip
def test_a_structure_that_was_never_written(tmp_path, structure):
    with pytest.raises(CorruptFileError):
        load_bytes(tmp_path / "f", resigned(structure))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from('{}[]",:0a_\\ntrue'), max_size=40) | st.text(max_size=40))
def test_any_text_as_the_structure(tmp_path, structure):
    with contextlib.suppress(CorruptFileError):
        load_bytes(tmp_path / "f", resigned(structure))


WORDS = st.sampled_from(["dtype", "shape", "data_offsets", "x", "__metadata__"])
TOLD = st.sampled_from(["F32", "BF16", "F8_E4M3", "BOOL", [0, 4], [0, 1 << 70]])
HEADERS = st.recursive(
    TOLD | st.integers() | st.floats() | st.text(max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(HEADERS, st.binary(max_size=8), st.none() | st.integers(0, (1 << 64) - 1))
def test_any_header(tmp_path, header, data, length):
    text = json.dumps(header).encode()
    prefix = (len(text) if length is None else length).to_bytes(8, "little")
    with contextlib.suppress(CorruptFileError, NotImplementedError):
        load_bytes(tmp_path / "f", prefix + text + data)


@pytest.mark.parametrize("shape", [[0, 1 << 62, 1 << 62], [1] * 100, [0, 1 << 70]])
def test_shapes_numpy_cannot_have(tmp_path, shape):
    data_end = 0 if 0 in shape else 4
    text = json.dumps({"x": {"dtype": "F32", "shape": shape, "data_offsets": [0, data_end]}}).encode()
    with pytest.raises(CorruptFileError):
        load_bytes(tmp_path / "f", len(text).to_bytes(8, "little") + text + bytes(data_end))

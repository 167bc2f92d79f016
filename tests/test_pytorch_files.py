"""PyTorch's own files: what was saved there comes back here, and no file, however made, runs code or takes more than its own size."""

import io
import os
import pickle
import pickletools
import struct
import tracemalloc
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework
from framework.serialization import CorruptFileError

DATA = Path(__file__).parent / "data"
REFUSED = (CorruptFileError, UnpicklingError, NotImplementedError)
EVERYTHING = (DATA / "everything.pth").read_bytes()


def entries_of(data=EVERYTHING):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def archive_of(program: bytes, entries=None, compression=zipfile.ZIP_STORED, folder="archive/") -> bytes:
    """A well-formed file with another pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in (entries_of() if entries is None else entries).items():
            if not name.endswith("data.pkl"):
                archive.writestr(name, data)
        archive.writestr(f"{folder}data.pkl", program)
    return file.getvalue()


def load(data: bytes, **options):
    return framework.load(io.BytesIO(data), **options)


def run(program: bytes):
    return load(archive_of(b"\x80\x02" + program + b".", {"archive/data/0": bytes(24)}))


FOLDER = next(name for name in entries_of() if name.endswith("data.pkl")).removesuffix("data.pkl")


# What is read


def test_every_kind_of_thing():
    loaded = framework.load(DATA / "everything.pth")
    for name, tensor in loaded["types"].items():
        assert tensor.dtype is getattr(framework, name)
        assert tensor.tolist() == ([[0, 1, 1], [1, 1, 1]] if name == "bool" else [[0, 1, 2], [3, 4, 5]])
    base = np.arange(24.0).reshape(4, 6)
    expected = (base, base.T, base[1:3, ::2], base[2], np.broadcast_to(base[:1], (3, 6)))
    assert type(loaded["views"]) is tuple
    for tensor, array in zip(loaded["views"], expected, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), array)
    whole, transposed, part, row, expanded = loaded["views"]
    assert transposed.stride() == (1, 6) and part.stride() == (6, 2) and expanded.stride() == (0, 1)
    whole[2, 0] = -1.0  # they share memory, as they did
    assert transposed[0, 2].item() == part[1, 0].item() == row[0].item() == -1
    assert [tuple(each.shape) for each in loaded["shapes"]] == [(), (0,), (2, 0, 3), (1, 1)] and loaded["shapes"][0].item() == 7
    assert type(loaded["parameters"]) is OrderedDict
    assert all(type(each) is framework.nn.Parameter for each in loaded["parameters"].values())
    assert [each.requires_grad for each in loaded["parameters"].values()] == [True, False]
    assert loaded["wanted"].requires_grad and loaded["wanted"].is_leaf and loaded["wanted"].tolist() == [0.5, 0.5]
    assert loaded["plain"] == [None, True, False, 0, -1, 300, 70000, 1 << 40, -(1 << 70), 0.1, float("inf"), "ünïcode", ""]
    assert loaded["others"] == (framework.Size([2, 3]), framework.float16, framework.device("cpu"), Counter([3, 3, 5]), {1, 2})
    assert [type(each) for each in loaded["others"]] == [framework.Size, framework.dtype, framework.device, Counter, set]
    assert loaded[3] == {"lr": 0.1, "betas": (0.9, 0.999)} and loaded["a", 1] == []


def test_a_state_dict_goes_into_the_model():
    model = framework.nn.Sequential(framework.nn.Linear(2, 3), framework.nn.BatchNorm1d(3))
    state = framework.load(DATA / "state_dict.pth")
    assert state._metadata[""] == {"version": 1}
    model.load_state_dict(state)
    assert model[0].weight.tolist() == [[0, 1], [2, 3], [4, 5]] and model[1].num_batches_tracked.item() == 6


def test_the_other_order_of_bytes():
    loaded = framework.load(DATA / "big_endian.pth")
    assert loaded["x"].tolist() == [1, 2, 300] and loaded["y"].item() == 0.5
    loaded["x"].add_(1)


def test_where_tensors_go():
    assert framework.load(DATA / "state_dict.pth", map_location="cpu", weights_only=True)["0.bias"].device.type == "cpu"
    assert framework.load(str(DATA / "state_dict.pth"), framework.device("cpu"))["0.bias"].tolist() == [1, 2, 3]
    elsewhere = entries_of()[f"{FOLDER}data.pkl"].replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert load(archive_of(elsewhere, folder=FOLDER), map_location="cpu")["wanted"].device.type == "cpu"
    if not framework.cuda.is_available():
        with pytest.raises(RuntimeError, match="no CUDA GPU"):
            load(archive_of(elsewhere, folder=FOLDER))
    nowhere = elsewhere.replace(b"X\x06\x00\x00\x00cuda:0", b"X\x03\x00\x00\x00tpu")
    with pytest.raises(NotImplementedError, match="give a map_location: .*tpu"):
        load(archive_of(nowhere, folder=FOLDER))
    with pytest.raises(NotImplementedError, match="a device or its name"):
        load(EVERYTHING, map_location={"cuda:0": "cpu"})
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        load(EVERYTHING, map_location="tpu")


def test_files_that_are_objects():
    file = io.BytesIO()
    framework.save({"x": framework.ones(2)}, file)
    file.seek(0)
    assert framework.load(file)["x"].tolist() == [1, 1]


def test_other_formats_are_named():
    with pytest.raises(NotImplementedError, match="before_1_6.pth has the format of PyTorch before 1.6"):
        framework.load(DATA / "before_1_6.pth")
    with pytest.raises(NotImplementedError, match="program.pt is a TorchScript program"):
        framework.load(DATA / "program.pt")


# What is not


class Calls:
    """Pickled as a call of `function`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Calls(os.system, "touch hacked"), "posix.system"), (Calls(eval, "1 / 0"), "__builtin__.eval"), (Calls(exec, "1 / 0"), "exec"),
        (Calls(getattr, "a", "upper"), "__builtin__.getattr"), (Calls(__import__, "os"), "__builtin__.__import__"),
        (Calls(bytearray, 1 << 40), "__builtin__.bytearray"), (np.float64(3), "numpy"), (Path("a"), "pathlib"),
        (b"bytes", "_codecs.encode"), (range(9), "xrange"), (1j, "__builtin__.complex"), (framework.dtype, "framework"),
        (Counter, "a function itself"), ([OrderedDict], "a function itself"), ({"a": ((set,), 1)}, "a function itself"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [False, True])
def test_code_is_not_run(value, named, inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnpicklingError, match=named):
        load(archive_of(pickle.dumps({"a": [value]} if inside else value, 2)))
    assert not list(tmp_path.iterdir())


GLOBAL_TENSOR, GLOBAL_DICT = b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def tensor(offset=0, size=(2, 3), stride=(3, 1), wanted=b"\x89") -> bytes:
    shape = [b"(" + b"".join(map(number, each)) + b"t" for each in (size, stride)]
    return GLOBAL_TENSOR + b"(" + STORAGE + number(offset) + b"".join(shape) + wanted + GLOBAL_DICT + b")RtR"


@pytest.mark.parametrize(
    "program",
    [
        GLOBAL_DICT + b")R}" + text("_metadata") + b"}" + text("a") + GLOBAL_DICT + b"ssb",
        tensor(1), tensor(-1), tensor(size=(3, 3)), tensor(size=(2,)), tensor(stride=(-3, 1)), tensor(size=(1 << 61, 2), stride=(1, 1)),
        tensor(offset=1 << 80), tensor(size=(2, -3)), tensor(size=(0, 1 << 61, 8), stride=(0, 0, 0)),
        tensor(size=(1,) * 80, stride=(1,) * 80), tensor(size=(1 << 40,), stride=(1,)), STORAGE, b"]" + STORAGE + b"a", STORAGE + b"\x85",
        b"}" + text("a") + STORAGE + b"\x85\x85s", STORAGE.replace(b"K\x06", b"K\x07"), STORAGE.replace(b"K\x06", number(1 << 70)),
        STORAGE.replace(b"FloatStorage", b"BoolStorage"), STORAGE.replace(b"FloatStorage", b"ComplexFloatStorage"),
        STORAGE.replace(b"X\x01\x00\x00\x000", text("../../etc/passwd")), STORAGE.replace(b"X\x01\x00\x00\x000", b"]"),
        STORAGE.replace(text("cpu"), text("gpu")), STORAGE.replace(text("cpu"), b"]"), b"K\x01Q", b"(Q", b"K\x01K\x02R",
        GLOBAL_DICT + b"K\x01R", GLOBAL_DICT + b"]\x85R", GLOBAL_DICT + b"}b", b"}}b", GLOBAL_DICT + b")R}" + text("update") + b"Nsb",
        b"ctorch\nfloat32\n}" + text("name") + b"Nsb", b"ctorch\nSize\n)\x85R0", b"ctorch\nSize\nX\x01\x00\x00\x00a\x85R",
        b"ctorch\ndevice\n]\x85R", b"ctorch\nfloat32\n)R", b"ctorch\nFloatStorage\n)R", b"ctorch._utils\n_rebuild_parameter\nNN]\x87R",
        b"ccollections\nCounter\n]\x85R", b"}]Ns", b"}}Ns", b"}" + b")" + b"\x85" * 50 + b"Ns", b"}(K\x01u", b"NK\x01a", b"a", b"t", b"u",
        b"", b"h\x07", b"(h\x07", b"q\x01", b"K\x01(\x85", b"I01\n", b"S'a'\n", b"P0\n", b"0", b"2", b"\x95\x00", b"c\n\n",
        b"coS\nsystem\n", b"\x8b\xff\xff\xff\x7f", b"X\xff\xff\xff\xff", b"\x8a\xff", b"X\x01\x00\x00\x00\xff", b"\xff",
    ],
)  # fmt: skip
def test_odd_programs(program):
    with pytest.raises(REFUSED):
        run(program)


def test_the_programs_here_are_otherwise_right():
    assert run(tensor()).shape == (2, 3) and run(tensor(wanted=b"\x88")).requires_grad
    assert run(tensor(size=(2, 0), stride=(1, 1))).shape == (2, 0)
    assert run(tensor(5, (1,), (1000,))).shape == (1,)


def test_globals_are_not_changed():
    for program in (b"ctorch\nfloat32\n(N}" + text("name") + b"K\x01st\x86b", b"ctorch\nSize\n(N}" + text("numel") + b"K\x01st\x86b"):
        with pytest.raises(REFUSED):
            run(program)
    assert framework.float32.name == "float32" and framework.Size([2]).numel() == 2


def peak_of(data: bytes) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(REFUSED):
            load(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_short_files_do_not_make_long_results():
    bomb = b"(" + b"K\x01" * 20_000 + b"tq\x01" + b"(" + b"ctorch\nSize\nh\x01\x85R" * 20_000 + b"t"
    assert peak_of(archive_of(b"\x80\x02" + bomb + b".", {})) < 30e6
    pairs = b"}q\x01(" + b"".join(number(i) + b"N" for i in range(20_000)) + b"u(" + b"ccollections\nCounter\nh\x01\x85R" * 20_000 + b"t"
    assert peak_of(archive_of(b"\x80\x02" + pairs + b".", {})) < 60e6
    zeros = archive_of(b"\x80\x02N.", {"archive/data/0": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(zeros) < 100_000 and peak_of(zeros) < 2e6


def test_a_zip_file_that_lies_about_its_sizes():
    file = bytearray(archive_of(b"\x80\x02N.", {"archive/data/0": bytes(24)}))
    place = file.index(b"PK\x01\x02")
    file[place + 20 : place + 28] = struct.pack("<II", 1 << 31, 1 << 31)
    with pytest.raises(CorruptFileError, match="larger than the file"):
        load(bytes(file))


def test_deep_nesting():
    deep = run(b"]" * 100_000 + b"a" * 99_999)
    while deep:
        (deep,) = deep
    deep = run(b"N" + b"\x85" * 100_000)
    while deep:
        (deep,) = deep


# Files that were damaged by chance


def read_or_refused(data: bytes):
    try:
        load(data)
    except REFUSED:
        return
    except RuntimeError as error:  # a device that is not here
        assert "CUDA" in str(error)


def test_a_cut_file():
    for length in range(0, len(EVERYTHING) - 1, 13):
        with pytest.raises(CorruptFileError):
            load(EVERYTHING[:length])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(EVERYTHING) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(changes):
    data = bytearray(EVERYTHING)
    for place, value in changes:
        data[place] = value
    read_or_refused(bytes(data))


PROGRAM, ENTRIES = entries_of()[f"{FOLDER}data.pkl"], entries_of()


@settings(deadline=None, max_examples=250)
@given(st.lists(st.tuples(st.integers(0, len(PROGRAM) - 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=5))
def test_changed_programs_with_a_right_checksum(changes):
    program = PROGRAM
    for place, inserted, removed in changes:
        program = program[:place] + inserted + program[place + removed :]
    read_or_refused(archive_of(program, ENTRIES, folder=FOLDER))


CODES = [each.code.encode("latin1") for each in pickletools.opcodes]
PHRASES = [GLOBAL_TENSOR, GLOBAL_DICT, STORAGE, b"ctorch\nSize\n", b"K\x01", b"K\x00", text("a"), tensor(), b"q\x00", b"h\x00"]
PIECES = st.sampled_from([*CODES, *PHRASES])


@settings(deadline=None, max_examples=250)
@given(st.lists(PIECES, max_size=30))
def test_random_programs(pieces):
    read_or_refused(archive_of(b"\x80\x02" + b"".join(pieces) + b".", {"archive/data/0": bytes(24)}))


# PyTorch's own word

STRUCTURES = {
    "module": lambda torch: torch.nn.TransformerDecoderLayer(4, 2, 4).state_dict(),
    "optimizer": lambda torch: stepped(torch).state_dict(),
    "schedule": lambda torch: torch.optim.lr_scheduler.MultiStepLR(stepped(torch), [2, 2, 5]).state_dict(),
    "tensor": lambda torch: torch.arange(6).reshape(2, 3),
    "number": lambda torch: 3,
    "shared": lambda torch: (lambda x: {"a": x, "b": [x, x.view(-1)[3:], x.T]})(torch.rand(3, 4)),
    "sliced": lambda torch: torch.rand(6, 8)[::2, 1::3].unsqueeze(1),
    "bare parameter": lambda torch: torch.nn.Parameter(torch.rand(2)),
    "half": lambda torch: [torch.rand(3).half(), torch.rand(3).bfloat16(), torch.rand(3) > 0.5],
    "nested": lambda torch: {"a": ({1: [{"b": (torch.ones(1), ())}]},), 2.5: None, None: True},
}


def stepped(torch):
    model = torch.nn.Linear(2, 3)
    optimizer = torch.optim.AdamW([{"params": [model.weight], "lr": 0.1}, {"params": [model.bias]}], amsgrad=True)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer


def assert_like(ours, theirs, torch):
    if isinstance(theirs, torch.Tensor):
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        assert tuple(ours.shape) == tuple(theirs.shape) and ours.stride() == theirs.stride() and ours.requires_grad == theirs.requires_grad
        assert type(ours).__name__ == type(theirs).__name__
        np.testing.assert_array_equal(ours.detach().double().numpy(), theirs.detach().double().numpy())
        return
    assert type(ours) is type(theirs)
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_like(ours[key], theirs[key], torch)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_like(one, other, torch)
    else:
        assert ours == theirs


@pytest.mark.parity
@pytest.mark.parametrize("name", STRUCTURES)
def test_parity_of_loading(name, tmp_path):
    torch = pytest.importorskip("torch")
    value = STRUCTURES[name](torch)
    torch.save(value, tmp_path / "f.pth")
    assert_like(framework.load(tmp_path / "f.pth"), value, torch)


@pytest.mark.parity
def test_parity_of_a_training_that_goes_on_here(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    models = [each.nn.Sequential(each.nn.Linear(3, 4), each.nn.Tanh(), each.nn.Linear(4, 1)) for each in (torch, framework)]
    optimizers = [namespace.optim.Adam(model.parameters(), lr=0.1) for namespace, model in zip((torch, framework), models, strict=True)]

    def train(namespace, model, optimizer):
        for step in range(3):
            optimizer.zero_grad()
            loss = model(namespace.linspace(-1, 1 + step, 12).reshape(4, 3)).square().mean()
            loss.backward()
            optimizer.step()
        return loss.item()

    train(torch, models[0], optimizers[0])
    torch.save({"model": models[0].state_dict(), "optimizer": optimizers[0].state_dict()}, tmp_path / "checkpoint.pth")
    checkpoint = framework.load(tmp_path / "checkpoint.pth")
    models[1].load_state_dict(checkpoint["model"])
    optimizers[1].load_state_dict(checkpoint["optimizer"])
    assert train(framework, models[1], optimizers[1]) == pytest.approx(train(torch, models[0], optimizers[0]), rel=1e-4)


@pytest.mark.parity
def test_parity_of_safetensors_both_ways(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    state = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).bfloat16().state_dict()
    save_file(state, tmp_path / "theirs")
    ours = framework.load(tmp_path / "theirs")
    framework.save(ours, tmp_path / "ours")
    back = load_file(tmp_path / "ours")
    assert set(back) == set(state) and all(back[key].dtype == state[key].dtype and torch.equal(back[key], state[key]) for key in state)

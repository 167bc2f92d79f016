"""PyTorch's own checkpoints, read without PyTorch and without executing anything.

Since version 1.6 a `.pth` file is a ZIP archive: `data.pkl`, a pickle of the structure, and `data/0`, `data/1`, …, the tensors' memory.  A
pickle is a program for a stack machine that can call any Python function, so the one here is run by a machine of our own, which knows the
instructions that PyTorch writes, and a short table of what they may call.
"""

import io
import pickletools
import zipfile
from collections import Counter, OrderedDict
from pickle import UnpicklingError

import numpy as np

from .. import dtypes
from ..autograd.variable import Variable
from ..device import array_module, device, move
from ..tensor import Size
from .files import CorruptFileError

_BEFORE_1_6 = b"\x80\x02\x8a\x0al\xfc\x9cF"  # a pickled magic number
_STORAGES = {
    "torch BoolStorage": dtypes.bool, "torch ByteStorage": dtypes.uint8, "torch CharStorage": dtypes.int8,
    "torch ShortStorage": dtypes.int16, "torch IntStorage": dtypes.int32, "torch LongStorage": dtypes.int64,
    "torch HalfStorage": dtypes.float16, "torch BFloat16Storage": dtypes.bfloat16, "torch FloatStorage": dtypes.float32,
    "torch DoubleStorage": dtypes.float64,
}  # fmt: skip
_DTYPES = {f"torch {each.name}": each for each in dtypes.ALL}
# What is raised over damage: by zipfile, and by the machine
_BROKEN_ZIP = (zipfile.BadZipFile, EOFError, KeyError, OSError, OverflowError, RuntimeError, ValueError)
_BROKEN_PROGRAM = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


def is_one(data: bytes) -> bool:
    """Whether a file that begins so was written by `torch.save`."""
    return data.startswith((b"PK\x03\x04", _BEFORE_1_6))


def read(data: bytes, name: str, map_location=None):
    """The content of the file `name`, `data`."""
    if data.startswith(_BEFORE_1_6):
        raise NotImplementedError(f"{name} has the format of PyTorch before 1.6: save it again with a newer one")
    archive = _Archive(data, name)
    program = archive.bytes("data.pkl")
    try:
        return _Machine(archive, map_location, len(program)).run(program)
    except _BROKEN_PROGRAM as error:
        raise CorruptFileError(f"{name} is damaged: {error}") from None


class _Archive:
    """The entries of the ZIP file, without the folder that all of them are in; nothing in it may be larger than the file is."""

    def __init__(self, data: bytes, name: str):
        self.name = name
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN_ZIP as error:
            raise CorruptFileError(f"{name} is damaged or not a file of PyTorch's: {error}") from None
        entries = self.zip.infolist()
        self.folder = next((each.filename.removesuffix("data.pkl") for each in entries if each.filename.endswith("/data.pkl")), "")
        self.sizes = {each.filename.removeprefix(self.folder): each.file_size for each in entries}
        if "constants.pkl" in self.sizes or any(each.startswith("code/") for each in self.sizes):
            raise NotImplementedError(f"{name} is a TorchScript program, not a checkpoint")
        stored = all(each.compress_type == zipfile.ZIP_STORED and each.file_size == each.compress_size for each in entries)
        if not stored or sum(each.file_size for each in entries) > len(data):
            raise CorruptFileError(f"{name} is not a file of PyTorch's: it has entries that are compressed, or larger than the file")

    def bytes(self, entry: str) -> bytes:
        try:
            return self.zip.read(self.folder + entry)
        except _BROKEN_ZIP as error:
            raise CorruptFileError(f"{self.name} is damaged: {error}") from None


class _Machine:
    """Runs a pickle: `stack` of values, `marks` of where groups of them begin, `memo` of those that are used again."""

    def __init__(self, archive: _Archive, map_location, copies: int):
        self.archive, self.map_location = archive, map_location
        self.swapped = "byteorder" in archive.sizes and archive.bytes("byteorder") == b"big"
        self.copies = copies  # how many items may yet be copied: short programs must not make long results
        self.storages, self.stack, self.marks, self.memo = {}, [], [], {}

    def run(self, program: bytes):
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name == "STOP":
                return _plain(self.pop(1))[0]
            instruction = _INSTRUCTIONS.get(opcode.name)
            if instruction is None:
                raise UnpicklingError(f"the pickle instruction {opcode.name} is not supported: torch.save writes others")
            instruction(self, argument)
        raise CorruptFileError("the pickle has no end")

    def pop(self, count: int) -> list:
        """The last `count` values."""
        if count > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise IndexError("the pickle takes more values than there are")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def pop_mark(self) -> list:
        """The values since the last mark."""
        values = self.stack[self.marks[-1] :]
        del self.stack[self.marks.pop() :]
        return values

    def top(self, *kinds):
        """The value that is being filled."""
        if type(self.stack[-1]) not in kinds:
            raise UnpicklingError(f"the pickle fills a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def push_tuple(self, values: list) -> None:
        self.stack.append((_Arguments if any(isinstance(each, _Inner) for each in values) else tuple)(values))

    def extend(self, values: list) -> None:
        self.top(list).extend(_plain(values))

    def set_items(self, values: list) -> None:
        keys = values[::2]
        if len(values) % 2 or not all(_is_key(each) for each in keys):
            raise UnpicklingError("the keys of a dict must be numbers, strings, or tuples of them")
        self.top(dict, OrderedDict).update(zip(keys, _plain(values[1::2]), strict=True))

    def load_global(self, name: str) -> None:
        if name in _DTYPES:
            self.stack.append(_DTYPES[name])
        elif name in _STORAGES or name in _CALLABLE:
            self.stack.append(_Global(name))
        else:
            raise UnpicklingError(f"{name.replace(' ', '.')} is not loaded: only tensors and plain values are, and no code is run")

    def call(self) -> None:
        function, arguments = self.pop(2)
        if type(function) is not _Global or function.name not in _CALLABLE or not isinstance(arguments, tuple):
            raise UnpicklingError(f"the pickle calls {function.name if type(function) is _Global else type(function).__name__}")
        self.stack.append(_CALLABLE[function.name](self, *arguments))

    def build(self) -> None:
        """Attributes of an object: PyTorch gives state_dicts `_metadata`, the versions of their modules."""
        (state,) = self.pop(1)
        if type(state) is not dict or list(state) != ["_metadata"]:
            raise UnpicklingError("the pickle sets attributes")
        self.top(OrderedDict)._metadata = state["_metadata"]

    def copied(self, items, *kinds):
        """`items`, if it is of one of the `kinds` and as many may yet be copied."""
        self.copies -= len(items)
        if type(items) not in kinds or self.copies < 0 or not all(_is_key(each) for each in items):
            raise UnpicklingError("the pickle copies what it should not")
        return items

    def storage(self) -> None:
        """The memory of a tensor, by its persistent id ("storage", its type, the entry's name, the device, the number of elements)."""
        ((_, kind, key, location, count),) = self.pop(1)
        if type(kind) is not _Global or kind.name not in _STORAGES or type(key) is not str or type(count) is not int:
            raise UnpicklingError("a storage is not described as one")
        dtype = _STORAGES[kind.name].numpy
        if self.archive.sizes[f"data/{key}"] != count * dtype.itemsize:
            raise CorruptFileError(f"data/{key} has {self.archive.sizes[f'data/{key}']} bytes in place of {count * dtype.itemsize}")
        if key not in self.storages:
            array = np.frombuffer(bytearray(self.archive.bytes(f"data/{key}")), dtype)
            array = array.byteswap() if self.swapped and dtype.itemsize > 1 else array
            self.storages[key] = move(array, _device(location) if self.map_location is None else self.map_location)
        self.stack.append(_Storage(self.storages[key].view(dtype)))


class _Inner:
    """What only instructions may use: it cannot become part of a result."""


class _Global(_Inner):
    """A name from the table, which can be called and nothing else."""

    def __init__(self, name: str):
        self.name = name


class _Storage(_Inner):
    def __init__(self, array):
        self.array = array


class _Arguments(_Inner, tuple):
    """A tuple with such things in it."""


def _plain(values: list) -> list:
    for each in values:
        if isinstance(each, _Inner):
            raise UnpicklingError(f"{each.name.replace(' ', '.') if isinstance(each, _Global) else 'a storage'} itself is not loaded")
    return values


def _device(*place) -> device:
    try:
        return device(*place)
    except RuntimeError as error:
        raise NotImplementedError(f"a tensor's place is not supported, give a map_location: {error}") from None


def _is_key(value) -> bool:
    """Whether `value` may be the key of a dict; not so large that hashing it often takes long, nor so deep that it overflows the stack."""
    if type(value) is tuple:
        return len(value) < 16 and all(type(each) is not tuple and _is_key(each) for each in value)
    return type(value) in (str, float, bool, type(None)) or (type(value) is int and abs(value) < 1 << 64)


def _tensor(machine, storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """A view of a storage: element i, j, … is number offset + i stride[0] + j stride[1] + … of it."""
    array = storage.array
    module = array_module(array)
    if not len(size) == len(stride) <= 64 or not all(type(each) is int and 0 <= each < 1 << 62 for each in (offset, *size, *stride)):
        raise UnpicklingError("a tensor is not described as one")
    if 0 in size:
        view = module.empty(size, array.dtype)
    elif offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) >= array.size:
        raise CorruptFileError("a tensor reaches beyond its storage")
    else:
        view = module.lib.stride_tricks.as_strided(array[offset:], size, [each * array.itemsize for each in stride])
    tensor = Variable.wrap(view)
    tensor.requires_grad = _gradient(tensor, requires_grad)
    return tensor


def _parameter(machine, data, requires_grad, hooks):
    from ..nn.parameter import Parameter

    return Parameter(data, _gradient(data, requires_grad))


def _gradient(tensor, wanted) -> bool:
    if not isinstance(tensor, Variable) or (wanted and not tensor.dtype.is_floating_point):
        raise CorruptFileError("something that is not a tensor of floating-point numbers wants a gradient")
    return bool(wanted)


_CALLABLE = {
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch Size": lambda machine, sizes: Size(machine.copied(sizes, tuple)),
    "torch device": lambda machine, *place: _device(*place),
    "collections OrderedDict": lambda machine: OrderedDict(),
    "collections Counter": lambda machine, counts: Counter(machine.copied(counts, dict)),
    "__builtin__ set": lambda machine, items: set(machine.copied(items, list)),
}


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_NUMBERS_AND_TEXT = ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT")
_INSTRUCTIONS = {
    "PROTO": lambda machine, version: None,
    **dict.fromkeys(_NUMBERS_AND_TEXT, lambda machine, value: machine.stack.append(value)),
    **{name: lambda machine, _, value=value: machine.stack.append(value) for name, value in _CONSTANTS.items()},
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.push_tuple(machine.pop_mark()),
    **{f"TUPLE{n}": lambda machine, _, n=n: machine.push_tuple(machine.pop(n)) for n in (1, 2, 3)},
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, key: machine.memo.update({key: machine.stack[-1]})),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, key: machine.stack.append(machine.memo[key])),
    "GLOBAL": lambda machine, name: machine.load_global(name),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.storage(),
}

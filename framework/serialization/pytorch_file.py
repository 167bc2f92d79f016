"""PyTorch's own checkpoints, read without PyTorch and without executing anything.

Since version 1.6 a `.pth` file is a ZIP archive: `data.pkl`, a pickle of the structure, and `data/0`, `data/1`, …, the tensors' memory.  A
pickle is a program for a stack machine that can call any Python function.  Here it is run by Python's own machine, the one written in
Python, which has lost all instructions but those that PyTorch writes, and knows no functions but a few of ours.
"""

import io
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict
from pickle import UnpicklingError

import numpy as np

from .. import dtypes
from ..autograd.variable import Variable
from ..device import array_module, device, move
from ..offered import expect
from ..tensor import Size
from .files import CorruptFileError

BEGINNINGS = _ZIP, _BEFORE_1_6 = b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF"  # the latter is a pickled magic number
_BROKEN = (zipfile.BadZipFile, AttributeError, EOFError, LookupError, OSError, OverflowError, TypeError, ValueError, struct.error)
_PLAIN = (type(None), bool, int, float, str, device, dtypes.dtype, Variable)
_COLLECTIONS = (dict, OrderedDict, Counter, list, tuple, Size, set)
_INSTRUCTIONS = (
    "PROTO STOP NONE NEWTRUE NEWFALSE EMPTY_TUPLE EMPTY_DICT EMPTY_LIST BINUNICODE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT MARK TUPLE "
    "TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE BUILD BINPERSID"
)


def read(data: bytes, name: str, map_location=None):
    """The content of the file `name`, `data`."""
    expect(not data.startswith(_BEFORE_1_6), f"{name} has the format of PyTorch before 1.6: save it again", NotImplementedError)
    try:
        return _only_plain(_Machine(_entries(data, name), map_location).load())
    except _BROKEN as error:
        raise CorruptFileError(f"{name} is damaged or not a file of PyTorch's: {error!r}") from None


def _entries(data: bytes, name: str) -> dict[str, bytearray]:
    """What is in the ZIP file, without the folder that all of it is in; nothing may be larger than the file is."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    folder = next((each.removesuffix("data.pkl") for each in archive.namelist() if each.endswith("/data.pkl")), "")
    entries = {each.filename.removeprefix(folder): each for each in archive.infolist()}
    if any(each.startswith(("code/", "constants.pkl")) for each in entries):
        raise NotImplementedError(f"{name} is a TorchScript program, not a checkpoint")
    bare = all(each.compress_type == zipfile.ZIP_STORED and not each.flag_bits & 1 for each in entries.values())
    if not bare or sum(each.file_size for each in entries.values()) > len(data):
        raise CorruptFileError(f"{name} is not PyTorch's: it has entries that are compressed, encrypted, or larger than the file")
    return {name: bytearray(archive.read(each)) for name, each in entries.items()}


class _Machine(pickle._Unpickler):
    """Python's machine, with few instructions; it gives what it loads to a few functions of ours."""

    dispatch = {code: pickle._Unpickler.dispatch[code] for name in _INSTRUCTIONS.split() for code in getattr(pickle, name)}

    def __init__(self, entries: dict[str, bytearray], map_location):
        super().__init__(io.BytesIO(entries["data.pkl"]))
        self.entries, self.map_location, self.storages = entries, map_location, {}
        self.swapped = entries.get("byteorder") == b"big"
        self.copies = len(entries["data.pkl"])  # how many items may yet be copied: short programs must not make long results

    def find_class(self, module: str, name: str):
        """A type of numbers, or one of our functions."""
        if (module, name) in _FUNCTIONS:
            return lambda *arguments: _FUNCTIONS[module, name](self, *arguments)
        if module != "torch" or name not in _TYPES:
            raise UnpicklingError(f"{module}.{name} is not loaded: only tensors and plain values are, and no code is run")
        return _TYPES[name]

    def persistent_load(self, pid):
        """The memory of a tensor, by ("storage", its type, the entry's name, the device, the number of elements)."""
        _, dtype, key, location, count = pid
        expect(type(key) is str, "a storage is not described as one", UnpicklingError)
        if (key, dtype) not in self.storages:
            array = np.frombuffer(self.entries[f"data/{key}"], dtype.numpy)
            expect(array.size == count, f"data/{key} has {array.size} elements in place of {count}", CorruptFileError)
            array = array.byteswap() if self.swapped and array.itemsize > 1 else array
            self.storages[key, dtype] = move(array, _device(self, location) if self.map_location is None else self.map_location)
        return self.storages[key, dtype]

    def set_items(self, items: list) -> None:
        if type(self.stack[-1]) not in (dict, OrderedDict) or not all(map(_is_key, items[::2])):
            raise UnpicklingError("the pickle fills something not a dict, or its keys are not numbers, strings, or tuples of them")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def set_attributes(self) -> None:
        """PyTorch gives state_dicts `_metadata`, the versions of their modules."""
        state = self.stack.pop()
        if type(self.stack[-1]) is not OrderedDict or type(state) is not dict or list(state) != ["_metadata"]:
            raise UnpicklingError("the pickle sets attributes")
        self.stack[-1]._metadata = state["_metadata"]

    dispatch[pickle.SETITEM[0]] = lambda self: self.set_items([self.stack.pop(-2), self.stack.pop()])
    dispatch[pickle.SETITEMS[0]] = lambda self: self.set_items(self.pop_mark())
    dispatch[pickle.BUILD[0]] = set_attributes

    def copied(self, items, kind):
        """`items`, if it is of that `kind` and as many may yet be copied."""
        self.copies -= len(items)
        expect(type(items) is kind and self.copies >= 0 and all(map(_is_key, items)), "the pickle copies what it must not", UnpicklingError)
        return items


def _is_key(value) -> bool:
    """Whether `value` may be the key of a dict; not so large that hashing it often takes long, nor so deep that it overflows the stack."""
    if type(value) is tuple:
        return len(value) < 16 and all(type(each) is not tuple and _is_key(each) for each in value)
    return type(value) in (str, float, bool, type(None)) or (type(value) is int and abs(value) < 1 << 64)


def _only_plain(result):
    """`result`, if there is nothing in it but tensors and plain values: neither our functions nor bare memory."""
    rest, seen = [result], set()
    while rest:
        value = rest.pop()
        if isinstance(value, _COLLECTIONS) and id(value) not in seen:
            seen.add(id(value))
            rest.extend(value.values() if isinstance(value, dict) else value)
            rest.append(getattr(value, "_metadata", None))
        elif not isinstance(value, _PLAIN + _COLLECTIONS):
            raise UnpicklingError(f"a {type(value).__name__} itself is not loaded: only tensors and plain values are")
    return result


def _device(machine, *place) -> device:
    try:
        return device(*place)
    except RuntimeError as error:
        raise NotImplementedError(f"a tensor's place is not supported, give a map_location: {error}") from None


def _tensor(machine, storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """A view of a storage: element i, j, … is number offset + i stride[0] + j stride[1] + … of it."""
    module = array_module(storage)
    if not len(size) == len(stride) <= 64 or not all(type(each) is int and 0 <= each < 1 << 62 for each in (offset, *size, *stride)):
        raise UnpicklingError("a tensor is not described as one")
    if 0 in size:
        view = module.empty(size, storage.dtype)
    elif offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) >= storage.size:
        raise CorruptFileError("a tensor reaches beyond its storage")
    else:
        view = module.lib.stride_tricks.as_strided(storage[offset:], size, [each * storage.itemsize for each in stride])
    return _wanting(Variable.wrap(view), requires_grad)


def _parameter(machine, data, requires_grad, hooks):
    from ..nn.parameter import Parameter

    return Parameter(data, _wanting(data, requires_grad).requires_grad)


def _wanting(tensor, gradient):
    """`tensor`, which may want a gradient."""
    if not isinstance(tensor, Variable) or (gradient and not tensor.dtype.is_floating_point):
        raise CorruptFileError("something that is not a tensor of floating-point numbers wants a gradient")
    tensor.requires_grad = bool(gradient)
    return tensor


_FUNCTIONS = {  # called with the machine first
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): lambda machine, sizes: Size(machine.copied(sizes, tuple)),
    ("torch", "device"): _device,
    ("collections", "OrderedDict"): lambda machine: OrderedDict(),
    ("collections", "Counter"): lambda machine, counts: Counter(machine.copied(counts, dict)),
    ("__builtin__", "set"): lambda machine, items: set(machine.copied(items, list)),
}
_TYPES = {name: each for each in dtypes.ALL for name in (each.name, f"{each.title}Storage")}  # float32, FloatStorage

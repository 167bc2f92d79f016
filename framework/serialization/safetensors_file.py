"""Safetensors files with a checksum.

The structure of what is saved (nested dicts and lists of tensors, numbers, strings) stands as JSON in the file's metadata, the tensors
beside it under the paths that lead to them: `{"optimizer": {"state": {0: {"step": t}}}}` is one tensor named `optimizer.state.0.step`.
A flat dict of tensors, such as a `state_dict`, gives a plain safetensors file that every other program can read.
"""

import hashlib
import json

import numpy as np

from .. import dtypes
from ..autograd.variable import Variable
from ..device import CPU, move
from .files import CorruptFileError, write_atomically

_STRUCTURE, _CHECKSUM, _TENSOR, _PAIRS = "framework.structure", "framework.sha256", "__tensor__", "__pairs__"
_TYPES = {
    "BOOL": dtypes.bool, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32, "I64": dtypes.int64,
    "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64,
}  # fmt: skip


def _describe(value, path: str, tensors: dict):
    """`value` as JSON, its tensors moved to `tensors` under the path that leads to them."""
    if isinstance(value, Variable):
        name = path or "tensor"
        while name in tensors or name == "__metadata__":  # {"a.b": x, "a": {"b": y}}
            name += "'"
        tensors[name] = np.asarray(value.detach().cpu()._array, order="C")
        return {_TENSOR: name}
    if isinstance(value, dict):
        items = [(key, _describe(each, f"{path}.{key}" if path else str(key), tensors)) for key, each in value.items()]
        if all(isinstance(key, str) and key not in (_TENSOR, _PAIRS) for key in value):
            return dict(items)
        return {_PAIRS: [[key, each] for key, each in items]}  # JSON's keys are strings: others go as pairs
    if isinstance(value, (list, tuple)):
        return [_describe(each, f"{path}.{i}" if path else str(i), tensors) for i, each in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"cannot save a {type(value).__name__} (at '{path}'): only tensors, numbers, strings, dicts and lists can be saved")


def _rebuild(value, tensors: dict):
    if isinstance(value, list):
        return [_rebuild(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _PAIRS in value:
        return {key: _rebuild(each, tensors) for key, each in value[_PAIRS]}
    return {key: _rebuild(each, tensors) for key, each in value.items()}


def _checksum(tensors: dict, structure: str) -> str:
    """sha256 of the structure and of every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(structure.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype.name} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def save(obj, f) -> None:
    """Write `obj`, nested dicts and lists of tensors and plain values, to the file `f` (a path, or an object with `write`)."""
    from safetensors.numpy import save as to_bytes

    tensors = {}
    structure = json.dumps(_describe(obj, "", tensors))
    metadata = {_STRUCTURE: structure, _CHECKSUM: _checksum(tensors, structure)}
    data = _in_order(to_bytes(tensors, metadata))
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_atomically(f, data)


def _in_order(data: bytes) -> bytes:
    """The same file with its header sorted: safetensors writes metadata in any order, and equal states must give equal files."""
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the tensors begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def read(data: bytes, name: str, map_location=None):
    """The content of the file `name`, `data`; CorruptFileError if it was damaged."""
    from safetensors import SafetensorError, deserialize

    try:
        tensors = {name: np.ndarray(each["shape"], _TYPES[each["dtype"]].numpy, each["data"]) for name, each in deserialize(data)}
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
    except KeyError as dtype:
        raise NotImplementedError(f"elements of type {dtype} are not supported") from None
    except (SafetensorError, ValueError, OverflowError) as error:
        raise CorruptFileError(f"{name} is damaged or not a safetensors file: {error}") from None
    structure = metadata.get(_STRUCTURE)
    if {_STRUCTURE, _CHECKSUM} & set(metadata) and metadata.get(_CHECKSUM) != _checksum(tensors, structure or ""):
        raise CorruptFileError(f"{name} is damaged: its content does not match its checksum")
    tensors = {name: Variable.wrap(move(array, map_location or CPU)) for name, array in tensors.items()}
    try:
        return tensors if structure is None else _rebuild(json.loads(structure), tensors)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{name} does not describe its own tensors: {error!r}") from None

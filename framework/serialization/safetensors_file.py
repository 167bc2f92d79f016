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
from ..offered import expect
from .files import CorruptFileError, write_atomically

_METADATA, _TENSOR, _PAIRS = "framework", "__tensor__", "__pairs__"
_PLAIN = (type(None), bool, int, float, str)
_TYPES = {each.name.upper().replace("FLOAT", "F").replace("UINT", "U").replace("INT", "I"): each for each in dtypes.ALL}  # BF16, U8, BOOL


def _describe(value, path: str, tensors: dict):
    """`value` as JSON, its tensors moved to `tensors` under the path that leads to them."""
    if isinstance(value, Variable):
        name = path or "tensor"
        while name in tensors or name == "__metadata__":  # {"a.b": x, "a": {"b": y}}
            name += "'"
        tensors[name] = np.asarray(value.detach().cpu()._array, order="C")
        return {_TENSOR: name}
    if isinstance(value, dict):
        keyed = all(isinstance(key, _PLAIN) for key in value)
        expect(keyed, f"cannot save a dict (at '{path}') whose keys are not numbers and strings alone", TypeError)
        items = [(key, _describe(each, f"{path}.{key}" if path else str(key), tensors)) for key, each in value.items()]
        named = all(isinstance(key, str) and key not in (_TENSOR, _PAIRS) for key in value)
        return dict(items) if named else {_PAIRS: items}  # JSON's keys are strings: others go as pairs
    if isinstance(value, (list, tuple)):
        return [_describe(each, f"{path}.{i}" if path else str(i), tensors) for i, each in enumerate(value)]
    message = f"cannot save a {type(value).__name__} (at '{path}'): only tensors, numbers, strings, dicts and lists can be saved"
    expect(isinstance(value, _PLAIN), message, TypeError)
    return value


def _checksum(tensors: dict, structure: str) -> str:
    """sha256 of the structure and of every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(structure.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype.name} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8))
    return f"sha256:{digest.hexdigest()}"


def save(obj, f) -> None:
    """Write `obj`, nested dicts and lists of tensors and plain values, to the file `f` (a path, or an object with `write`)."""
    from safetensors.numpy import save as to_bytes

    tensors = {}
    structure = json.dumps(_describe(obj, "", tensors))
    data = to_bytes(tensors, {_METADATA: f"{_checksum(tensors, structure)} {structure}"})  # one entry, for safetensors does not order them
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_atomically(f, data)


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
    ours = [value for key, value in metadata.items() if key == _METADATA or value.startswith("sha256:")]  # even if one of these is damaged
    checksum, _, structure = ours[0].partition(" ") if ours else ("", "", "")
    if ours and checksum != _checksum(tensors, structure):
        raise CorruptFileError(f"{name} is damaged: its content does not match its checksum")
    tensors = {name: Variable.wrap(move(array, map_location or CPU)) for name, array in tensors.items()}

    def rebuilt(value: dict):
        return tensors[value[_TENSOR]] if _TENSOR in value else dict(value[_PAIRS]) if _PAIRS in value else value

    try:
        return json.loads(structure, object_hook=rebuilt) if ours else tensors
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{name} does not describe its own tensors: {error!r}") from None

"""Saving and loading: safetensors files, written so that a crash never leaves half a file, and PyTorch's own, read without running them."""

from ..device import device
from . import safetensors_file
from .files import CorruptFileError, write_atomically
from .safetensors_file import save



def load(f, map_location=None, *, weights_only: bool = True):
    """What `save`, or PyTorch's `torch.save`, wrote to the file `f` (a path, or an object with `read`); also any other safetensors file.

    The tensors come to the device `map_location`, or to where PyTorch had them.  Nothing a file says is executed, whatever `weights_only`:
    one with other things in it than tensors and plain values is an UnpicklingError that names them, a damaged one is a CorruptFileError.
    """
    if not (map_location is None or isinstance(map_location, (str, device))):
        raise NotImplementedError("load() supports a map_location that is a device or its name")
    if not hasattr(f, "read"):
        with open(f, "rb") as file:
            return load(file, map_location)
    from . import pytorch_file  # takes a while

    name, data = getattr(f, "name", "the file"), f.read()
    format = pytorch_file if data.startswith(pytorch_file.BEGINNINGS) else safetensors_file
    return format.read(data, name, None if map_location is None else device(map_location))

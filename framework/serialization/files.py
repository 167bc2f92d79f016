"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path


class CorruptFileError(RuntimeError):
    """The file is not what was once written."""


def write_atomically(path, data: bytes) -> None:
    """Replace the file at `path` by one that holds `data`: at every instant either the old or the new file is there, whole."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

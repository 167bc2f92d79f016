"""Files that are written whole or not at all."""

import os
import secrets
from pathlib import Path


class CorruptFileError(RuntimeError):
    """The file is not what was once written."""


def write_atomically(path, data: bytes) -> None:
    """Replace the file at `path` by one that holds `data`: at every instant either the old or the new file is there, whole."""
    path = Path(path).resolve()  # a link stays one
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""The files of a run: replaced at once, locked against other processes, and read with what is wrong said in one line."""

import contextlib
import itertools
import json
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from framework.serialization import write_atomically
from zoo.common.errors import UserError

try:
    import fcntl
except ImportError:  # not a Unix: there nothing keeps two processes out of one run directory
    fcntl = None

TEMPORARY = re.compile(r"\.([^/]+)\.[0-9a-f]{16}$")  # what write_atomically calls a file until it is whole


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value of JSON's types, indented for people, at once: no reader ever finds half of it."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


class _Told(dict):
    """An object in a JSON file, which says so where it lacks what it is asked for."""

    def __init__(self, values: dict[str, Any], *, file: Path) -> None:
        super().__init__(values)
        self.file = file

    def __missing__(self, name: str) -> Any:
        raise UserError(f"{self.file} lacks {name!r}: it is damaged, or was written by another version")


def read_json(file: Path, **kinds: Any) -> dict[str, Any]:
    """The object in a JSON file; UserError if it is not one, or lacks any of these fields, or has one of another type."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"), object_hook=partial(_Told, file=file))
    except ValueError:
        raise UserError(f"{file} is not valid JSON") from None
    if not isinstance(told, dict):
        raise UserError(f"{file}: expected an object of JSON's, found {json.dumps(told)[:40]}")
    for name, kind in kinds.items():
        if not isinstance(told[name], kind):
            raise UserError(f"{file}: its {name} cannot be {json.dumps(told[name])[:40]}")
    return told


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a .jsonl, but for a last one that was cut off where a run was killed; UserError if another is damaged."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for whole in (lines, lines[:-1]):
        try:
            rows = json.loads(f"[{','.join(whole)}]")  # at once: many times quicker than line by line
        except ValueError:
            continue
        if set(map(type, rows)) <= {dict}:
            return rows
    raise UserError(f"{file} holds rows that are no objects of JSON's")


def make_next_free(stem: Path) -> Path:
    """Make the first directory stem-1, stem-2, … that is not there yet: no other process gets the same."""
    for number in itertools.count(1):
        path = stem.with_name(f"{stem.name}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(parents=True)
            return path
    raise AssertionError("there are always more numbers")


_locked: dict[Path, int] = {}  # the descriptors of the files that this process has locked


def lock(file: Path) -> None:
    """Keep other processes from locking a file, which must not be replaced, until :func:`unlock`; UserError if one of them has it.

    The system takes the lock back when the process dies, however it does.
    """
    unlock(file)  # of a run that failed in this process
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    _locked[file.resolve()] = descriptor
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        unlock(file)
        raise UserError(f"{file.parent} is being trained by another process") from None
    except OSError:  # a file system without locks
        pass


def unlock(file: Path) -> None:
    """Let other processes lock the file, if this one has."""
    descriptor = _locked.pop(file.resolve(), None)
    if descriptor is not None:
        os.close(descriptor)

"""Published files: fetched from mirrors, resumed when cut short, verified by content, moved into place whole."""

import fnmatch
import gzip
import hashlib
import itertools
import os
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
import urllib3
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from zoo.common.errors import UserError

CONNECT_TIMEOUT = 10.0  # seconds to reach a mirror
STALL_TIMEOUT = 30.0  # seconds without a byte from a mirror
ATTEMPTS = 3  # at one mirror, each going on from where the last broke off
CHUNK = 1 << 16  # bytes


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, the sha256 of its content (decompressed, for ``.gz``) and the URLs that serve it.

    An archive of several files (``.zip``, ``.tar.gz``, ``.tgz``) is told by its own bytes, for which checksums are published.
    """

    name: str
    sha256: str
    mirrors: tuple[str, ...]


class DownloadError(UserError):
    """No mirror delivered the file."""


def data_root(data_dir: Path | None) -> Path:
    """The directory of all data sets: ``data_dir``, else ``ZOO_DATA``, else ``zoo`` in the user's cache."""
    if root := data_dir or os.environ.get("ZOO_DATA"):
        return Path(root).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zoo"


@contextmanager
def open_content(path: Path) -> Iterator[BinaryIO]:
    """Open the content of a file, decompressed for ``.gz``; UserError if it cannot be read, also while it is read."""
    # Not only the last suffix: what is there of a download is called x.gz.1a2b3c4d.part
    gzipped = ".gz" in path.suffixes and ".tar" not in path.suffixes
    try:
        with gzip.open(path) if gzipped else path.open("rb") as stream:
            yield stream
    except EOFError as error:
        raise UserError(f"{path}: the gzip data is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}: not valid gzip data ({error})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def content_sha256(path: Path) -> str:
    """The hexadecimal sha256 of a file's content, decompressed for ``.gz``; UserError if it cannot be read."""
    digest = hashlib.sha256()
    with open_content(path) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Raise UserError unless the content of ``path`` is readable and has this sha256."""
    found = content_sha256(path)
    if found != sha256:
        raise UserError(f"{path}: expected content of sha256 {sha256}, found {found}")


def fetch(file: RemoteFile, directory: Path) -> Path:
    """Return ``directory / file.name`` with the pinned content, downloading it unless it is there.

    Bytes of an interrupted download are kept and the next call goes on from them. DownloadError if every mirror failed,
    UserError if the file cannot be written.
    """
    target = directory / file.name
    failures = []
    try:
        if _intact(target, file.sha256):
            return target
        directory.mkdir(parents=True, exist_ok=True)
        for url in file.mirrors:
            # Mirrors compress the same content differently, so the bytes of one never continue those of another.
            part = directory / f"{file.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
            try:
                _complete(part, url, file.sha256)
            except DownloadError as error:
                failures.append(f"{url}: {error}")
            else:
                _move_into_place(part, target)
                return target
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror or error})") from error
    raise DownloadError(f"{file.name} could not be downloaded; put it by hand at {target} ({'; '.join(failures)})")


def fetch_archive(file: RemoteFile, folder: Path, *wanted: str) -> Path:
    """Return ``folder``, after downloading an archive and unpacking into it the members that match a ``wanted`` pattern.

    A first directory of the same name as ``folder`` is not repeated in it. The folder appears whole, by one rename;
    the archive is deleted. Errors as of :func:`fetch`; UserError also if a pattern matches nothing.
    """
    if folder.exists():
        return folder
    archive = fetch(file, folder.parent)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of an unpacking that was killed
    try:
        _unpack(archive, part, wanted)
        inner = part / folder.name
        os.replace(inner if inner.is_dir() else part, folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from error
    shutil.rmtree(part, ignore_errors=True)
    archive.unlink()
    return folder


def _unpack(archive: Path, into: Path, wanted: tuple[str, ...]) -> None:
    """Extract the members of a verified archive that match a pattern."""

    def matching(names: list[str]) -> list[str]:
        matches = [fnmatch.filter(names, pattern) for pattern in wanted]
        if not all(matches):
            raise UserError(f"{archive}: expected members {', '.join(wanted)}, found {', '.join(names[:5])} …")
        return list(itertools.chain(*matches))

    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(into, matching(zipped.namelist()))
    else:
        with tarfile.open(archive) as tarred:
            # No path may lead out of ``into``; Python before 3.11.4 has no such filter, and the checksum must do
            tarred.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tarred.extractall(into, map(tarred.getmember, matching(tarred.getnames())))


def _intact(target: Path, sha256: str) -> bool:
    if not target.exists():
        return False
    try:
        verify(target, sha256)
    except UserError as error:
        print(f"{error}; downloading it again", file=sys.stderr)
        return False
    return True


def _complete(part: Path, url: str, sha256: str) -> None:
    """Bring ``part`` to the whole, verified file, or raise DownloadError with the reason why this mirror cannot."""
    for _ in range(ATTEMPTS):
        resumed = part.exists()
        try:
            _transfer(url, part)
            verify(part, sha256)
            return
        except requests.RequestException as error:  # before the first byte: asking again would bring the same answer
            raise DownloadError(_reason(error)) from error
        except urllib3.exceptions.ReadTimeoutError:
            failure = f"no byte for {STALL_TIMEOUT:g} s, {ATTEMPTS} times"
        except urllib3.exceptions.HTTPError:
            failure = f"connection lost, {ATTEMPTS} times"
        except UserError as error:
            failure = str(error).removeprefix(f"{part}: ")
            part.unlink(missing_ok=True)
            if not resumed:  # the mirror's own bytes are wrong; resumed ones may only have begun in an older file
                break
    raise DownloadError(failure)


def _transfer(url: str, part: Path) -> None:
    """Append to ``part`` the bytes that the mirror has beyond it; start over if the mirror cannot resume."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # the file's own bytes: its length and ranges count those
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT, STALL_TIMEOUT)) as response:
        if start and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing beyond: part is the whole file or no piece of it, which its content will tell
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            start = 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        with part.open("ab" if start else "wb") as sink, _progress(url, start, total) as advance:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                sink.write(chunk)
                advance(len(chunk))


@contextmanager
def _progress(url: str, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a transfer on stderr, as a bar on a terminal and as one line elsewhere; yields ``advance(bytes)``."""
    host, name = urlsplit(url).netloc, urlsplit(url).path.rpartition("/")[2]
    if not sys.stderr.isatty():
        size = f", {decimal(total)}" if total else ""
        resumed = f", resumed at {decimal(start)}" if start else ""
        print(f"downloading {name} from {host}{size}{resumed}", file=sys.stderr)
        yield lambda count: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{name} from {host}", completed=start, total=total)
        yield lambda count: bar.advance(task, count)


def _move_into_place(part: Path, target: Path) -> None:
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())  # on disk before the name is: no crash leaves a hollow file under it
    os.replace(part, target)
    for leftover in target.parent.glob(f"{target.name}.*.part"):  # of mirrors that broke off
        leftover.unlink()


def _reason(error: requests.RequestException) -> str:
    match error:
        case requests.HTTPError():
            return f"HTTP {error.response.status_code}"
        case requests.ConnectTimeout():
            return f"not reached within {CONNECT_TIMEOUT:g} s"
        case requests.ReadTimeout():
            return f"no answer within {STALL_TIMEOUT:g} s"
        case requests.exceptions.SSLError():
            return "its certificate is not trusted"
        case requests.ConnectionError():
            return "no connection"
        case _:
            return type(error).__name__

"""Downloads against a server on this machine that can do everything a bad mirror does."""

import errno
import gzip
import hashlib
import io
import os
import random
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from zoo.common import download
from zoo.common.download import DownloadError, RemoteFile, content_sha256, data_root, fetch, fetch_archive
from zoo.common.errors import UserError

BODY = random.Random(0).randbytes(400_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class Page:
    """What the server has under one path, and how badly it serves it."""

    body: bytes = BODY
    status: int = 200
    ranges: bool = True
    cuts: int = 0  # answers that break off halfway
    stalls: int = 0  # answers that fall silent halfway
    declares_length: bool = True


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = {}
        self.requests = []  # (path, Range header or None)
        self.closing = threading.Event()

    def put(self, path, **page):
        self.pages[path] = Page(**page)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site, page, wanted = self.server, self.server.pages[self.path], self.headers["Range"]
        site.requests.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and page.ranges else 0
        if page.status != 200:
            self.send_error(page.status)
        elif start >= len(page.body):
            self.send_error(416)
        else:
            self.send(site, page, start)

    def send(self, site, page, start):
        rest = page.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        if page.declares_length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if page.cuts:
            page.cuts -= 1
            self.wfile.write(rest[: len(rest) // 2])
        elif page.stalls:
            page.stalls -= 1
            self.wfile.write(rest[: len(rest) // 2])
            site.closing.wait()
        else:
            self.wfile.write(rest)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Site()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


def closed_url(path="/digits.bin"):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}{path}"


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def keep_first(part_of, url, body, directory, count):
    """Leave what an interrupted download of ``url`` would have left."""
    part = directory / f"{part_of}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
    part.write_bytes(body[:count])


def test_serves_fine(site, tmp_path, capsys):
    file = RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),))
    directory = tmp_path / "new" / "folder"
    assert fetch(file, directory) == directory / "digits.bin"
    assert (directory / "digits.bin").read_bytes() == BODY
    assert names(directory) == ["digits.bin"]
    assert capsys.readouterr().err.splitlines() == [
        f"downloading digits.bin from 127.0.0.1:{site.server_port}, 400.0 kB"
    ]


def test_already_there_needs_no_network(tmp_path, capsys):
    (tmp_path / "digits.bin").write_bytes(BODY)
    fetch(RemoteFile("digits.bin", SHA256, (closed_url(),)), tmp_path)
    assert capsys.readouterr().err == ""


def test_wrong_file_there_is_replaced(site, tmp_path, capsys):
    (tmp_path / "digits.bin").write_bytes(b"not digits")
    fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY
    first, _ = capsys.readouterr().err.splitlines()
    assert SHA256 in first and hashlib.sha256(b"not digits").hexdigest() in first and "downloading it again" in first


def test_bar_on_a_terminal(site, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),)), tmp_path)
    assert "digits.bin from 127.0.0.1" in capsys.readouterr().err


def test_truncated_answer_is_resumed(site, tmp_path):
    fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin", cuts=2),)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY
    assert [wanted for _, wanted in site.requests] == [None, "bytes=200000-", "bytes=300000-"]


def test_always_truncated_gives_up_and_keeps_the_bytes(site, tmp_path):
    with pytest.raises(DownloadError, match="connection lost"):
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin", cuts=99),)), tmp_path)
    assert len(site.requests) == download.ATTEMPTS
    (part,) = tmp_path.iterdir()
    assert part.suffix == ".part" and part.read_bytes() == BODY[:350_000]


def test_truncated_without_a_length_is_not_taken_for_whole(site, tmp_path):
    urls = site.put("/a.bin", cuts=1, declares_length=False), site.put("/b.bin")
    fetch(RemoteFile("digits.bin", SHA256, urls), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY


def test_stalled_answer_is_resumed(site, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "STALL_TIMEOUT", 0.1)
    fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin", stalls=1),)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY
    (_, first), (_, second) = site.requests
    assert first is None and second.startswith("bytes=")


def test_always_stalled_gives_up(site, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "STALL_TIMEOUT", 0.1)
    with pytest.raises(DownloadError, match="no byte for 0.1 s"):
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin", stalls=99),)), tmp_path)


def test_wrong_bytes_are_asked_for_once(site, tmp_path):
    with pytest.raises(DownloadError, match=f"expected content of sha256 {SHA256}, found"):
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin", body=b"x" * 1000),)), tmp_path)
    assert len(site.requests) == 1 and names(tmp_path) == []


def test_login_page_instead_of_an_archive(site, tmp_path):
    url = site.put("/digits.gz", body=b"<!doctype html><title>Sign in</title>")
    with pytest.raises(DownloadError, match="not valid gzip data"):
        fetch(RemoteFile("digits.gz", SHA256, (url,)), tmp_path)
    assert names(tmp_path) == []


def test_interrupted_download_transfers_only_the_rest(site, tmp_path):
    url = site.put("/digits.bin")
    keep_first("digits.bin", url, BODY, tmp_path, 390_000)
    fetch(RemoteFile("digits.bin", SHA256, (url,)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY
    assert site.requests == [("/digits.bin", "bytes=390000-")]
    assert names(tmp_path) == ["digits.bin"]


def test_server_without_ranges_restarts_from_zero(site, tmp_path):
    url = site.put("/digits.bin", ranges=False)
    keep_first("digits.bin", url, BODY, tmp_path, 1000)
    fetch(RemoteFile("digits.bin", SHA256, (url,)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY and len(site.requests) == 1


@pytest.mark.parametrize("kept, requests", [(BODY, 1), (BODY + b"too much", 2), (b"of an older file", 2)])
def test_kept_bytes_that_are_complete_or_wrong(site, tmp_path, kept, requests):
    """The first two are answered with 416; wrong bytes are dropped and the same mirror asked again from zero."""
    url = site.put("/digits.bin")
    keep_first("digits.bin", url, kept, tmp_path, len(kept))
    fetch(RemoteFile("digits.bin", SHA256, (url,)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY and len(site.requests) == requests


def test_second_mirror_after_404(site, tmp_path):
    urls = site.put("/gone.bin", status=404), closed_url(), site.put("/digits.bin")
    fetch(RemoteFile("digits.bin", SHA256, urls), tmp_path)
    assert [path for path, _ in site.requests] == ["/gone.bin", "/digits.bin"]


def test_mirrors_that_compress_differently(site, tmp_path):
    """The second mirror never continues the first one's bytes, and either archive is right."""
    small, large = gzip.compress(BODY * 2, 9, mtime=1), gzip.compress(BODY * 2, 0, mtime=2)
    urls = site.put("/small.gz", body=small, cuts=99), site.put("/large.gz", body=large)
    fetch(RemoteFile("digits.gz", hashlib.sha256(BODY * 2).hexdigest(), urls), tmp_path)
    assert (tmp_path / "digits.gz").read_bytes() == large
    assert [asked for asked in site.requests if asked[0] == "/large.gz"] == [("/large.gz", None)]
    assert names(tmp_path) == ["digits.gz"]


def test_killed_in_the_middle(site, tmp_path):
    url = site.put("/digits.bin", stalls=1)
    script = "import sys; from pathlib import Path; from zoo.common.download import *\n"
    script += "fetch(RemoteFile('digits.bin', sys.argv[1], (sys.argv[2],)), Path(sys.argv[3]))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", script, SHA256, url, tmp_path], env=environment)
    deadline = time.monotonic() + 8
    while not any(path.stat().st_size for path in tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    (part,) = tmp_path.iterdir()
    assert part.suffix == ".part" and BODY.startswith(part.read_bytes())
    fetch(RemoteFile("digits.bin", SHA256, (url,)), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == BODY
    assert site.requests[-1][1].startswith("bytes=")


def test_no_network(tmp_path):
    urls = closed_url(), closed_url("/other.bin")
    with pytest.raises(DownloadError) as raised:
        fetch(RemoteFile("digits.bin", SHA256, urls), tmp_path)
    message = str(raised.value)
    assert "\n" not in message and str(tmp_path / "digits.bin") in message
    assert all(f"{url}: no connection" in message for url in urls)


def test_directory_that_cannot_be(site, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written") as raised:
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),)), tmp_path / "file")
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_directory(site, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(UserError, match="cannot be written"):
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),)), tmp_path)


def test_full_disk(site, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=os.strerror(errno.ENOSPC)):
        fetch(RemoteFile("digits.bin", SHA256, (site.put("/digits.bin"),)), tmp_path)
    assert not (tmp_path / "digits.bin").exists()


def test_content_sha256_sees_through_compression(tmp_path):
    (tmp_path / "plain").write_bytes(BODY)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(BODY))
    assert content_sha256(tmp_path / "plain") == content_sha256(tmp_path / "packed.gz") == SHA256


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda packed: packed[:-9], "cut short"),
        (lambda packed: packed[:-8] + bytes(8), "not valid gzip data"),
        (lambda packed: b"plain", "not valid gzip data"),
        (lambda packed: packed[:10] + b"\xff" * 20, "not valid gzip data"),
    ],
)
def test_content_sha256_of_a_broken_archive(tmp_path, damage, message):
    (tmp_path / "x.gz").write_bytes(damage(gzip.compress(BODY)))
    with pytest.raises(UserError, match=message) as raised:
        content_sha256(tmp_path / "x.gz")
    assert str(tmp_path / "x.gz") in str(raised.value)


def test_content_sha256_of_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        content_sha256(tmp_path / "x")


def test_data_root(tmp_path, monkeypatch):
    for variable in "ZOO_DATA", "XDG_CACHE_HOME":
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_root(None) == tmp_path / ".cache" / "zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_root(None) == tmp_path / "cache" / "zoo"
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    assert data_root(None) == tmp_path / "data"
    assert data_root(tmp_path / "flag") == tmp_path / "flag"


def packed(suffix: str, members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tgz"])
@pytest.mark.parametrize("top", ["set/", ""], ids=["in a directory", "flat"])
def test_an_archive_becomes_a_folder_with_what_is_wanted(site, tmp_path, suffix, top):
    body = packed(suffix, {f"{top}a/1.txt": b"one", f"{top}b.txt": b"two", f"{top}large.bin": b"unwanted"})
    file = RemoteFile(f"x{suffix}", hashlib.sha256(body).hexdigest(), (site.put("/x", body=body),))
    (tmp_path / "set.part").mkdir()
    (tmp_path / "set.part" / "left.txt").touch()  # by an unpacking that was killed
    for _ in range(2):
        assert fetch_archive(file, tmp_path / "set", "*.txt") == tmp_path / "set"
    assert names(tmp_path) == ["set"] and names(tmp_path / "set") == ["a", "b.txt"]
    assert (tmp_path / "set" / "a" / "1.txt").read_bytes() == b"one"
    assert len(site.requests) == 1


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_an_archive_without_what_is_wanted_leaves_no_folder(site, tmp_path, suffix):
    body = packed(suffix, {"other.txt": b""})
    file = RemoteFile(f"x{suffix}", hashlib.sha256(body).hexdigest(), (site.put("/x", body=body),))
    with pytest.raises(UserError, match="expected members set/\\*, found other.txt"):
        fetch_archive(file, tmp_path / "set", "set/*")
    assert not (tmp_path / "set").exists()


def test_a_damaged_archive_is_refused(site, tmp_path):
    body = packed(".tgz", {"set/a": b"one"})
    file = RemoteFile("x.tgz", hashlib.sha256(body).hexdigest(), (site.put("/x", body=body[:-1] + b"?"),))
    with pytest.raises(DownloadError, match="expected content of sha256"):
        fetch_archive(file, tmp_path / "set", "set/*")
    assert names(tmp_path) == []

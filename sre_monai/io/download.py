"""Fetch a file over HTTP: progress bar, resume of a partial file, checksum."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

CHUNK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without data


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Args:
        url: its address (http or https).
        sha256: its SHA-256 as 64 hexadecimal digits; None where none is known.
        md5: its MD5 as 32 hexadecimal digits, for publishers that give no other: it detects damage, not tampering.
    """

    url: str
    sha256: str | None = None
    md5: str | None = None

    @property
    def name(self) -> str:
        """The file's name, the last part of the address."""
        return PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(self.url).path)).name


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes.

    Args:
        path: the file.

    Returns:
        64 hexadecimal digits in lower case.
    """
    return _digest(path, "sha256")


def _digest(path: str | os.PathLike[str], algorithm: str) -> str:
    """Checksum of a file's bytes, as hexadecimal digits in lower case."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def download_file(remote: RemoteFile, folder: str | os.PathLike[str]) -> Path:
    """Download a file into a folder, resuming a partial download.

    Bytes are collected in ``<name>.part``, which stays when the connection breaks and is completed by the next call
    (HTTP Range). The file gets its name only when it is complete and its checksum, where one is known, is right. A file
    that is there already is not fetched again.

    Args:
        remote: what to fetch.
        folder: where to put it; made when missing.

    Returns:
        The path of the file.

    Raises:
        ValueError: When the address is not http(s), when the server sends a web page in place of the file, or when the
            checksum is wrong (the wrong bytes are removed, unless they were there before).
        OSError: When the server can't be reached, refuses, or closes the connection.

    Examples:
        >>> download_file(RemoteFile("https://example.org/set.zip"), "downloads")  # doctest: +SKIP
        PosixPath('downloads/set.zip')
    """
    if urllib.parse.urlsplit(remote.url).scheme not in ("http", "https"):
        raise ValueError(f"{remote.url} is not an http or https address")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / remote.name
    if path.exists():
        _check(path, remote, f"{path} is not the expected file; remove it to fetch it again")
        return path
    part = path.with_name(path.name + ".part")
    _fetch(remote.url, part)
    try:
        _check(part, remote, f"{remote.url} sent wrong bytes, which were removed; run again")
    except ValueError:
        part.unlink()
        raise
    os.replace(part, path)
    return path


def _check(path: Path, remote: RemoteFile, problem: str) -> None:
    """Compare the checksum, or show it where none is known to compare with."""
    if remote.sha256 is None and remote.md5 is None:
        tqdm.write(f"{remote.name}: no published checksum is known; this copy's SHA-256 is {file_sha256(path)}")
    for name, algorithm, expected in (("SHA-256", "sha256", remote.sha256), ("MD5", "md5", remote.md5)):
        if expected is not None and (digest := _digest(path, algorithm)) != expected:
            raise ValueError(f"{problem} ({name} {digest}, expected {expected})")


def _fetch(url: str, part: Path) -> None:
    """Append what is missing of `url` to `part`."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "sre-monai", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as response:
            _receive(response, part, start)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise OSError(
                f"{url} can't be fetched: the server answers {error.code} {error.reason}; "
                "fetch it with a browser and give it as the source"
            ) from error
        if error.headers.get("Content-Range") != f"bytes */{start}":  # a partial file of another version: start over
            part.unlink()
            _fetch(url, part)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise OSError(f"{url} can't be fetched ({reason}); check the connection and run again to resume") from error


def _receive(response: http.client.HTTPResponse, part: Path, start: int) -> None:
    """Write the body of an answer to `part`: the rest of it for an answer to a Range request, else all of it."""
    if response.headers.get_content_type() == "text/html":
        raise ValueError(
            f"{response.url} gave a web page in place of the file (often a check for browsers): "
            "fetch it with a browser and give it as the source"
        )
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        start = 0  # the server sends the whole file, whatever range was asked for
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise ConnectionError("the server sent another range than requested")
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    with (
        open(part, "ab" if start else "wb") as stream,
        tqdm(desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, unit_divisor=1024) as bar,
    ):
        while chunk := response.read(CHUNK):
            stream.write(chunk)
            bar.update(len(chunk))
    if total is not None and part.stat().st_size != total:
        raise ConnectionError(f"only {part.stat().st_size} of {total} bytes were received")

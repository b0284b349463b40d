import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from sre_monai.io.download import RemoteFile, download_file, file_sha256

CONTENT = np.random.default_rng(0).bytes(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve CONTENT with byte ranges; the path selects a failure."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if "missing" in self.path:
            self.send_error(404)
            return
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match and "noranges" not in self.path else 0
        if match and start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8" if "page" in self.path else "application/zip")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            shown = start + 1 if "wrongrange" in self.path else start
            self.send_header("Content-Range", f"bytes {shown}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        end = start + 1_000_000 if "breaks" in self.path else len(CONTENT)
        self.wfile.write(CONTENT[start:end])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        http_server.ranges = []
        http_server.handle_error = lambda *_: None  # the client closes the connection, as it does on web pages
        http_server.address = f"http://127.0.0.1:{http_server.server_port}"
        threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True).start()
        yield http_server
        http_server.shutdown()


def test_download(server, tmp_path, capsys):
    path = download_file(RemoteFile(f"{server.address}/some%20set.zip", DIGEST), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "some set.zip"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["some set.zip"]
    assert "100%" in capsys.readouterr().err  # the progress bar


def test_resume_after_broken_connections(server, tmp_path):
    remote = RemoteFile(f"{server.address}/breaks/set.zip", DIGEST)
    for done in (1_000_000, 2_000_000):
        with pytest.raises(OSError, match="run again to resume"):
            download_file(remote, tmp_path)
        assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:done]
        assert not (tmp_path / "set.zip").exists()
    assert download_file(remote, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000000-", "bytes=2000000-"]


def test_server_without_ranges_starts_again(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:1234])
    assert download_file(RemoteFile(f"{server.address}/noranges/set.zip", DIGEST), tmp_path).read_bytes() == CONTENT


def test_part_that_is_complete_already(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    assert download_file(RemoteFile(f"{server.address}/set.zip", DIGEST), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_part_that_is_too_long_is_fetched_again(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    assert download_file(RemoteFile(f"{server.address}/set.zip", DIGEST), tmp_path).read_bytes() == CONTENT


def test_wrong_range_is_not_appended(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:1000])
    with pytest.raises(OSError, match="another range"):
        download_file(RemoteFile(f"{server.address}/wrongrange/set.zip", DIGEST), tmp_path)
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:1000]


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(ValueError, match=f"wrong bytes.*{DIGEST}"):
        download_file(RemoteFile(f"{server.address}/set.zip", "0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_checksum_is_shown(server, tmp_path, capsys):
    download_file(RemoteFile(f"{server.address}/set.zip"), tmp_path)
    output = capsys.readouterr().out
    assert DIGEST in output
    assert "no published checksum" in output


def test_present_file_is_not_fetched(server, tmp_path):
    (tmp_path / "set.zip").write_bytes(CONTENT)
    download_file(RemoteFile(f"{server.address}/set.zip", DIGEST), tmp_path)
    assert server.ranges == []
    (tmp_path / "set.zip").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not the expected file"):
        download_file(RemoteFile(f"{server.address}/set.zip", DIGEST), tmp_path)
    assert (tmp_path / "set.zip").read_bytes() == b"something else"  # a user's file is not removed


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [("missing.zip", OSError, "404"), ("page/set.zip", ValueError, "web page")],
)
def test_refusals(server, tmp_path, path, error, message):
    with pytest.raises(error, match=message):
        download_file(RemoteFile(f"{server.address}/{path}"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unreachable_server_and_other_schemes(tmp_path):
    with pytest.raises(OSError, match="can't be fetched"):
        download_file(RemoteFile("http://127.0.0.1:9/set.zip"), tmp_path)
    with pytest.raises(ValueError, match="not an http"):
        download_file(RemoteFile("file:///etc/passwd"), tmp_path)


def test_file_sha256(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert file_sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "long").write_bytes(CONTENT)
    assert file_sha256(tmp_path / "long") == DIGEST


def test_md5_is_checked_where_it_is_all_that_is_published(server, tmp_path):
    right, wrong = hashlib.md5(CONTENT).hexdigest(), "0" * 32
    url = f"{server.address}/set.npz?download=1"
    assert download_file(RemoteFile(url, md5=right), tmp_path / "right").name == "set.npz"
    with pytest.raises(ValueError, match=f"wrong bytes, which were removed.*MD5 {right}, expected {wrong}"):
        download_file(RemoteFile(url, md5=wrong), tmp_path / "wrong")
    assert list((tmp_path / "wrong").iterdir()) == []

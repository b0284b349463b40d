import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from sre_monai.io.archives import extract_archive, is_archive

CONTENT = {"a/one.txt": b"1" * 3000, "two.TXT": b"", "a/b/three.bin": bytes(range(256))}


def make_zip(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, content: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def make(path: Path, content: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        return make_zip(path, content)
    return make_tar(path, content, "w" if path.suffix == ".tar" else "w:gz")


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


KINDS = pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.tgz", "X.ZIP"])


@KINDS
def test_round_trip(name, tmp_path):
    archive = make(tmp_path / name, CONTENT) if name != "X.ZIP" else make_zip(tmp_path / name, CONTENT)
    written = extract_archive(archive, tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == list(CONTENT)
    assert {key: (tmp_path / "out" / key).read_bytes() for key in CONTENT} == CONTENT
    assert files_below(tmp_path / "out") == set(CONTENT)


@KINDS
def test_keep_is_asked_for_file_names(name, tmp_path):
    archive = make_zip(tmp_path / name, CONTENT) if name.lower().endswith("zip") else make(tmp_path / name, CONTENT)
    extract_archive(archive, tmp_path / "out", keep=lambda member: member == "one.txt")
    assert files_below(tmp_path / "out") == {"a/one.txt"}


def test_single_gz(tmp_path):
    (tmp_path / "im.ppm.GZ").write_bytes(gzip.compress(b"picture"))
    assert extract_archive(tmp_path / "im.ppm.GZ", tmp_path / "out") == [tmp_path / "out" / "im.ppm"]
    assert (tmp_path / "out" / "im.ppm").read_bytes() == b"picture"
    assert extract_archive(tmp_path / "im.ppm.GZ", tmp_path / "none", keep=lambda name: False) == []


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
@pytest.mark.parametrize(
    "member", ["/etc/evil", "../evil", "a/../../evil", "..\\evil", "C:\\evil", "\\\\host\\share\\evil"]
)
def test_members_that_lead_outside_are_refused(kind, member, tmp_path):
    archive = make(tmp_path / f"x.{kind}", {"good.txt": b"good", member: b"evil"})
    with pytest.raises(ValueError, match="leads outside"):
        extract_archive(archive, tmp_path / "deep" / "out")
    assert files_below(tmp_path) == {archive.name}  # the good member is not written either
    assert not Path("/etc/evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_tar_links_and_devices_are_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
        evil = tarfile.TarInfo("link/evil")
        archive.addfile(evil)
    with pytest.raises(ValueError, match="link or a device"):
        extract_archive(tmp_path / "x.tar", tmp_path / "out")
    assert files_below(tmp_path) == {"x.tar"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_zip_links_and_devices_are_refused(kind, tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="link or a device"):
        extract_archive(tmp_path / "x.zip", tmp_path / "out")
    assert files_below(tmp_path) == {"x.zip"}


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_bombs_are_refused(name, tmp_path):
    archive = make(tmp_path / name, {"a": bytes(6000), "b": bytes(6000)})
    with pytest.raises(ValueError, match="limit"):
        extract_archive(archive, tmp_path / "out", max_bytes=10000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 10000


def test_gz_bomb_is_refused(tmp_path):
    (tmp_path / "x.ppm.gz").write_bytes(gzip.compress(bytes(20000)))
    with pytest.raises(ValueError, match="limit"):
        extract_archive(tmp_path / "x.ppm.gz", tmp_path / "out", max_bytes=10000)


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.ppm.gz"])
def test_damaged_archives(name, tmp_path):
    (tmp_path / name).write_bytes(b"<html>not an archive</html>")
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        extract_archive(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
def test_truncated_archives(name, tmp_path):
    archive = make(tmp_path / name, {"noise": bytes((i * i) % 251 for i in range(200_000))})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(ValueError, match="damaged"):
        extract_archive(archive, tmp_path / "out")


def test_changed_byte_in_zip(tmp_path):
    data = bytearray(make_zip(tmp_path / "x.zip", {"noise": bytes((i * i) % 251 for i in range(5000))}).read_bytes())
    data[60] ^= 255
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        extract_archive(tmp_path / "x.zip", tmp_path / "out")


def test_unknown_kind(tmp_path):
    (tmp_path / "x.rar").write_bytes(b"")
    with pytest.raises(ValueError, match="not an archive of a known kind"):
        extract_archive(tmp_path / "x.rar", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "expected"), [("a.ZIP", True), ("a.ppm.gz", True), ("a.tgz", True), ("a.tif", False), ("zip", False)]
)
def test_is_archive(name, expected):
    assert is_archive(name) is expected

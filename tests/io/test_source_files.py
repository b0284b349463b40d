import gzip
import zipfile
from pathlib import Path

import pytest

from sre_monai.io.source_files import find_files
from tests.io.test_archives import make_tar, make_zip

NAMES = ["im0001.ppm", "im0001.ah.ppm", "Image_01L.jpg"]


def test_folders_gz_and_case(tmp_path):
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "IMAGE_01L.JPG").write_bytes(b"jpg")
    (source / "im0001.ppm.gz").write_bytes(gzip.compress(b"ppm"))
    (source / "other.txt.gz").write_bytes(b"broken, but nobody asked for it")
    found = find_files(source, NAMES, tmp_path / "scratch")
    assert {name: path.read_bytes() for name, path in found.items()} == {"Image_01L.jpg": b"jpg", "im0001.ppm": b"ppm"}


@pytest.mark.parametrize("zipped", [False, True])
def test_folders_tell_files_of_one_name_apart(zipped, tmp_path):
    content = {f"Set/{folder}/01.png": folder.encode() for folder in ("Images", "labels", "notes")}
    if zipped:
        source = make_zip(tmp_path / "set.zip", content)
    else:
        source = tmp_path / "source"
        for name, data in content.items():
            (source / name).parent.mkdir(parents=True)
            (source / name).write_bytes(data)
    found = find_files(source, ["images/01.png", "labels/01.png", "mask/01.png"], tmp_path / "scratch")
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "images/01.png": b"Images",
        "labels/01.png": b"labels",
    }


def test_archives_inside_archives(tmp_path):
    make_tar(tmp_path / "inner.tar", {"im0001.ah.ppm.gz": gzip.compress(b"label"), "other": b"x"})
    make_zip(tmp_path / "middle.zip", {"d/inner.tar": (tmp_path / "inner.tar").read_bytes(), "im0001.ppm": b"image"})
    make_zip(tmp_path / "outer.zip", {"middle.zip": (tmp_path / "middle.zip").read_bytes()})
    found = find_files(tmp_path / "outer.zip", NAMES, tmp_path / "scratch")
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "im0001.ppm": b"image",
        "im0001.ah.ppm": b"label",
    }
    assert not list((tmp_path / "scratch").rglob("other"))


def test_endless_nesting_ends(tmp_path):
    data, name = b"image", "im0001.ppm"
    for level in range(8):
        make_zip(tmp_path / "x.zip", {name: data})
        data, name = (tmp_path / "x.zip").read_bytes(), f"{level}.zip"
    assert find_files(tmp_path / "x.zip", NAMES, tmp_path / "scratch") == {}


def test_equal_copies_are_one_file_and_different_ones_an_error(tmp_path):
    make_zip(tmp_path / "copy.zip", {"im0001.ppm": b"same"})
    (tmp_path / "im0001.ppm").write_bytes(b"same")
    assert list(find_files(tmp_path, NAMES, tmp_path / "scratch")) == ["im0001.ppm"]
    (tmp_path / "im0001.ppm").write_bytes(b"else")
    with pytest.raises(ValueError, match=r"two different files im0001\.ppm"):
        find_files(tmp_path, NAMES, tmp_path / "scratch2")


def test_resource_forks_of_macos_are_not_images(tmp_path):
    make_zip(tmp_path / "x.zip", {"__MACOSX/._im0001.ppm": b"fork", "im0001.ppm": b"image"})
    assert find_files(tmp_path / "x.zip", NAMES, tmp_path / "s")["im0001.ppm"].read_bytes() == b"image"


def test_hostile_inner_archive(tmp_path):
    make_tar(tmp_path / "evil.tar", {"../../im0001.ppm": b"evil"})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(tmp_path / "evil.tar", "evil.tar")
    with pytest.raises(ValueError, match=r"evil\.tar is refused"):
        find_files(tmp_path / "x.zip", NAMES, tmp_path / "a" / "b" / "c")


def test_bad_sources(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_files(tmp_path / "nowhere", NAMES, tmp_path / "scratch")
    Path(tmp_path, "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match="neither a folder nor an archive"):
        find_files(tmp_path / "notes.txt", NAMES, tmp_path / "scratch")

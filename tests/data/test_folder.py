import pytest

from sre_monai.data import list_photographs


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_listed_with_their_sub_folders(tmp_path):
    touch(tmp_path, "b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes.txt")
    items = list_photographs(tmp_path)
    assert [item["file"] for item in items] == ["b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes.txt"]
    assert [item["name"] for item in items] == ["b", "eyes/left eye", "eyes/ß", "notes"]
    assert items[1]["image"] == str(tmp_path / "eyes" / "left eye.tif")


def test_files_of_one_stem_keep_their_extensions(tmp_path):
    touch(tmp_path, "a.jpg", "A.tif", "sub/a.png")
    assert {item["file"]: item["name"] for item in list_photographs(tmp_path)} == {
        "a.jpg": "a.jpg",
        "A.tif": "A.tif",  # file systems that don't tell cases apart would mix them up
        "sub/a.png": "sub/a",
    }


def test_hidden_files_and_the_output_are_left_out(tmp_path):
    touch(tmp_path, "a.png", ".DS_Store", ".cache/b.png", "out/a_mask.png", "out.png")
    assert [item["file"] for item in list_photographs(tmp_path, tmp_path / "out")] == ["a.png", "out.png"]


def test_errors_name_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing"):
        list_photographs(tmp_path / "missing")
    with pytest.raises(ValueError, match="has no files"):
        list_photographs(tmp_path)

import json
from pathlib import Path

import pytest

from sre_monai.io import hold_out, load_datalist
from sre_monai.retina import prepare_dataset
from tests.retina.data.toy import TOYS, write_source


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    write_source(TOYS["DRIVE"], folder / "source")
    prepare_dataset(TOYS["DRIVE"], folder / "source", folder / "DRIVE")
    return folder / "DRIVE"


def make(folder: Path, content: object) -> Path:
    (folder / "datalist.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("section", "stems"),
    [
        ("training", ["21_training", "22_training"]),
        ("test", ["01_test"]),
        ("all", ["21_training", "22_training", "01_test"]),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_sections(prepared, section, stems, kind):
    items = load_datalist(kind(prepared), section)
    assert [Path(item["image"]).stem for item in items] == stems
    assert [item["label"] for item in items] == [str(prepared / "labels" / f"{stem}.png") for stem in stems]
    assert [item["fov"] for item in items] == [str(prepared / "fov" / f"{stem}.png") for stem in stems]
    assert ["second_observer" in item for item in items] == [stem == "01_test" for stem in stems]
    assert all(Path(path).is_absolute() and Path(path).is_file() for item in items for path in item.values())


def test_relative_folder_gives_absolute_paths(prepared, monkeypatch):
    monkeypatch.chdir(prepared.parent)
    assert load_datalist("DRIVE") == load_datalist(prepared, "training")


def test_other_keys_and_lists_are_left_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    make(tmp_path, {"tags": ["x", "y"], "numTest": 0, "validation": [{"image": "a.png", "fold": 3}]})
    expected = [{"image": str(tmp_path / "a.png"), "fold": 3}]
    assert load_datalist(tmp_path, "validation") == expected
    assert load_datalist(tmp_path, "all") == expected


def test_missing_folder_and_datalist(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        load_datalist(tmp_path / "nowhere", "training")
    with pytest.raises(FileNotFoundError, match=r"has no datalist.json; .* for your own images write it") as caught:
        load_datalist(tmp_path, "training")
    assert "DRIVE" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    (tmp_path / "ä.png").touch()
    (tmp_path / "datalist.json").write_bytes('{"training": [{"image": "ä.png"}]}'.encode(encoding))
    assert load_datalist(tmp_path) == [{"image": str(tmp_path / "ä.png")}]


def test_unknown_section(prepared):
    with pytest.raises(ValueError, match="no section 'train'; choose one of training, test, all"):
        load_datalist(prepared, "train")


@pytest.mark.parametrize("section", ["test", "all"])
def test_empty_section(tmp_path, section):
    with pytest.raises(ValueError, match=f"'{section}' of .* is empty"):
        load_datalist(make(tmp_path, {"training": [], "test": []}), section)


@pytest.mark.parametrize("key", ["image", "label", "fov", "second_observer"])
def test_missing_file(tmp_path, key):
    (tmp_path / "here.png").write_bytes(b"")
    make(tmp_path, {"training": [{"image": "here.png", key: "gone/x.png"}]})
    with pytest.raises(FileNotFoundError, match=r"1 files that do not exist, the first is .*gone/x\.png"):
        load_datalist(tmp_path, "training")


def test_broken_datalist(tmp_path):
    (tmp_path / "datalist.json").write_text("{")
    with pytest.raises(ValueError, match="not a JSON"):
        load_datalist(tmp_path, "training")
    with pytest.raises(ValueError, match="not a datalist"):
        load_datalist(make(tmp_path, [1, 2]), "training")


@pytest.mark.parametrize("count", [3, 100, -1])
def test_an_item_to_train_on_is_left(count):
    with pytest.raises(
        ValueError, match=rf"^validation_count must be below the number of training images, 3, got {count}"
    ):
        hold_out(["a", "b", "c"], count)


def test_the_last_items_are_held_out():
    assert hold_out(["a", "b", "c"], 0) == (["a", "b", "c"], [])
    assert hold_out(["a", "b", "c"], 2) == (["a"], ["b", "c"])

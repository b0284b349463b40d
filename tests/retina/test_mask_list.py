import json

import numpy as np
import pytest
from PIL import Image

from sre_monai.retina.mask_list import kinds_of, list_masks, list_unused


@pytest.fixture
def folder(tmp_path):
    for name in (
        *(
            "left_mask.png",
            "left_artery.png",
            "left_VEIN.nii.gz",
            "left_optic_disc.png",
            "left_overlay.png",
            "left.jpg",
        ),
        *("sub/right_vessels.tif", "sub/right_fov.png", "report.csv", ".hidden/x_mask.png", "alone_disc.png"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_masks_of_a_photograph_are_found_by_their_names(folder):
    left, right = list_masks(folder)
    assert (left["name"], left["file"], right["name"]) == ("left", "left_mask.png", "sub/right")
    assert set(left["masks"]) == {"vessel", "artery", "vein", "disc", "photograph"}
    assert left["masks"]["vein"] == [str(folder / "left_VEIN.nii.gz")]
    assert set(right["masks"]) == {"vessel", "fov"}
    assert len(left["parts"]) == 5
    assert kinds_of([left, right]) >= {"artery", "fov"}


def test_what_is_not_used_is_listed(folder):
    assert list_unused(folder, None, list_masks(folder)) == ["alone_disc.png", "left_overlay.png", "report.csv"]


def test_the_folder_of_the_results_is_left_out(folder):
    items = list_masks(folder, folder / "sub")
    assert [item["name"] for item in items] == ["left"]
    assert not any(file.startswith("sub") for file in list_unused(folder, folder / "sub", items))


def test_photographs_of_another_folder(folder, tmp_path_factory):
    photographs = tmp_path_factory.mktemp("photographs")
    (photographs / "sub").mkdir()
    (photographs / "sub" / "right.tif").touch()
    left, right = list_masks(folder, None, photographs)
    (photographs / "left.png").touch()
    (folder / "corrected").mkdir()
    (folder / "corrected" / "left_mask.nii.gz").touch()
    corrected = list_masks(folder, None, photographs)[0]
    assert (corrected["name"], corrected["masks"]["photograph"]) == ("corrected/left", [str(photographs / "left.png")])
    assert left["masks"]["photograph"] == [str(folder / "left.jpg")]
    assert right["masks"]["photograph"] == [str(photographs / "sub" / "right.tif")]


def test_a_list(folder):
    rows = "Artery;vein;disc;um_per_pixel\nleft_artery.png;left_VEIN.nii.gz;left_optic_disc.png;7,5\n"
    (folder / "list.csv").write_text(rows)
    (folder / "list.json").write_text(json.dumps([{"vessel": "sub/right_vessels.tif", "photograph": "left.jpg"}]))
    [item] = list_masks(folder / "list.csv")
    assert (item["name"], item["file"], item["um_per_pixel"]) == ("left", "left_artery.png", 7.5)
    assert set(item["masks"]) == {"artery", "vein", "disc"}
    [item] = list_masks(folder / "list.json")
    assert (item["name"], set(item["masks"])) == ("sub/right", {"vessel", "photograph"})


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("arteries\na.png\n", "column 'arteries' is not known"),
        ("disc\na.png\n", "an entry has no vessel, artery, vein"),
        ("vessel\na.png\na.png\n", "two entries would have results of the name a.png"),
        ("vessel,um_per_pixel\na.png,-1\n", "um_per_pixel must be a positive number"),
    ],
)
def test_mistakes_in_a_list(tmp_path, rows, sentence):
    (tmp_path / "list.csv").write_text(rows)
    with pytest.raises(ValueError, match=sentence):
        list_masks(tmp_path / "list.csv")


def test_nothing_to_measure(tmp_path):
    with pytest.raises(ValueError, match="has no masks of vessels: they end in _mask"):
        list_masks(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder and no list"):
        list_masks(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="photographs: folder not found"):
        list_masks(tmp_path, None, tmp_path / "nowhere")


def test_photographs_are_pictures(tmp_path):
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a_mask.png")
    (tmp_path / "a.txt").touch()
    [item] = list_masks(tmp_path)
    assert set(item["masks"]) == {"vessel"}

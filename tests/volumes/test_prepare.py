import json
import tarfile

import numpy as np
import pytest

from sre_monai.commands.prepare import run_prepare
from sre_monai.io import load_datalist
from sre_monai.volumes import held_back
from tests.volumes.toy import smooth_noise, write

NAMES = [f"hippocampus_{number:03d}" for number in (1, 3, 4, 6, 7, 8, 11, 14, 15, 17)]


def source(folder, images="imagesTr", labels="labelsTr"):
    for number, name in enumerate(NAMES):
        values = smooth_noise((8, 9, 10), number)
        write(folder / images / f"{name}.nii.gz", values)
        write(folder / labels / f"{name}.nii.gz", np.digitize(values, [45, 55]).astype(np.uint8))
    return folder


@pytest.mark.parametrize("folders", [("imagesTr", "labelsTr"), ("images", "labels")])
@pytest.mark.parametrize("packed", [False, True])
def test_folders_and_archives(tmp_path, folders, packed, capsys):
    given = source(tmp_path / "Task04_Hippocampus", *folders)
    if packed:
        with tarfile.open(tmp_path / "Task04_Hippocampus.tar", "w") as archive:
            archive.add(given, "Task04_Hippocampus")
        given = tmp_path / "Task04_Hippocampus.tar"
    output = tmp_path / "data"
    assert run_prepare(["Hippocampus", "--source", str(given), "--output", str(output)]) == 0
    assert str(output / "datalist.json") in capsys.readouterr().out
    sections = {section: load_datalist(output, section) for section in ("training", "test")}
    assert {section: len(items) for section, items in sections.items()} == {
        "training": sum(held_back(name) >= 0.225 for name in NAMES),
        "test": sum(held_back(name) < 0.225 for name in NAMES),
    }
    listed = [held_back(item["image"].rpartition("/")[2][:-7]) for item in sections["training"]]
    assert listed == sorted(listed, reverse=True)
    assert json.loads((output / "datalist.json").read_text())["licence"] == "CC BY-SA 4.0"


def prepare_error(tmp_path, capsys) -> str:
    arguments = ["Hippocampus", "--source", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    assert run_prepare(arguments) == 2
    assert not (tmp_path / "out").exists()
    return capsys.readouterr().err


def test_mistakes(tmp_path, capsys):
    assert "does not exist" in prepare_error(tmp_path, capsys)
    (tmp_path / "in").mkdir()
    assert "holds no volume of the hippocampus data" in prepare_error(tmp_path, capsys)
    write(source(tmp_path / "in") / "labelsTr" / f"{NAMES[2]}.nii.gz", smooth_noise((8, 9, 10)))
    assert "is no label map" in prepare_error(tmp_path, capsys)
    write(tmp_path / "in" / "labelsTr" / f"{NAMES[2]}.nii.gz", np.eye(9)[None] * np.ones((8, 1, 1)))
    assert "lie on different grids" in prepare_error(tmp_path, capsys)


def test_an_output_that_exists_is_replaced_on_demand_only(tmp_path, capsys):
    arguments = ["Hippocampus", "--source", str(source(tmp_path / "in")), "--output", str(tmp_path / "out")]
    assert run_prepare(arguments) == 0
    assert run_prepare(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert run_prepare([*arguments, "--overwrite"]) == 0


def test_what_a_killed_replacement_left_goes_back_to_its_place(tmp_path):
    arguments = ["Hippocampus", "--source", str(source(tmp_path / "in")), "--output", str(tmp_path / "out")]
    assert run_prepare(arguments) == 0
    (tmp_path / "out").rename(tmp_path / ".out.previous")
    assert run_prepare(arguments) == 2  # it is there again, and not to be overwritten
    assert load_datalist(tmp_path / "out", "training")

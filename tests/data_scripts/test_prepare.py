import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sre_monai.io import load_datalist
from sre_monai.retina import RETINA_DATASETS


def run(repository: Path, *arguments: object) -> int:
    """Run the script as `python data_scripts/prepare.py` does and return its exit code."""
    sys.argv = ["prepare.py", *map(str, arguments)]
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(repository / "data_scripts" / "prepare.py"), run_name="__main__")
    return caught.value.code


@pytest.fixture(autouse=True)
def _arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", sys.argv)


def mask(path: str) -> np.ndarray:
    """A mask with its original values, as booleans."""
    with Image.open(path) as image:
        values = np.asarray(image)
    return (values if values.ndim == 2 else values[..., 0]) > 0


@pytest.mark.parametrize(
    ("name", "folder", "training", "test", "partial"),
    [("DRIVE", "DRIVE", 20, 20, False), ("CHASE_DB1", "CHASEDB1", 20, 0, True), ("HRF", "HRF", 3, 0, True)],
)
def test_real_data(name, folder, training, test, partial, repository, shared_data, tmp_path, capsys):
    source, output = shared_data / folder, tmp_path / name
    if name == "HRF":  # one photograph of each kind: they are large
        source = tmp_path / "source"
        for path in (shared_data / folder).glob("*/01_*"):
            (source / path.parent.name).mkdir(parents=True, exist_ok=True)
            (source / path.parent.name / path.name).symlink_to(path)
    if partial:
        assert run(repository, name, "--source", source, "--output", output) == 2
        assert "--allow-partial" in capsys.readouterr().err
        assert not output.exists()
    options = ["--allow-partial"] if partial else []
    assert run(repository, name, "--source", source, "--output", output, *options) == 0
    datalist = json.loads((output / "datalist.json").read_text())
    assert [len(datalist["training"]), len(datalist["test"])] == [training, test]
    items = load_datalist(output, "all")
    for item in (items[0], items[-1]):
        image = Image.open(item["image"])
        shapes = {mask(item[key]).shape for key in item if key != "image"}
        assert shapes == {(image.height, image.width)}
        label, fov = mask(item["label"]), mask(item["fov"])
        assert 0.02 < label.mean() < 0.2
        assert 0.5 < fov.mean() < 0.95
        assert label[fov].sum() > 0.98 * label.sum()


def test_real_stare_in_the_right_order(repository, shared_data, tmp_path):
    assert run(repository, "STARE", "--source", shared_data / "STARE", "--output", tmp_path / "STARE") == 0
    training, test = (load_datalist(tmp_path / "STARE", section) for section in ("training", "test"))
    assert [len(training), len(test)] == [10, 10]
    assert max(item["image"] for item in training) < min(item["image"] for item in test)
    dice = []
    for item in training:
        first, second = mask(item["label"]), mask(item["second_observer"])
        dice.append(2 * (first & second).sum() / (first.sum() + second.sum()))
    assert 0.67 < min(dice) <= max(dice) < 0.80  # the known agreement of the two observers


def test_real_drive_masks_are_the_official_ones(repository, shared_data, tmp_path):
    assert run(repository, "DRIVE", "--source", shared_data / "DRIVE", "--output", tmp_path / "DRIVE") == 0
    official = shared_data / "DRIVE" / "test"
    for number in range(1, 21):
        for folder, name in (
            ("labels", f"1st_manual/{number:02d}_manual1.gif"),
            ("second_observer", f"2nd_manual/{number:02d}_manual2.gif"),
            ("fov", f"mask/{number:02d}_test_mask.gif"),
        ):
            prepared = mask(str(tmp_path / "DRIVE" / folder / f"{number:02d}_test.png"))
            assert np.array_equal(prepared, mask(str(official / name)))


@pytest.mark.parametrize("name", RETINA_DATASETS)
def test_a_source_without_the_files_of_the_data_set(name, repository, tmp_path, capsys):
    assert run(repository, name, "--source", tmp_path, "--output", tmp_path / "out") == 2
    assert f"holds no file of {name}" in capsys.readouterr().err
    assert run(repository, name, "--help") == 0
    assert name in capsys.readouterr().out

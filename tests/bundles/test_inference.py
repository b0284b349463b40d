"""Inference from file to file."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import run
from PIL import Image

from sre_monai.retina import synthetic_fundus
from tests.bundles.mistakes import mistake
from tests.bundles.toy import parse

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "retina_fundus_vessel_segmentation"
CONFIG = str(BUNDLE / "configs" / "inference.json")
REPORT = {"report.csv", "report.html", "log.txt"}
SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "sample"
SYMMETRIES = [(k, flip) for flip in (False, True) for k in range(4)]


@pytest.mark.parametrize("name", ["eye_565x584.png", "eye_700x605_cropped.jpg"])
def test_the_network_sees_a_photograph_as_in_training(tmp_path, name):
    # inference.json has to work without train.json, so both define the transforms that they have in common
    label = tmp_path / "label.png"
    Image.new("L", Image.open(SAMPLE / name).size).save(label)
    item = {"image": str(SAMPLE / name), "label": str(label), "name": name}
    training = parse("train.json").get_parsed_content("validate#preprocessing")
    inference = parse("inference.json").get_parsed_content("preprocessing")
    assert torch.equal(torch.as_tensor(training(item)["image"]), torch.as_tensor(inference(item)["image"]))


def segment(folder: Path, output: Path, **overrides) -> list[dict[str, str]]:
    """Run the bundle on a folder and return its report."""
    with suppress(SystemExit):  # some failed
        run(config_file=CONFIG, bundle_root=str(BUNDLE), dataset_dir=str(folder), output_dir=str(output), **overrides)
    with (output / "report.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def turned(pixels: np.ndarray, symmetry: tuple[int, bool]) -> np.ndarray:
    k, flip = symmetry
    return np.rot90(pixels[:, ::-1] if flip else pixels, k)


def assert_turns_with_the_file(pixels: np.ndarray, folder: Path, **overrides) -> None:
    """The mask of a turned or mirrored file is the turned or mirrored mask."""
    (folder / "in").mkdir()
    for symmetry in SYMMETRIES:
        Image.fromarray(turned(pixels, symmetry)).save(folder / "in" / f"{symmetry[0]}{symmetry[1]}.png")
    rows = segment(folder / "in", folder / "out", write_probability=True, write_overlay=False, **overrides)
    assert [row["status"] for row in rows] == ["done"] * 8
    upright = {kind: read(folder / "out" / f"0False_{kind}.png").astype(float) for kind in ("mask", "probability")}
    assert 0.02 < (upright["mask"] > 0).mean() < 0.3
    undecided = np.abs(upright["probability"] / 65535 - 0.5) < 1e-4
    for symmetry in SYMMETRIES:
        stem = f"{symmetry[0]}{symmetry[1]}"
        probability = read(folder / "out" / f"{stem}_probability.png").astype(float)
        mask = read(folder / "out" / f"{stem}_mask.png").astype(float)
        difference = np.abs(probability - turned(upright["probability"], symmetry)) / 65535
        assert difference.max() < 1e-4
        differs = mask != turned(upright["mask"], symmetry)
        assert not (differs & ~turned(undecided, symmetry)).any()


@pytest.mark.slow
@pytest.mark.parametrize("window", [1024, 160])
def test_mask_rotates_with_a_synthetic_photograph(tmp_path, window):
    pixels = synthetic_fundus((301, 280), seed=3).image
    assert_turns_with_the_file(pixels, tmp_path, window_size=window, working_diameter=233)


@pytest.mark.slow
@pytest.mark.parametrize("window", [1024, 352])
@pytest.mark.parametrize(
    "name", ["DRIVE/test/images/01_test.tif", "STARE/stare-images/im0077.ppm.gz", "CHASEDB1/Image_05L.jpg"]
)
def test_mask_rotates_with_a_real_photograph(shared_data, tmp_path, name, window):
    with (gzip.open if name.endswith(".gz") else open)(shared_data / name, "rb") as stream:
        pixels = np.asarray(Image.open(stream))
    assert_turns_with_the_file(pixels, tmp_path, window_size=window)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """A typical folder: good photographs of several kinds, and other files."""
    folder = tmp_path_factory.mktemp("mixed folder")
    photograph = Image.fromarray(synthetic_fundus((180, 170), seed=1).image)
    (folder / "left eye").mkdir()
    photograph.save(folder / "left eye" / "älter.JPG", format="JPEG")
    photograph.save(folder / "a.png")
    photograph.save(folder / "a.tif")
    deep = np.asarray(photograph.convert("L")).astype(np.uint16) * 200
    Image.fromarray(deep).save(folder / "deep.tif")
    (folder / "truncated.tif").write_bytes((folder / "a.tif").read_bytes()[:20000])
    (folder / "notes.png").write_text("no photograph")
    (folder / "readme.txt").write_text("no photograph")
    Image.new("RGB", (180, 170)).save(folder / "black.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph.save(folder / "sideways.jpg", exif=exif)
    return folder


def test_good_files_are_done_and_bad_ones_explained(mixed, tmp_path, capfd):
    rows = {row["file"]: row for row in segment(mixed, tmp_path / "out", write_probability=True)}
    status = {file: row["status"] for file, row in rows.items()}
    assert status == {
        "a.png": "done",
        "a.tif": "done",
        "black.png": "failed",
        "deep.tif": "done",
        "left eye/älter.JPG": "done",
        "notes.png": "failed",
        "readme.txt": "left out",
        "sideways.jpg": "done",
        "truncated.tif": "failed",
    }
    assert "blank" in rows["black.png"]["reason"]
    for file in ("notes.png", "truncated.tif"):
        assert rows[file]["reason"].startswith("cannot be read as an image")
    assert "Traceback" not in capfd.readouterr().err
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("[!.]*.*")}
    written = {name for name in written if not name.startswith(".")}
    names = ("a.png", "a.tif", "deep", "left eye/älter", "sideways")
    kinds = ("mask", "overlay", "probability")
    assert written == {f"{name}_{kind}.png" for name in names for kind in kinds} | REPORT
    for name in names:
        mask = read(tmp_path / "out" / f"{name}_mask.png")
        assert mask.shape == (170, 180)
        assert set(np.unique(mask)) <= {0, 255}
    np.testing.assert_array_equal(read(tmp_path / "out" / "a.png_mask.png"), read(tmp_path / "out" / "a.tif_mask.png"))
    with Image.open(tmp_path / "out" / "sideways_mask.png") as mask:
        assert mask.getexif()[0x0112] == 6


def test_nifti_output(mixed, tmp_path):
    photograph = tmp_path / "in" / "a.png"
    photograph.parent.mkdir()
    photograph.write_bytes((mixed / "a.png").read_bytes())
    segment(photograph.parent, tmp_path / "out", output_ext=".nii.gz", write_overlay=False)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a_mask.nii.gz", ".journal"} | REPORT


def test_folder_of_bad_files_alone_exits_with_a_status(mixed, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.png").write_text("no photograph")
    with pytest.raises(SystemExit) as stop:
        run(
            config_file=CONFIG,
            bundle_root=str(BUNDLE),
            dataset_dir=str(tmp_path / "in"),
            output_dir=str(tmp_path / "out"),
        )
    assert stop.value.code == 1
    assert "notes.png,failed" in (tmp_path / "out" / "report.csv").read_text(encoding="utf-8")


def test_a_list_instead_of_a_folder(mixed, tmp_path):
    (tmp_path / "list.csv").write_text(f"image,eye\n{mixed / 'a.png'},left\n{mixed / 'missing.png'},right\n")
    rows = segment(tmp_path / "list.csv", tmp_path / "out", write_overlay=False)
    assert [row["status"] for row in rows] == ["done", "failed"]
    assert read(tmp_path / "out" / "a_mask.png").shape == (170, 180)


def test_a_second_run_does_nothing_and_other_settings_do_all(mixed, tmp_path):
    folder, output = mixed / "left eye", tmp_path / "out"
    overlay, mask = output / "älter_overlay.png", output / "älter_mask.png"
    (row,) = segment(folder, output)
    written = mask.stat().st_mtime_ns
    assert segment(folder, output) == [row]
    assert mask.stat().st_mtime_ns == written
    assert overlay.is_file()
    (other,) = segment(folder, output, write_overlay=False, threshold=0.9)
    assert float(other["vessel_density"]) < float(row["vessel_density"])
    assert not overlay.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "change"),
    [
        ({"inferer#roi_size": 160}, "inferer#roi_size was @window_size and is now 160"),
        (
            {"transforms#working_resolution#tolerance": 0},
            "transforms#working_resolution#tolerance was absent and is now 0",
        ),
    ],
    ids=str,
)
def test_any_override_makes_results_again_and_the_log_names_it(mixed, tmp_path, override, change):
    folder, output = mixed / "left eye", tmp_path / "out"
    segment(folder, output)
    written = (output / "älter_mask.png").stat().st_mtime_ns
    segment(folder, output, **override)
    assert (output / "älter_mask.png").stat().st_mtime_ns > written
    assert change in (output / "log.txt").read_text()


def test_a_step_after_the_network_is_switched_off_by_its_name(mixed, tmp_path):
    folder, step = mixed / "left eye", "postprocessing_transforms#skeleton_length#_disabled_"
    (whole,), (row,) = segment(folder, tmp_path / "whole"), segment(folder, tmp_path / "out", **{step: True})
    assert int(whole.pop("skeleton_length_px")) > 0
    assert row.pop("skeleton_length_px") == ""
    assert {**row, "seconds": ""} == {**whole, "seconds": ""}
    for name in ("älter_mask.png", "älter_overlay.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_a_small_disc_in_a_large_frame(mixed, tmp_path):
    """The image is cropped to the field of view: the mask equals that of the disc alone, at its position."""
    with Image.open(mixed / "a.png") as photograph:
        frame = Image.new("RGB", (560, 450))
        frame.paste(photograph, (370, 40))
    folder = tmp_path / "in"
    folder.mkdir()
    frame.save(folder / "frame.png")
    (row,) = segment(folder, tmp_path / "out")
    mask = read(tmp_path / "out" / "frame_mask.png")
    assert mask.shape == (450, 560)
    assert mask[40:210, 370:550].any()
    mask = mask.copy()
    mask[40:210, 370:550] = 0
    assert not mask.any()
    assert row["status"] == "done"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"dataset_dir": "typo"}, "folder not found: typo"),
        ({"dataset_dir": "empty"}, "the folder empty has no files"),
        ({"dataset_dir": "photographs", "checkpoint": "typo.pt"}, "checkpoint: file not found: typo.pt"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(mixed, tmp_path, monkeypatch, capfd, overrides, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "photographs").symlink_to(mixed)
    told = mistake(capfd, run, config_file=CONFIG, bundle_root=str(BUNDLE), output_dir="out", **overrides)
    assert told.removeprefix("dataset_dir: ").startswith(sentence)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_command_runs_from_within_the_bundle(mixed, tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json"]
    command += ["--dataset_dir", str(mixed / "left eye"), "--output_dir", str(tmp_path)]
    result = subprocess.run(command, cwd=BUNDLE, capture_output=True, text=True, env=os.environ, timeout=300)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "älter_mask.png").is_file()

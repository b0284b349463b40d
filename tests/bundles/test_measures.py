"""Vessel measures from file to file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from monai.bundle import run
from PIL import Image

from sre_monai.io.tables import write_table
from sre_monai.retina import estimate_field_of_view, measure_vessels, synthetic_fundus
from tests.bundles.mistakes import mistake
from tests.bundles.test_inference import BUNDLE, CONFIG, SYMMETRIES, read, segment, turned
from tests.runs.folder.test_report_tables import read as read_table

SETTINGS = {"working_diameter": 150, "write_overlay": False, "measures": True, "write_segments": True}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph in all orientations, one with another size, and a list of them with sizes of pixels."""
    folder = tmp_path_factory.mktemp("photographs")
    pixels = synthetic_fundus((181, 170), seed=3).image
    for symmetry in SYMMETRIES:
        Image.fromarray(turned(pixels, symmetry)).save(folder / f"{symmetry[0]}{symmetry[1]}.png")
    (folder / "sub").mkdir()
    Image.fromarray(synthetic_fundus((160, 165), seed=4).image).save(folder / "sub" / "other.png")
    rows = [{"image": path.relative_to(folder).as_posix()} for path in sorted(folder.rglob("*.png"))]
    for row in rows[1:]:
        row["um_per_pixel"] = "12.5"
    write_table(folder / "list.csv", rows)
    return folder


@pytest.fixture(scope="module")
def results(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    segment(photographs / "list.csv", output, **SETTINGS)
    return output


def test_turned_and_mirrored_photographs_have_the_same_measures(results):
    rows = {row["file"]: row for row in read_table(results / "vessels.csv")}
    assert len(rows) == 9
    [upright, *others] = [rows[f"{k}{flip}.png"] for k, flip in SYMMETRIES]
    for row in others:
        in_pixels = {name for name in row if name != "file" and not name.endswith(("um", "mm", "mm2", "um_per_pixel"))}
        assert {name: row[name] for name in in_pixels} == {name: upright[name] for name in in_pixels}
    assert int(upright["segments"]) > 5
    assert rows["sub/other.png"]["segments"] != upright["segments"]


def test_measures_are_those_of_the_written_mask(photographs, results):
    rows = {row["file"]: row for row in read_table(results / "vessels.csv")}
    report = {row["file"]: row for row in read_table(results / "report.csv")}
    for file in ("0False.png", "sub/other.png"):
        mask = read(results / file.replace(".png", "_mask.png")).T > 0
        fov = estimate_field_of_view(read(photographs / file).T)[0].numpy()
        values = measure_vessels(mask, fov, 12.5).values
        assert float(rows[file]["length_px"]) == pytest.approx(values["length_px"], rel=1e-5)
        assert float(rows[file]["calibre_mean_px"]) == pytest.approx(values["calibre_mean_px"], rel=1e-5)
        assert report[file]["fractal_d0"] == rows[file]["fractal_d0"]
    assert rows["0False.png"]["um_per_pixel"] == ""  # the list doesn't tell
    assert float(rows["sub/other.png"]["length_mm"]) == pytest.approx(values["length_px"] * 0.0125, rel=1e-5)


def test_segments_of_all_photographs(results):
    segments = read_table(results / "segments.csv")
    for row in read_table(results / "vessels.csv"):
        lengths = [float(segment["length_px"]) for segment in segments if segment["file"] == row["file"]]
        assert len(lengths) == int(row["segments"])
        assert np.sum(lengths) == pytest.approx(float(row["length_px"]), rel=1e-4)


def test_a_resumed_run_writes_whole_tables(photographs, results):
    before = {name: (results / name).read_bytes() for name in ("vessels.csv", "segments.csv")}
    (results / "vessels.csv").unlink()
    (results / "sub" / "other_mask.png").unlink()
    (results / ".journal" / "segments" / "0False.csv").unlink()
    segment(photographs / "list.csv", results, **SETTINGS)
    assert {name: (results / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"um_per_pixel": 5}, "um_per_pixel has no effect without measures"),
        ({"write_segments": True}, "write_segments has no effect without measures"),
        ({"measures": True, "um_per_pixel": -1}, "um_per_pixel"),
    ],
)
def test_mistakes_are_one_sentence(photographs, tmp_path, capfd, option, sentence):
    arguments = {"config_file": CONFIG, "bundle_root": str(BUNDLE), "dataset_dir": str(photographs)}
    assert sentence in mistake(capfd, run, **arguments, output_dir=str(tmp_path / "out"), **option)
    assert not (tmp_path / "out").exists()

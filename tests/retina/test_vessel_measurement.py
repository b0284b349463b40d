import csv
import sys

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from sre_monai.retina import MeasureVesselsd, measure_vessels
from sre_monai.retina.vessel_measurement import MEASURES, SEGMENTS, check_measure_options


@pytest.fixture
def item():
    """A photograph with a cross of vessels, one arm of which leaves the field of view."""
    mask = torch.zeros(1, 60, 50, dtype=torch.bool)
    mask[0, 29:32, 5:45] = mask[0, 10:55, 24:27] = True
    fov = torch.ones(1, 60, 50)
    fov[:, 50:] = 0
    photograph = MetaTensor(torch.zeros(3, 60, 50), meta={"um_per_pixel": 4.0})
    return {"file": "sub/eye.png", "name": "sub/eye", "mask": mask, "photograph_fov": fov, "photograph": photograph}


def expected(item, um_per_pixel):
    return measure_vessels(item["mask"][0].numpy().T, item["photograph_fov"][0].numpy().T > 0, um_per_pixel)


def test_report_has_the_measures(item):
    result = MeasureVesselsd("mask")({**item, "report": {"quality": "dark"}})
    values, segments = expected(item, 4.0)
    assert result["report"]["quality"] == "dark"
    assert [name for name in result["report"] if name != "quality"] == list(MEASURES)
    for name, value in values.items():
        assert result["report"][name] == ("" if np.isnan(value) else pytest.approx(value, rel=1e-5))
    np.testing.assert_equal(result["measures"].values, values)
    assert result["measures"].segments.equals(segments)
    assert "outputs" not in result


@pytest.mark.parametrize(("option", "listed", "in_file", "used"), [(3, 5, 4, 3), (None, 5, 4, 5), (None, None, 4, 4)])
def test_pixel_size_of_the_option_then_the_list_then_the_file(item, option, listed, in_file, used):
    if listed:
        item["um_per_pixel"] = listed
    item["photograph"].meta["um_per_pixel"] = in_file
    assert MeasureVesselsd("mask", um_per_pixel=option)(item)["report"]["um_per_pixel"] == used


def test_what_is_unknown_or_undefined_is_empty(item):
    item["photograph"].meta["um_per_pixel"] = 0.0  # as readers say that it isn't known
    item["mask"] = torch.zeros_like(item["mask"])
    report = MeasureVesselsd("mask")(item)["report"]
    assert report["area_density"] == report["segments"] == 0
    assert all(report[name] == "" for name in MEASURES if name.endswith(("_um", "_mm")) or name == "tortuosity")


def test_segments_are_written(item, tmp_path):
    item["outputs"] = {"sub/eye_mask.png": 5}
    result = MeasureVesselsd("mask", output_dir=tmp_path)(item)
    [path] = tmp_path.rglob("*.csv")
    assert path == tmp_path / ".journal" / "segments" / "sub" / "eye.csv"
    assert result["outputs"] == {
        "sub/eye_mask.png": 5,
        path.relative_to(tmp_path).as_posix(): path.stat().st_size,
    }
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    segments = expected(item, 4.0).segments
    assert tuple(rows[0]) == SEGMENTS
    assert [row["segment"] for row in rows] == [str(n + 1) for n in range(len(segments))]
    assert {row["file"] for row in rows} == {"sub/eye.png"}
    assert {row["structure"] for row in rows} == {"vessel"}
    for column in segments.drop(columns="structure"):
        np.testing.assert_allclose([float(row[column]) for row in rows], segments[column], rtol=1e-5)


@pytest.mark.parametrize("value", [0, -1, "wide", float("nan"), True])
def test_a_pixel_size_is_a_positive_number(item, value):
    with pytest.raises(ValueError, match="um_per_pixel must be a positive number of micrometres"):
        MeasureVesselsd("mask", um_per_pixel=value)
    item["um_per_pixel"] = value
    with pytest.raises(ValueError, match="um_per_pixel must be a positive number of micrometres"):
        MeasureVesselsd("mask")(item)


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sre_monai.retina.measures.vessel_measures", None)
    with pytest.raises(ValueError, match=r"pip install 'sre-monai\[measure\]'"):
        MeasureVesselsd("mask")


@pytest.mark.parametrize(
    ("option", "um_per_pixel", "segments"), [("um_per_pixel", 5, False), ("write_segments", None, True)]
)
def test_options_without_effect_are_refused(option, um_per_pixel, segments):
    check_measure_options(True, um_per_pixel, segments)
    check_measure_options(False, None, False)
    with pytest.raises(ValueError, match=f"{option} has no effect without measures"):
        check_measure_options(False, um_per_pixel, segments)

"""A folder of DICOM, JPEG, TIFF and damaged files: the same masks and measures by every way, without names."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, uid

from sre_monai import VesselSegmenter
from sre_monai.retina import synthetic_fundus
from tests.bundles.toy import BUNDLE, config_files
from tests.io.dicom_toy import IDENTIFYING, PERSON, jpeg, write_compressed, write_jpeg, write_photograph

pytestmark = pytest.mark.slow

DAMAGED = ("cut.dcm", "cut.jpg", "report.dcm", "notes")
SAME_PIXELS = ("plain.dcm", "IM000001", "1.2.826.0.1.3680043.8", "several.dcm", "eye.tif")
LOSSY = ("camera.dcm", "camera.jpg")
DICOM = ("plain.dcm", "IM000001", "1.2.826.0.1.3680043.8", "several.dcm", "camera.dcm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    pixels = synthetic_fundus((112, 104), seed=3).image
    write_photograph(folder / "plain.dcm", pixels)
    write_compressed(folder / "IM000001", pixels, uid.JPEG2000Lossless, "pylibjpeg", PixelSpacing=[0.01, 0.02])
    write_compressed(folder / "1.2.826.0.1.3680043.8", pixels, uid.RLELossless, "pydicom", ImageLaterality="L")
    write_photograph(folder / "several.dcm", np.stack([pixels, pixels[::-1]]))
    write_jpeg(folder / "camera.dcm", pixels)
    (folder / "camera.jpg").write_bytes(jpeg(pixels))
    Image.fromarray(pixels).save(folder / "eye.tif")
    content = (folder / "plain.dcm").read_bytes()
    (folder / "cut.dcm").write_bytes(content[: len(content) // 2])
    (folder / "cut.jpg").write_bytes(jpeg(pixels)[:900])
    write_photograph(folder / "report.dcm", pixels, SOPClassUID=uid.EncapsulatedPDFStorage)
    (folder / "notes").write_text("not an image")
    return folder


def run(folder: Path, output: Path, *options: str, processes: int = 1) -> tuple[int, str]:
    """Run the bundle's command; its exit status, and what it printed."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    command = [sys.executable, *launcher, "-m", "monai.bundle", "run"]
    command += ["--config_file", *config_files("inference.json"), "--bundle_root", str(BUNDLE)]
    command += ["--dataset_dir", str(folder), "--output_dir", str(output)]
    command += ["--working_diameter", "100", "--device", "cpu", "--measures", "True", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def rows(output: Path, table: str = "report.csv") -> dict[str, dict[str, str]]:
    with (output / table).open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def masks(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("*_mask.png")}


def mask_of(output: Path, file: str) -> np.ndarray:
    stem = file.rpartition(".")[0] if file.endswith((".dcm", ".tif", ".jpg")) else file
    name = next(name for name in (f"{file}_mask.png", f"{stem}_mask.png") if (output / name).is_file())
    with Image.open(output / name) as image:
        return np.asarray(image) > 0


@pytest.fixture(scope="module")
def segmented(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    status, log = run(folder, output)
    assert status == 3, log[-3000:]
    assert "Traceback" not in log
    assert "pydicom" not in log
    assert "nvImageCodec" not in log
    return output, log


def test_every_photograph_is_segmented_and_every_other_file_explained(segmented):
    found = rows(segmented[0])
    assert {file for file, row in found.items() if row["status"] == "failed"} == set(DAMAGED)
    assert {file for file, row in found.items() if row["status"] == "done"} == {*SAME_PIXELS, *LOSSY}
    assert "pixels" in found["cut.dcm"]["reason"]
    assert "'Encapsulated PDF Storage' is not a photograph" in found["report.dcm"]["reason"]


def test_masks_of_the_same_pixels_are_the_same(segmented):
    expected = mask_of(segmented[0], "eye.tif")
    assert 0.005 < expected.mean() < 0.3
    for file in SAME_PIXELS:
        np.testing.assert_array_equal(mask_of(segmented[0], file), expected)


def test_a_jpeg_has_nearly_the_same_mask_in_dicom(segmented):
    assert (mask_of(segmented[0], "camera.dcm") != mask_of(segmented[0], "camera.jpg")).mean() < 0.01


def test_columns_and_notes(segmented):
    found = rows(segmented[0])
    assert [found["plain.dcm"][name] for name in ("laterality", "acquisition_date", "um_per_pixel", "reason")] == [
        "R",
        "2024-05-16",
        "6.5",
        "",
    ]
    assert found["several.dcm"]["reason"] == "the first of 2 frames was read"
    assert (found["IM000001"]["um_per_pixel"], "not isotropic" in found["IM000001"]["reason"]) == ("", True)
    assert found["1.2.826.0.1.3680043.8"]["laterality"] == "L"
    assert [found["eye.tif"][name] for name in ("laterality", "acquisition_date", "um_per_pixel")] == ["", "", ""]


def test_two_processes_make_the_same_masks_and_measures(segmented, folder, tmp_path):
    _, log = run(folder, tmp_path, processes=2)
    assert "Traceback" not in log.partition("torch/distributed")[0]
    assert masks(tmp_path) == masks(segmented[0])
    assert (tmp_path / "vessels.csv").read_bytes() == (segmented[0] / "vessels.csv").read_bytes()


def test_the_call_from_python_makes_the_same_masks_and_measures(segmented, folder):
    segmenter = VesselSegmenter(working_diameter=100, device="cpu", measures=True)
    measured = rows(segmented[0], "vessels.csv")
    for file in (*SAME_PIXELS, *LOSSY):
        result = segmenter.segment(folder / file)
        np.testing.assert_array_equal(result.mask, mask_of(segmented[0], file))
        row = rows(segmented[0])[file]
        assert result.note == row["reason"]
        assert str(result.quality["um_per_pixel"]) == row["um_per_pixel"]
        assert result.quality["laterality"] == row["laterality"]
        values = {"file": file, **result.quality, **result.measures}
        assert {name: str(values[name]) for name in measured[file]} == measured[file]
        assert len(result.segments) == int(measured[file]["segments"]) > 5
    for file in DAMAGED:
        with pytest.raises(ValueError, match="cannot be read as an image") as caught:
            segmenter.segment(folder / file)
        assert rows(segmented[0])[file]["reason"] in str(caught.value)


def test_results_name_nobody(segmented):
    assert not named(segmented[0])
    assert not [value for value in IDENTIFYING if value in segmented[1]]


def named(output: Path) -> list[tuple[str, str]]:
    """Files of a run that hold something of a person."""
    files = [path for path in output.rglob("*") if path.is_file()]
    return [(path.name, value) for path in files for value in IDENTIFYING if value.encode() in path.read_bytes()]


def test_dicom_segmentations(segmented, folder, tmp_path):
    status, log = run(folder, tmp_path, "--output_ext", ".dcm", "--write_probability", "True")
    assert status == 3, log[-3000:]
    found = rows(tmp_path)
    assert {file for file, row in found.items() if row["status"] == "done"} == set(DICOM)
    assert "is not DICOM, and results as .dcm have to refer to DICOM" in found["eye.tif"]["reason"]
    assert not named(tmp_path)
    for file in DICOM:
        name = file.removesuffix(".dcm") if file.endswith(".dcm") and file != "camera.dcm" else file
        path = tmp_path / f"{name}_mask.dcm"
        segmentation = highdicom.seg.segread(path)
        np.testing.assert_array_equal(segmentation.pixel_array, mask_of(segmented[0], file))
        source = dcmread(folder / file)
        assert segmentation.StudyInstanceUID == source.StudyInstanceUID
        reference = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert dcmread(tmp_path / f"{name}_probability.dcm").SegmentationType == "FRACTIONAL"


def test_identifiers_only_where_they_are_asked_for(folder, tmp_path):
    status, log = run(folder, tmp_path, "--output_ext", ".dcm", "--keep_identifiers", "True")
    assert status == 3, log[-3000:]
    assert dcmread(tmp_path / "plain_mask.dcm").PatientID == PERSON["PatientID"]
    assert {file for file, _ in named(tmp_path) if not file.endswith(".dcm")} == set()

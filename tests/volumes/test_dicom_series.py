"""DICOM series: a volume in patient coordinates, and a Segmentation that lies where it does."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from sre_monai.volumes import VolumeReader, list_volumes, read_series, write_series_segmentation
from tests.volumes.toy import smooth_noise, write_series

SIZE = (6, 9, 7)  # slices, rows, columns


@pytest.fixture
def values():
    return np.rint(smooth_noise(SIZE) * 2) / 2  # steps that the stored values can hold


def test_values_lie_where_the_standard_says(tmp_path, values):
    array, affine = read_series(write_series(tmp_path / "a", values), 10**6)
    slices = {}
    for path in (tmp_path / "a").iterdir():
        slice = pydicom.dcmread(path)
        slices[slice.InstanceNumber - 1] = slice
    for number, row, column in [(0, 0, 0), (5, 0, 0), (0, 8, 0), (0, 0, 6), (3, 2, 5)]:
        slice = slices[number]
        along_row, along_column = np.reshape(slice.ImageOrientationPatient, (2, 3)).astype(float)
        down, across = map(float, slice.PixelSpacing)  # PS3.3 C.7.6.2.1.1
        place = np.array(slice.ImagePositionPatient, float) + along_row * across * column + along_column * down * row
        index = np.linalg.solve(affine, [-place[0], -place[1], place[2], 1])[:3]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-3)
        assert array[tuple(np.rint(index).astype(int))] == pytest.approx(values[number, row, column])


def test_a_folder_is_one_volume_of_the_list(tmp_path, values):
    write_series(tmp_path / "patients" / "one", values)
    (tmp_path / "patients" / "one" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "patients" / "notes.nii").write_text("no volume")
    items = list_volumes(tmp_path / "patients")
    assert [(item["file"], item["name"]) for item in items] == [("notes.nii", "notes"), ("one", "one")]
    array, _ = VolumeReader().get_data([items[1]["image"]])
    assert sorted(array.shape) == sorted(SIZE)
    assert [item["name"] for item in list_volumes(tmp_path / "patients" / "one")] == ["one"]


def test_two_series_in_a_folder_are_refused(tmp_path, values):
    write_series(tmp_path / "a", values)
    for path in write_series(tmp_path / "b", values).iterdir():
        path.rename(tmp_path / "a" / f"other_{path.name}")
    with pytest.raises(ValueError, match="2 DICOM series; give each a folder of its own"):
        VolumeReader().get_data([tmp_path / "a"])


def test_a_missing_slice_is_refused(tmp_path, values):
    write_series(tmp_path / "a", values)
    (tmp_path / "a" / "slice_2.dcm").unlink()
    with pytest.raises(ValueError, match="cannot be read as a volume"):
        VolumeReader().get_data([tmp_path / "a"])


def test_one_slice_is_refused(tmp_path, values):
    write_series(tmp_path / "a", values[:1])
    with pytest.raises(ValueError, match="one slice"):
        VolumeReader().get_data([tmp_path / "a"])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no DICOM files"):
        VolumeReader().get_data([tmp_path])


@pytest.mark.parametrize("keep", [False, True])
def test_the_segmentation_lies_where_the_series_does(tmp_path, values, keep):
    from highdicom.seg import segread

    array, affine = read_series(write_series(tmp_path / "a", values), 10**6)
    labels = np.digitize(array, [45, 55])
    structures = {1: "grey", 2: "bright"}
    path = tmp_path / "labels.dcm"
    write_series_segmentation(path, tmp_path / "a", labels, affine, structures, keep_identifiers=keep)
    segmentation = segread(path)
    volume = segmentation.get_volume(combine_segments=True)
    to_ras = np.diag([-1, -1, 1, 1]) @ volume.affine
    for index in np.ndindex(labels.shape):
        theirs = np.rint(np.linalg.solve(to_ras, affine @ [*index, 1])[:3]).astype(int)
        assert volume.array[tuple(theirs)] == labels[index]
    assert [segment.SegmentLabel for segment in segmentation.SegmentSequence] == ["grey", "bright"]
    slices = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "a").iterdir()}
    referred = {
        str(image.ReferencedSOPInstanceUID)
        for series in segmentation.ReferencedSeriesSequence
        for image in series.ReferencedInstanceSequence
    }
    assert referred == slices
    assert str(segmentation.PatientName) == ("Doe^Jane" if keep else "")
    assert ("Doe" in path.read_bytes().decode("latin-1")) == keep

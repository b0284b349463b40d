"""Results lie on the volume's own grid, under its header."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import Compose, CopyItemsd, EnsureChannelFirstd, LoadImaged
from PIL import Image

from sre_monai.volumes import SaveLabelsd, VolumeReader
from tests.volumes.toy import AFFINE, smooth_noise, write, write_series

STRUCTURES = {1: "low", 2: "high"}
SIZE = (8, 9, 10)


def save(path, output, **options):
    """Segment by thresholds, and write the results."""
    load = Compose([
        LoadImaged("volume", reader=VolumeReader()),
        EnsureChannelFirstd("volume", channel_dim="no_channel"),
        CopyItemsd("volume", names="labels"),
    ])  # fmt: skip
    item = {**load({"volume": str(path)}), "name": "sub/a"}
    item["labels"] = (item["volume"] > 45).to(torch.uint8) + (item["volume"] > 55).to(torch.uint8)
    item["pred"] = torch.stack([item["volume"][0] / 100] * 3)
    return item, SaveLabelsd("labels", output, STRUCTURES, **options)(item)


def oblique():
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    return turn @ AFFINE @ np.diag([2, 1, -1.5, 1])


@pytest.mark.parametrize("affine", [AFFINE, np.diag([-1, -1, 1, 1]), oblique()], ids=["RAS", "LPS", "oblique"])
def test_the_header_of_a_nifti_file_is_kept(tmp_path, affine):
    image = nibabel.Nifti1Image(smooth_noise(SIZE), affine)
    image.set_sform(affine, code=4)
    image.set_qform(affine, code=1)
    image.header["descrip"] = b"a head"
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, tmp_path / "a.nii.gz")
    item, done = save(tmp_path / "a.nii.gz", tmp_path / "out", write_probability=True)
    labels = nibabel.load(tmp_path / "out" / "sub" / "a_labels.nii.gz")
    np.testing.assert_array_equal(np.asarray(labels.dataobj), item["labels"][0])
    assert labels.get_data_dtype() == np.uint8
    probability = nibabel.load(tmp_path / "out" / "sub" / "a_probability.nii.gz")
    assert probability.shape == (*SIZE, 2)
    assert probability.get_data_dtype() == np.float32
    for written in (labels, probability):
        for form in ("sform", "qform"):
            ours, theirs = (getattr(x.header, f"get_{form}")(coded=True) for x in (written, image))
            np.testing.assert_array_equal(ours[0], theirs[0])
            assert ours[1] == theirs[1]
        assert bytes(written.header["descrip"]).rstrip(b"\0") == b"a head"
        assert written.header.get_xyzt_units() == image.header.get_xyzt_units()
    names = {"sub/a_labels.nii.gz", "sub/a_probability.nii.gz", "sub/a_overlay.png"}
    assert done["outputs"] == {name: (tmp_path / "out" / name).stat().st_size for name in names}
    assert len(done["thumbnails"]) == 2
    with Image.open(tmp_path / "out" / "sub" / "a_overlay.png") as picture:
        assert picture.mode == "RGB"


def test_a_header_without_forms_stays_so(tmp_path):
    image = nibabel.Nifti1Image(smooth_noise(SIZE), None)
    image.header.set_zooms((1, 2, 3))
    nibabel.save(image, tmp_path / "a.nii")
    save(tmp_path / "a.nii", tmp_path / "out")
    written = nibabel.load(tmp_path / "out" / "sub" / "a_labels.nii.gz")
    np.testing.assert_array_equal(written.affine, nibabel.load(tmp_path / "a.nii").affine)


def test_big_endian_integers_with_a_slope(tmp_path):
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    image = nibabel.Nifti1Image(smooth_noise(SIZE), AFFINE, header)
    image.header.set_slope_inter(0.25, 4)
    nibabel.save(image, tmp_path / "a.nii")
    item, _ = save(tmp_path / "a.nii", tmp_path / "out")
    written = nibabel.load(tmp_path / "out" / "sub" / "a_labels.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), item["labels"][0])


def test_other_formats_become_nifti(tmp_path):
    save(write(tmp_path / "a.mgz", smooth_noise(SIZE)), tmp_path / "out", write_overlay=False)
    written = nibabel.load(tmp_path / "out" / "sub" / "a_labels.nii.gz")
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-6)
    assert not (tmp_path / "out" / "sub" / "a_overlay.png").exists()


def test_a_dicom_series_becomes_a_segmentation(tmp_path):
    from highdicom.seg import segread

    item, done = save(write_series(tmp_path / "a", smooth_noise(SIZE)), tmp_path / "out")
    assert set(done["outputs"]) == {"sub/a_labels.dcm", "sub/a_overlay.png"}
    volume = segread(tmp_path / "out" / "sub" / "a_labels.dcm").get_volume(combine_segments=True)
    assert [(volume.array == n).sum() for n in (1, 2)] == [int((item["labels"] == n).sum()) for n in (1, 2)]

"""Whatever nibabel reads becomes one volume; anything else is refused in one sentence."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import LoadImage

from sre_monai.volumes import VolumeReader
from tests.volumes.toy import AFFINE, smooth_noise, write

SIZE = (7, 9, 8)


def load(path):
    return LoadImage(reader=VolumeReader(), image_only=True)(str(path))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz", "a.mgh"])
def test_values_and_affine(tmp_path, name):
    values = smooth_noise(SIZE)
    volume = load(write(tmp_path / name, values))
    np.testing.assert_array_equal(volume.numpy(), values)
    np.testing.assert_allclose(volume.affine.numpy(), AFFINE, atol=1e-6)
    assert volume.dtype == torch.float32


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", "<i2", ">f4", np.float64, np.uint16])
def test_data_types_and_byte_orders(tmp_path, dtype):
    values = np.rint(smooth_noise(SIZE))
    header = nibabel.Nifti1Header(endianness=">" if str(dtype).startswith(">") else "<")
    header.set_data_dtype(dtype)
    nibabel.save(nibabel.Nifti1Image(values.astype(dtype), AFFINE, header), tmp_path / "a.nii")
    np.testing.assert_array_equal(load(tmp_path / "a.nii").numpy(), values)


def test_the_slope_of_stored_values_is_applied(tmp_path):
    image = nibabel.Nifti1Image(np.arange(504, dtype=np.int16).reshape(SIZE), AFFINE)
    image.header.set_slope_inter(0.25, -7)
    nibabel.save(image, tmp_path / "a.nii")
    stored = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj)
    np.testing.assert_allclose(load(tmp_path / "a.nii").numpy(), stored, atol=1e-5)
    assert not np.array_equal(stored, image.dataobj)


def test_a_header_without_a_form(tmp_path):
    image = nibabel.Nifti1Image(smooth_noise(SIZE), None)
    image.header.set_zooms((1, 2, 3))
    nibabel.save(image, tmp_path / "a.nii")
    volume = load(tmp_path / "a.nii")
    assert volume.pixdim.tolist() == [1, 2, 3]


def test_a_negative_spacing_in_the_header(tmp_path):
    path = write(tmp_path / "a.nii", smooth_noise(SIZE))
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(-1).tobytes()  # pixdim[1]
    path.write_bytes(content)
    np.testing.assert_allclose(load(path).affine.numpy(), AFFINE, atol=1e-6)


def test_shear_is_kept(tmp_path):
    affine = AFFINE.copy()
    affine[0, 1] = 0.3
    np.testing.assert_allclose(load(write(tmp_path / "a.nii", smooth_noise(SIZE), affine)).affine, affine, atol=1e-6)


@pytest.mark.parametrize("size", [(7, 9, 8, 1), (7, 9, 8, 1, 1)])
def test_one_frame_is_a_volume(tmp_path, size):
    values = smooth_noise(SIZE)
    np.testing.assert_array_equal(load(write(tmp_path / "a.nii", values.reshape(size))).numpy(), values)


def test_images_of_nibabel(tmp_path):
    values = smooth_noise(SIZE)
    volume, meta = VolumeReader().get_data(VolumeReader().read(nibabel.Nifti1Image(values, AFFINE)))
    np.testing.assert_array_equal(volume, values)
    np.testing.assert_array_equal(meta["affine"], AFFINE)


def with_value(value):
    values = smooth_noise(SIZE)
    values[1, 2, 3] = value
    return values


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (smooth_noise((7, 9, 8, 3)), "holds 3 volumes, 7×9×8×3; give one of them"),
        (smooth_noise((7, 9)), "no volume but a 2D image of 7×9"),
        (smooth_noise((7, 9, 1)), "no volume but a 2D image of 7×9×1"),
        (smooth_noise((7, 1, 9)), "no volume but a 2D image of 7×1×9"),
        (np.zeros((0, 9, 8), np.float32), "empty: 0×9×8"),
        (np.full(SIZE, 3, np.float32), "empty: all its voxels have the same value, 3"),
        (with_value(np.nan), "1 voxels that are not finite"),
        (with_value(-np.inf), "1 voxels that are not finite"),
        (smooth_noise(SIZE).astype(np.complex64), "several numbers each"),
        (np.zeros(SIZE, [("R", "u1"), ("G", "u1"), ("B", "u1")]), "several numbers each"),
    ],
    ids=["4D", "2D", "one slice", "one row", "no voxels", "constant", "NaN", "infinite", "complex", "colours"],
)
def test_what_is_no_volume_is_refused(tmp_path, values, sentence):
    path = write(tmp_path / "a.nii", values)
    assert sentence in refusal(path)
    assert refusal(path).startswith(str(path))


def refusal(path) -> str:
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        VolumeReader().get_data([str(path)])
    return str(error.value)


def test_larger_volumes_than_allowed_are_refused_by_their_header(tmp_path, monkeypatch):
    monkeypatch.setattr("sre_monai.volumes.reader.MAX_VOXELS", 500)
    assert "7×9×8 voxels are more than" in refusal(write(tmp_path / "a.nii", smooth_noise(SIZE)))


@pytest.mark.parametrize("content", [b"", b"no volume", bytes(400)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.nii").write_bytes(content)
    assert "cannot be read as a volume" in refusal(tmp_path / "a.nii")


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_files_are_refused(tmp_path, compressed):
    content = write(tmp_path / "whole.nii", smooth_noise(SIZE)).read_bytes()
    path = tmp_path / ("a.nii.gz" if compressed else "a.nii")
    path.write_bytes(gzip.compress(content)[:-300] if compressed else content[:-300])
    assert "cannot be read as a volume" in refusal(path)


def test_a_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "a.nii")


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.diag([1, np.nan, 1, 1])])
def test_affine_matrices_that_cannot_be_inverted(tmp_path, affine):
    path = write(tmp_path / "a.nii", smooth_noise(SIZE))
    content = bytearray(path.read_bytes())
    content[280:328] = affine[:3].astype(np.float32).tobytes()  # srow_x, srow_y, srow_z
    path.write_bytes(content)
    assert "affine matrix" in refusal(path)

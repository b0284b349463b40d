import nibabel
import numpy as np
import pytest

from sre_monai.volumes import draw_slices


def asymmetric(size=(20, 24, 16)):
    volume = np.random.default_rng(0).random(size)
    labels = np.zeros(size, np.uint8)
    labels[4:9, 6:12, 5:9] = 1
    labels[9:13, 12:15, 5:9] = 2
    return volume, labels


def test_the_picture_does_not_depend_on_the_order_of_the_axes():
    volume, labels = asymmetric()
    expected = draw_slices(volume, labels, np.eye(4))
    for codes in ("LPS", "AIR", "SRP"):
        target = nibabel.orientations.axcodes2ornt(codes)
        turned = [nibabel.orientations.apply_orientation(values, target) for values in (volume, labels)]
        affine = nibabel.orientations.inv_ornt_aff(target, volume.shape)
        for made, wanted in zip(draw_slices(*turned, affine), expected, strict=True):
            np.testing.assert_array_equal(made, wanted)


def test_structures_are_outlined_in_their_colours():
    volume, labels = asymmetric()
    plain, outlined = draw_slices(volume, labels, np.eye(4))
    assert (plain[..., 0] == plain[..., 1]).all()
    changed = (plain != outlined).any(axis=-1)
    assert 0 < changed.mean() < 0.2
    colours = {tuple(colour) for colour in np.unique(outlined[changed], axis=0).tolist()}
    assert colours == {(255, 165, 0), (86, 180, 233)}


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 1, 4)])
def test_proportions_follow_the_spacing(spacing):
    plain, _ = draw_slices(np.random.rand(20, 20, 20), np.zeros((20, 20, 20), int), np.diag([*spacing, 1]))
    width = plain.shape[1] - 8
    assert plain.shape[0] == 320
    assert width == pytest.approx(320 * (3 if spacing[2] == 1 else 0.25 + 0.25 + 1), abs=2)

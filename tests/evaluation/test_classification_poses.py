import numpy as np
import pytest
import torch
from scipy.ndimage import rotate as scipy_rotate

from sre_monai.evaluation import ImagePose, image_poses, pose_image
from tests.tolerances import assert_close


def test_poses_of_images_and_volumes():
    assert image_poses(2, [90, 45]) == [
        *(ImagePose("", angle) for angle in (0.0, 45.0, 90.0)),
        *(ImagePose(flip=flip) for flip in ("x", "y", "xy")),
    ]
    poses = image_poses(3, range(0, 360, 30))
    assert len(poses) == 3 * 12 + 7
    assert {pose.axis for pose in poses} == {"x", "y", "z", ""}
    with pytest.raises(ValueError, match="angles must be a list of numbers"):
        image_poses(2, ["north"])


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_turns_by_90_degrees_are_exact(size, padding):
    image, volume = torch.randn(2, 1, size, size), torch.randn(2, 1, size, size, size)
    for k in range(4):
        assert torch.equal(pose_image(image, ImagePose(angle=90.0 * k), padding=padding), image.rot90(k, (2, 3)))
        for axis, plane in (("x", (3, 4)), ("y", (2, 4)), ("z", (2, 3))):
            turned = pose_image(volume, ImagePose(axis, 90.0 * k), padding=padding)
            assert torch.equal(turned, volume.rot90(k, plane))


def test_flips():
    x = torch.randn(1, 1, 3, 4, 5)
    assert torch.equal(pose_image(x, ImagePose(flip="xz")), x.flip([2, 4]))


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_other_angles_against_scipy(axis):
    grid = np.stack(np.meshgrid(*[np.arange(21)] * 3, indexing="ij")) - np.array([8, 12, 10]).reshape(3, 1, 1, 1)
    smooth = np.exp(-(grid**2).sum(axis=0) / 4)  # nothing reaches the edge, which is another matter
    plane = [other for other in range(3) if other != "xyz".index(axis)]
    expected = scipy_rotate(smooth, 30, axes=plane, reshape=False, order=1)
    turned = pose_image(torch.from_numpy(smooth)[None, None], ImagePose(axis, 30.0), "bilinear")
    assert np.abs(turned[0, 0].numpy() - expected).max() < 1e-6
    assert np.abs(expected - smooth).max() > 0.1


def test_paddings_fill_the_corners_as_they_say():
    x = torch.ones(1, 1, 9, 9)
    assert pose_image(x, ImagePose(angle=45.0), padding="zeros")[0, 0, 0, 0] == 0
    assert_close(pose_image(x, ImagePose(angle=45.0), padding="reflect"), x)
    with pytest.raises(ValueError, match="padding must be one of zeros, reflect, got 'border'"):
        pose_image(x, ImagePose(), padding="border")

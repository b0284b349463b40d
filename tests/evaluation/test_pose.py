import numpy as np
import pytest
import torch
from scipy.ndimage import rotate as scipy_rotate

from sre_monai.evaluation import Pose, rotations
from sre_monai.transforms import GridSymmetry, grid_symmetries


def test_rotations_ascend_from_upright():
    assert rotations([350, 10, -10, 370]) == [Pose(0), Pose(10), Pose(350)]


@pytest.mark.parametrize("angles", [["north"], 30, [None], [float("nan")], [float("inf")]])
def test_angles_must_be_numbers(angles):
    with pytest.raises(ValueError, match="angles must be"):
        rotations(angles)


def test_properties_of_a_pose():
    mirror = GridSymmetry.mirror(3, [0, 2])
    assert (Pose(37).mirrored, Pose(symmetry=mirror).mirrored) == ("", "xz")
    poses = [Pose(), Pose(360), Pose(0, grid_symmetries(2)[0]), Pose(90), Pose(symmetry=mirror), Pose(45)]
    assert [pose.is_upright for pose in poses] == [True, True, True, False, False, False]
    assert [pose.is_exact for pose in poses] == [True, True, True, True, True, False]


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_multiples_of_90_degrees_are_exact_whatever_the_symmetry(k, size):
    x = torch.randn(2, *size)
    for symmetry in grid_symmetries(2):
        pose = Pose(90.0 * k, symmetry)
        posed = pose.apply(x, "bicubic", expand=True)
        assert torch.equal(posed, torch.rot90(symmetry.apply(x), k, (-2, -1)))
        assert torch.equal(pose.invert(posed, size, "bicubic"), x)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_all_symmetries_of_the_cube_and_quarter_rotations(axis):
    x = torch.randn(2, 4, 5, 7)
    plane = [other - 3 for other in range(3) if other != axis]
    for symmetry in grid_symmetries(3):
        pose = Pose(90, symmetry, axis)
        posed = pose.apply(x, expand=True)
        assert torch.equal(posed, torch.rot90(symmetry.apply(x), 1, plane))
        assert torch.equal(pose.invert(posed, (4, 5, 7)), x)


def test_flips():
    x = torch.randn(1, 1, 3, 4, 5)
    assert torch.equal(Pose(symmetry=GridSymmetry.mirror(3, [0, 2])).apply(x), x.flip([2, 4]))


@pytest.mark.parametrize("pose", [Pose(25), Pose(130, GridSymmetry.mirror(2, [0])), Pose(70, grid_symmetries(2)[5])])
def test_there_and_back_keeps_a_smooth_image(pose):
    x, y = torch.meshgrid(torch.linspace(-1, 1, 61), torch.linspace(-1, 1, 50), indexing="ij")
    image = torch.exp(-4 * (x - 0.2) ** 2 - 6 * (y + 0.1) ** 2)[None]
    back = pose.invert(pose.apply(image, "bicubic", expand=True), (61, 50), "bicubic")
    inside = (slice(None), slice(3, -3), slice(3, -3))
    assert (back - image)[inside].abs().max() < 0.01


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_other_angles_against_scipy(axis):
    grid = np.stack(np.meshgrid(*[np.arange(21)] * 3, indexing="ij")) - np.array([8, 12, 10]).reshape(3, 1, 1, 1)
    smooth = np.exp(-(grid**2).sum(axis=0) / 4)  # nothing reaches the edge
    plane = [other for other in range(3) if other != axis]
    expected = scipy_rotate(smooth, 30, axes=plane, reshape=False, order=1)
    posed = Pose(30, axis=axis).apply(torch.from_numpy(smooth)[None, None])
    assert np.abs(posed[0, 0].numpy() - expected).max() < 1e-6
    assert np.abs(expected - smooth).max() > 0.1

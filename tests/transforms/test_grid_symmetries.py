import numpy as np
import pytest
import torch

from sre_monai.transforms import GridSymmetry, grid_symmetries


@pytest.mark.parametrize(
    ("dims", "group", "number"),
    [
        (1, "all", 2),
        (2, "all", 8),
        (3, "all", 48),
        (2, "rotations", 4),
        (3, "rotations", 24),
        (2, "mirrors", 4),
        (3, "mirrors", 8),
    ],
)
def test_the_group_is_whole(dims, group, number):
    symmetries = grid_symmetries(dims, group)
    x = torch.arange(5**dims).reshape(1, *[5] * dims)
    results = {tuple(symmetry.apply(x).flatten().tolist()) for symmetry in symmetries}
    assert len(symmetries) == len(results) == len(set(map(str, symmetries))) == number
    assert torch.equal(symmetries[0].apply(x), x)
    for first in symmetries[:: max(1, number // 6)]:
        assert {tuple(first.apply(s.apply(x)).flatten().tolist()) for s in symmetries} == results


@pytest.mark.parametrize("size", [(4,), (3, 4), (2, 3, 4)])
def test_invert_undoes_apply(size):
    x = torch.randn(2, 3, *size)
    for symmetry in grid_symmetries(len(size)):
        assert torch.equal(symmetry.invert(symmetry.apply(x)), x)
        assert torch.equal(symmetry.apply(symmetry.invert(x)), x)


@pytest.mark.parametrize("size", [(4,), (4, 5), (2, 3, 4)])
def test_arrays_are_turned_like_tensors_and_points_like_their_array(size):
    x = np.arange(np.prod(size)).reshape(size)
    for symmetry in grid_symmetries(len(size)):
        turned = symmetry.apply(x)
        assert np.shares_memory(turned, x)
        np.testing.assert_array_equal(turned, symmetry.apply(torch.from_numpy(x)).numpy())
        np.testing.assert_array_equal(symmetry.invert(turned), x)
        points = np.argwhere(turned >= 0)
        before = symmetry.invert_points(points, turned.shape)
        np.testing.assert_array_equal(x[tuple(before.T)], turned[tuple(points.T)])


def test_those_of_the_square_are_the_known_ones():
    x = torch.arange(12).reshape(1, 3, 4)
    turned = [torch.rot90(image, k, (-2, -1)) for image in (x, x.flip(-2)) for k in range(4)]
    known = {tuple(image.flatten().tolist()) for image in turned}
    assert len(known) == 8
    assert {tuple(s.apply(x).flatten().tolist()) for s in grid_symmetries(2)} == known


@pytest.mark.parametrize("first", grid_symmetries(2))
@pytest.mark.parametrize("second", grid_symmetries(2))
def test_closed_under_composition(first, second):
    x = torch.rand(4, 5)
    both = second.apply(first.apply(x))
    assert sum(both.shape == y.shape and torch.equal(both, y) for y in (s.apply(x) for s in grid_symmetries(2))) == 1


def test_flip_and_identity():
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(GridSymmetry.mirror(3, [0, 2]).apply(x), x.flip([1, 3]))
    assert torch.equal(GridSymmetry().apply(x), x)
    assert torch.equal(GridSymmetry().invert(x), x)
    assert [s.is_identity for s in (GridSymmetry(), GridSymmetry.mirror(2, []), GridSymmetry.mirror(2, [1]))] == [
        True,
        True,
        False,
    ]
    assert sum(s.is_identity for s in grid_symmetries(3)) == 1


def test_rotations_rotate_a_volume_about_its_axes():
    x = torch.arange(27).reshape(3, 3, 3)
    rotations = {tuple(s.apply(x).flatten().tolist()) for s in grid_symmetries(3, "rotations")}
    for axes in ((0, 1), (1, 2), (0, 2)):
        assert tuple(torch.rot90(x, 1, axes).flatten().tolist()) in rotations
    assert tuple(x.flip(0).flatten().tolist()) not in rotations


def test_unknown_group_is_named():
    with pytest.raises(ValueError, match=r"group must be one of .*'turns'"):
        grid_symmetries(2, "turns")

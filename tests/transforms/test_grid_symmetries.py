import pytest
import torch

from sre_monai.transforms import SYMMETRIES, apply_symmetry, grid_symmetries


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


def test_those_of_the_square_are_the_known_ones():
    x = torch.arange(12).reshape(1, 3, 4)
    known = {tuple(apply_symmetry(x, symmetry).flatten().tolist()) for symmetry in SYMMETRIES}
    assert {tuple(s.apply(x).flatten().tolist()) for s in grid_symmetries(2)} == known


def test_rotations_turn_a_volume_about_its_axes():
    x = torch.arange(27).reshape(3, 3, 3)
    rotations = {tuple(s.apply(x).flatten().tolist()) for s in grid_symmetries(3, "rotations")}
    for axes in ((0, 1), (1, 2), (0, 2)):
        assert tuple(torch.rot90(x, 1, axes).flatten().tolist()) in rotations
    assert tuple(x.flip(0).flatten().tolist()) not in rotations


def test_unknown_group_is_named():
    with pytest.raises(ValueError, match=r"group must be one of .*'turns'"):
        grid_symmetries(2, "turns")

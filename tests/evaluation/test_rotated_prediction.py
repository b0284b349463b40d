from __future__ import annotations

import pytest
import torch

from sre_monai.evaluation import Pose, predict_in_pose
from tests.evaluation.poses import EXACT
from tests.tolerances import assert_close


def disc(width: int, height: int, radius: float) -> torch.Tensor:
    x, y = torch.arange(width)[:, None] - (width - 1) / 2, torch.arange(height) - (height - 1) / 2
    return (x**2 + y**2 < radius**2)[None]


@pytest.mark.parametrize("size", [(33, 40), (40, 33), (36, 36)])
def test_predicting_in_a_pose_is_exact_at_all_symmetries(equivariant, other, size):
    image, fov = torch.randn(3, *size), disc(*size, 15)
    for pose in EXACT:
        assert_close(predict_in_pose(equivariant, image * fov, fov, pose), equivariant((image * fov)[None])[0])
    differs = [predict_in_pose(other, image * fov, fov, pose) - other((image * fov)[None])[0] for pose in EXACT[1:]]
    assert min(difference.abs().max() for difference in differs) > 0.05


@pytest.mark.parametrize("angle", [10, 45, 200])
@pytest.mark.parametrize("radius", [20, 40])
def test_predicting_in_a_pose_sees_the_whole_field_of_view(angle, radius):
    size = (61, 56)
    fov = disc(*size, radius)
    smooth = torch.nn.functional.avg_pool2d(torch.rand(1, *size), 9, stride=1, padding=4)
    seen = []

    def infer(images: torch.Tensor) -> torch.Tensor:
        seen.append(images[0])
        return images

    back = predict_in_pose(infer, smooth * fov, fov, Pose(float(angle)))
    core = disc(*size, radius - 4)
    core[:, [0, 1, 2, -3, -2, -1]] = core[:, :, [0, 1, 2, -3, -2, -1]] = False
    assert (back - smooth)[core].abs().max() < 0.02
    # the canvas is no larger than the field of view needs, and centred
    assert max(seen[0].shape[1:]) <= max(61, 2 * min(radius, 42) + 2 + 32)
    assert [(n - m) % 2 for n, m in zip(seen[0].shape[1:], size)] == [0, 0]

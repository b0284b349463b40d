from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import rotate as skimage_rotate

from sre_monai.evaluation import Pose, make_poses, predict_turned, published_scores, turn, turn_back
from sre_monai.metrics import compute_pixel_roc_auc
from sre_monai.networks.nets import SREUNet
from tests.tolerances import assert_close

EXACT = [Pose(90.0 * k, flip) for flip in (False, True) for k in range(4)]


def disc(width: int, height: int, radius: float) -> torch.Tensor:
    x, y = torch.arange(width)[:, None] - (width - 1) / 2, torch.arange(height) - (height - 1) / 2
    return (x**2 + y**2 < radius**2)[None]


@pytest.fixture
def equivariant():
    network = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=5).eval()
    return lambda image: torch.sigmoid(40 * network(image[None])[0, :1].detach())


@pytest.fixture
def other():
    network = torch.nn.Conv2d(3, 1, 3, padding=1)
    return lambda image: torch.sigmoid(4 * network(image[None])[0].detach())


def test_poses_are_turns_from_upright_and_four_mirror_images():
    poses = make_poses([350, 10, -10, 370])
    assert poses == [Pose(0), Pose(10), Pose(350), *(Pose(a, flip=True) for a in (0, 90, 180, 270))]


@pytest.mark.parametrize("angles", [["north"], 30, [None], [float("nan")], [float("inf")]])
def test_angles_must_be_numbers(angles):
    with pytest.raises(ValueError, match="angles must be"):
        make_poses(angles)


@pytest.mark.parametrize("pose", EXACT)
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_poses_at_90_degrees_are_the_symmetries(pose, size):
    x = torch.randn(2, *size)
    turned = turn(x, pose, "bicubic", expand=True)
    assert torch.equal(turned, torch.rot90(x.flip(-2) if pose.flip else x, int(pose.angle // 90), (-2, -1)))
    assert torch.equal(turn_back(turned, pose, size, "bicubic"), x)


@pytest.mark.parametrize("pose", [Pose(25), Pose(130, flip=True)])
def test_turning_there_and_back_keeps_a_smooth_image(pose):
    x, y = torch.meshgrid(torch.linspace(-1, 1, 61), torch.linspace(-1, 1, 50), indexing="ij")
    image = torch.exp(-4 * (x - 0.2) ** 2 - 6 * (y + 0.1) ** 2)[None]
    back = turn_back(turn(image, pose, "bicubic", expand=True), pose, (61, 50), "bicubic")
    inside = (slice(None), slice(3, -3), slice(3, -3))
    assert (back - image)[inside].abs().max() < 0.01


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("flip", [False, True])
def test_published_scores_against_an_independent_rotation(flip):
    label = (torch.rand(1, 40, 40) < 0.3).float()
    image = (label + 0.7 * torch.randn(1, 40, 40)).clamp(0, 1)
    pose = Pose(33.0, flip)
    ((of, scores),) = published_scores(lambda x: x**2, image, label, [pose], threshold=0.3)
    upright = [(v[0].flip(0) if flip else v[0]).double().numpy() for v in (image, label)]
    turned_image, turned_label = (skimage_rotate(v, 33.0, order=0) for v in upright)
    assert of == pose
    assert scores["dice"] == pytest.approx(dice(turned_image**2 >= 0.3, turned_label > 0), abs=1e-6)
    auc = compute_pixel_roc_auc(torch.from_numpy(turned_image).float() ** 2, torch.from_numpy(turned_label))
    assert scores["auc"] == pytest.approx(auc, abs=1e-6)
    # this "network" works pixel by pixel and commutes with any rotation: it reaches its ceiling
    assert scores["ceiling_dice"] == pytest.approx(scores["dice"], abs=1e-9)
    assert scores["ceiling_auc"] == pytest.approx(scores["auc"], abs=1e-9)


def test_published_scores_are_the_same_at_all_symmetries(equivariant):
    image, label = torch.randn(3, 34, 34), (torch.rand(1, 34, 34) < 0.3).float()
    scores = [scores for _, scores in published_scores(equivariant, image, label, EXACT)]
    assert 0.05 < scores[0]["dice"] < 0.95
    for name in ("dice", "auc", "ceiling_dice", "ceiling_auc"):
        assert max(abs(s[name] - scores[0][name]) for s in scores) < 1e-6


def test_a_network_that_is_not_equivariant_shows(other):
    image, label = torch.randn(3, 34, 34), (torch.rand(1, 34, 34) < 0.3).float()
    scores = [scores for _, scores in published_scores(other, image, label, EXACT)]
    for name in ("dice", "auc"):
        assert max(abs(s[name] - scores[0][name]) for s in scores[1:]) > 1e-3
        assert max(abs(s[f"ceiling_{name}"] - scores[0][name]) for s in scores) < 1e-9


def test_scores_without_vessels_are_undefined():
    ((_, scores),) = published_scores(torch.sigmoid, torch.rand(1, 8, 8), torch.zeros(1, 8, 8), [Pose(0)])
    assert all(np.isnan(score) for score in scores.values())


@pytest.mark.parametrize("size", [(33, 40), (40, 33), (36, 36)])
def test_predicting_turned_is_exact_at_all_symmetries(equivariant, other, size):
    image, fov = torch.randn(3, *size), disc(*size, 15)
    for pose in EXACT:
        assert_close(predict_turned(equivariant, image * fov, fov, pose), equivariant(image * fov))
    differs = [predict_turned(other, image * fov, fov, pose) - other(image * fov) for pose in EXACT[1:]]
    assert min(difference.abs().max() for difference in differs) > 0.05


@pytest.mark.parametrize("angle", [10, 45, 200])
@pytest.mark.parametrize("radius", [20, 40])
def test_predicting_turned_sees_the_whole_field_of_view(angle, radius):
    size = (61, 56)
    fov = disc(*size, radius)
    smooth = torch.nn.functional.avg_pool2d(torch.rand(1, *size), 9, stride=1, padding=4)
    seen = []

    def infer(image: torch.Tensor) -> torch.Tensor:
        seen.append(image)
        return image

    back = predict_turned(infer, smooth * fov, fov, Pose(float(angle)))
    core = disc(*size, radius - 4)
    core[:, [0, 1, 2, -3, -2, -1]] = core[:, :, [0, 1, 2, -3, -2, -1]] = False
    assert (back - smooth)[core].abs().max() < 0.02
    # the canvas is no larger than the field of view needs, and centred
    assert max(seen[0].shape[1:]) <= max(61, 2 * min(radius, 42) + 2 + 32)
    assert [(n - m) % 2 for n, m in zip(seen[0].shape[1:], size)] == [0, 0]

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import rotate as skimage_rotate

from sre_monai.evaluation import Pose
from sre_monai.metrics import compute_pixel_roc_auc
from sre_monai.retina import SEGMENTATION_PROTOCOLS, segmentation_protocols
from sre_monai.transforms import GridSymmetry
from tests.evaluation.poses import EXACT, MIRROR


def published_scores(infer, image, label, poses, threshold=0.5) -> list[dict[str, float]]:
    """Scores of one image whose "logits" are probabilities already."""
    (protocol,) = segmentation_protocols(["published"], [], dict, dict, image.shape[-1], threshold)
    protocol.poses = poses
    return list(protocol.scores(infer, {"image": image, "working_label": label}))


def test_poses_are_rotations_from_upright_and_four_flips():
    (protocol,) = segmentation_protocols(["published"], [350, 10, -10, 370], dict, dict)
    assert protocol.poses == [Pose(0), Pose(10), Pose(350), *(Pose(a, MIRROR) for a in (0, 90, 180, 270))]


@pytest.mark.parametrize("names", [[], "published", ["published", "other"]])
def test_names_are_checked(names):
    with pytest.raises(ValueError, match="protocols must be a list of one or more of published, turned_back"):
        segmentation_protocols(names, [], dict, dict)


def test_angles_are_checked():
    for angles in (["north"], 30):
        with pytest.raises(ValueError, match="angles must be"):
            segmentation_protocols(["published"], angles, dict, dict)


def test_protocols_are_selected_by_name():
    protocols = segmentation_protocols(list(SEGMENTATION_PROTOCOLS), [], dict, dict)
    assert [protocol.name for protocol in protocols] == list(SEGMENTATION_PROTOCOLS)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("flip", [False, True])
def test_published_scores_against_an_independent_rotation(flip):
    label = (torch.rand(1, 40, 40) < 0.3).float()
    image = (label + 0.7 * torch.randn(1, 40, 40)).clamp(0, 1)
    pose = Pose(33.0, MIRROR if flip else GridSymmetry())
    (scores,) = published_scores(lambda x: x**2, image, label, [pose], threshold=0.3)
    upright = [(v[0].flip(0) if flip else v[0]).double().numpy() for v in (image, label)]
    turned_image, turned_label = (skimage_rotate(v, 33.0, order=0) for v in upright)
    assert scores["dice"] == pytest.approx(dice(turned_image**2 >= 0.3, turned_label > 0), abs=1e-6)
    auc = compute_pixel_roc_auc(torch.from_numpy(turned_image).float() ** 2, torch.from_numpy(turned_label))
    assert scores["auc"] == pytest.approx(auc, abs=1e-6)
    # this pixelwise "network" commutes with any rotation and reaches the ceiling
    assert scores["ceiling_dice"] == pytest.approx(scores["dice"], abs=1e-9)
    assert scores["ceiling_auc"] == pytest.approx(scores["auc"], abs=1e-9)


def test_published_scores_are_the_same_at_all_symmetries(equivariant):
    image, label = torch.randn(3, 34, 34), (torch.rand(1, 34, 34) < 0.3).float()
    scores = published_scores(equivariant, image, label, EXACT)
    assert 0.05 < scores[0]["dice"] < 0.95
    for name in ("dice", "auc", "ceiling_dice", "ceiling_auc"):
        assert max(abs(s[name] - scores[0][name]) for s in scores) < 1e-6


def test_a_network_that_is_not_equivariant_shows(other):
    image, label = torch.randn(3, 34, 34), (torch.rand(1, 34, 34) < 0.3).float()
    scores = published_scores(other, image, label, EXACT)
    for name in ("dice", "auc"):
        assert max(abs(s[name] - scores[0][name]) for s in scores[1:]) > 1e-3
        assert max(abs(s[f"ceiling_{name}"] - scores[0][name]) for s in scores) < 1e-9


def test_scores_without_vessels_are_undefined():
    (scores,) = published_scores(torch.sigmoid, torch.rand(1, 8, 8), torch.zeros(1, 8, 8), [Pose(0)])
    assert all(np.isnan(score) for score in scores.values())

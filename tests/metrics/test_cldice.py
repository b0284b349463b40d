from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.morphology import skeletonize

from sre_monai.metrics.cldice import ClDiceMetric, compute_cldice
from tests.tolerances import assert_close


def blobs(*shape: int) -> torch.Tensor:
    """Random binary maps with structures a few pixels wide."""
    noise = torch.randn(*shape)
    pool = torch.nn.functional.avg_pool2d if len(shape) == 4 else torch.nn.functional.avg_pool3d
    return (pool(noise, 5, stride=1, padding=2) > 0.1).float()


def reference(prediction: np.ndarray, label: np.ndarray) -> float:
    """The definition, evaluated pixel by pixel."""
    hits = {"precision": [0, 0], "sensitivity": [0, 0]}
    for name, one, other in (("precision", prediction, label), ("sensitivity", label, prediction)):
        skeleton = skeletonize(one.astype(bool))
        for index in np.ndindex(*one.shape):
            if skeleton[index]:
                hits[name][0] += bool(other[index])
                hits[name][1] += 1
    precision, sensitivity = (hit / total for hit, total in hits.values())
    return 2 * precision * sensitivity / (precision + sensitivity)


@pytest.mark.parametrize("size", [(40, 33), (14, 15, 16)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bool])
def test_against_the_definition(size, dtype):
    y_pred, y = blobs(2, 3, *size), blobs(2, 3, *size)
    expected = [[reference(p.numpy(), t.numpy()) for p, t in zip(*item, strict=True)] for item in zip(y_pred, y)]
    assert_close(compute_cldice(y_pred.to(dtype), y.to(dtype)), torch.tensor(expected))


def test_cut_vessel():
    y = torch.zeros(1, 1, 20, 9)
    y[..., :, 4] = 1  # one pixel wide, 20 long: its own skeleton
    y_pred = y.clone()
    y_pred[..., 5:10, :] = 0  # 15 of 20 pixels are left
    assert compute_cldice(y_pred, y).item() == pytest.approx(2 * 1 * 0.75 / 1.75)


def test_shifted_vessel():
    y = torch.zeros(1, 1, 20, 9)
    y[..., :, 3] = 1
    y_pred = y.roll(1, dims=-1)
    assert compute_cldice(y_pred, y).item() == 0
    # vessels three pixels wide contain each other's centerline when shifted by one pixel, but not by two
    wide = y + y.roll(-1, dims=-1) + y.roll(1, dims=-1)
    assert compute_cldice(wide.roll(1, dims=-1), wide).item() == 1
    assert compute_cldice(wide.roll(2, dims=-1), wide).item() == 0


def test_mask_is_applied_before_the_skeleton():
    y_pred, y, mask = blobs(2, 1, 30, 31), blobs(2, 1, 30, 31), torch.zeros(2, 1, 30, 31)
    mask[..., 5:20, 6:30] = 1
    expected = [reference((p * m).numpy(), (t * m).numpy()) for p, t, m in zip(y_pred[:, 0], y[:, 0], mask[:, 0])]
    assert_close(compute_cldice(y_pred, y, mask), torch.tensor(expected)[:, None])
    assert torch.equal(compute_cldice(y_pred, y, mask[:1].bool()), compute_cldice(y_pred, y, mask))


@pytest.mark.parametrize(
    ("prediction", "label", "ignore_empty", "expected"),
    [(0, 0, True, math.nan), (1, 0, True, math.nan), (0, 0, False, 1), (1, 0, False, 0), (0, 1, True, 0)],
)
def test_empty_maps_count_as_in_monai_dice(prediction, label, ignore_empty, expected):
    from monai.metrics import compute_dice

    y_pred, y = torch.full((1, 1, 8, 8), prediction), torch.full((1, 1, 8, 8), label)
    score = compute_cldice(y_pred, y, ignore_empty=ignore_empty).item()
    assert score == pytest.approx(expected, nan_ok=True)
    assert score == pytest.approx(compute_dice(y_pred, y, ignore_empty=ignore_empty).item(), nan_ok=True)


def test_map_without_a_skeleton_counts_as_empty():
    cube, line = torch.zeros(1, 1, 6, 6, 6), torch.zeros(1, 1, 6, 6, 6)
    cube[..., 2:4, 2:4, 2:4] = 1
    line[..., 2, 2] = 1
    assert math.isnan(compute_cldice(line, cube).item())
    assert compute_cldice(cube, line).item() == 0


def test_background_is_left_out():
    y_pred, y = blobs(2, 3, 20, 20), blobs(2, 3, 20, 20)
    scores = compute_cldice(y_pred, y, include_background=False)
    assert torch.equal(scores, compute_cldice(y_pred[:, 1:], y[:, 1:]))


def test_wrong_shapes():
    with pytest.raises(ValueError, match="same shape"):
        compute_cldice(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 9))
    with pytest.raises(ValueError, match=r"needs maps of shape"):
        compute_cldice(torch.zeros(1, 1, 8), torch.zeros(1, 1, 8))


def test_metric_collects():
    y_pred, y = blobs(3, 2, 20, 20), blobs(3, 2, 20, 20)
    y[0, 1] = 0
    expected = compute_cldice(y_pred, y)
    assert expected.isnan().sum() == 1
    metric = ClDiceMetric(get_not_nans=True)
    metric(y_pred=y_pred[:1], y=y[:1])
    metric(y_pred=list(y_pred[1:]), y=list(y[1:]))
    score, count = metric.aggregate()
    assert_close(score.squeeze(), expected.nanmean(dim=1).mean())
    assert count.item() == 3
    scores, _ = metric.aggregate(reduction="none")
    torch.testing.assert_close(scores, expected, equal_nan=True)
    metric.reset()
    with pytest.raises(ValueError, match="nothing to aggregate"):
        metric.aggregate()


def test_metric_ignores_an_index():
    y_pred, y, fov = blobs(1, 1, 30, 30), blobs(1, 1, 30, 30), torch.ones(1, 1, 30, 30)
    fov[..., :12] = 0
    score = ClDiceMetric(ignore_index=255)(y_pred=y_pred, y=torch.where(fov > 0, y, 255))
    assert torch.equal(score, compute_cldice(y_pred, y, fov))

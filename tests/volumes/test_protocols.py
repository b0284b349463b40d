"""Scores under rotation: an equivariant prediction keeps its scores, another does not."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import nn

from sre_monai.volumes import VolumeRotation, VolumeScoreTable
from tests.volumes.toy import smooth_noise

STRUCTURES = {1: "low", 2: "high"}


def postprocessing(data):
    return {**data, "pred": data["pred"].softmax(0)}


class Thresholds(nn.Module):
    """Classes by brightness, which no turn changes; with `shift`, of the neighbour along an axis."""

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x):
        x = x.roll(self.shift, 2)
        return torch.cat([torch.full_like(x, 0.0), x - 45, 2 * x - 105], dim=1)


def engine(network):
    """An evaluator after the iteration of one volume."""
    values = torch.tensor(smooth_noise((15, 16, 18)))[None]
    logits = network(values[None])[0]
    label = Thresholds()(values[None])[0].argmax(0, keepdim=True)
    item = {
        "image": MetaTensor(values, meta={"filename_or_obj": "a.nii"}),
        "label": MetaTensor(label),
        "pred": postprocessing({"pred": MetaTensor(logits)})["pred"],
    }
    state = SimpleNamespace(batch=[{}], output=[item])
    return SimpleNamespace(
        state=state,
        network=network,
        amp=False,
        inferer=lambda images, net: net(images),
        mode=lambda net: nullcontext(),
    )


def run(protocol, network):
    protocol.reset()
    steps = sum(1 for _ in protocol.collect(engine(network)))
    return steps, protocol.summarize()


def test_the_table():
    protocol = VolumeScoreTable(STRUCTURES)
    _, summary = run(protocol, Thresholds())
    assert summary["num_images"] == 1
    assert summary["scores"]["low_dice"]["mean"] == 1
    assert summary["scores"]["high_hd95"]["mean"] == 0
    assert protocol.rows()[0]["image"] == "a.nii"
    assert "low_dice" in protocol.describe(summary)


def test_an_equivariant_network_keeps_its_scores():
    protocol = VolumeRotation(STRUCTURES, postprocessing, angles=[30, 90, 180], random_axes=2)
    steps, summary = run(protocol, Thresholds())
    assert steps == len(protocol.poses) == 1 + 3 * 3 + 2 * 3 + 48
    assert summary["changed_by_symmetries"] == 0
    assert summary["angles"] == [0, 30, 90, 180]
    assert list(summary["rotation"]) == ["x", "y", "z", "random"]
    for axis, scores in summary["rotation"].items():
        for score in ("low_dice", "high_dice"):
            assert scores[score]["upright"] == 1, axis
            assert scores[score]["mean"] > 0.75, axis
            assert 0.9 < scores[f"resampled_{score}"]["mean"] < 1, axis
    exact = [row for row in protocol.rows() if row["axis"] in "xyz" and row["angle"] in (90, 180)]
    assert [row["changed"] for row in exact] == [0] * 6
    assert "voxels changed by a symmetry of the grid, at most: 0" in protocol.describe(summary)


def test_another_network_does_not():
    protocol = VolumeRotation(STRUCTURES, postprocessing, angles=[90], random_axes=0)
    _, summary = run(protocol, Thresholds(shift=2))
    assert summary["changed_by_symmetries"] > 100
    about_x, about_z = (summary["rotation"][axis]["low_dice"] for axis in "xz")
    assert about_x["std"] == pytest.approx(0)  # the shift is along x
    assert about_z["std"] > 1e-3
    np.testing.assert_allclose(summary["rotation"]["z"]["resampled_low_dice"]["worst"], about_z["upright"])


def test_curves_name_each_axis():
    protocol = VolumeRotation(STRUCTURES, postprocessing, angles=[90], random_axes=1, symmetries=False)
    run(protocol, Thresholds())
    curves = protocol.curves()
    assert list(curves) == [("rotation_low.png", "Dice"), ("rotation_high.png", "Dice")]
    assert list(curves[("rotation_low.png", "Dice")]) == ["x", "y", "z", "random", "upright, turned"]
    assert list(curves[("rotation_low.png", "Dice")]["random"]) == [0, 90]


def test_angles_are_checked():
    with pytest.raises(ValueError, match="angles must be finite"):
        VolumeRotation(STRUCTURES, postprocessing, angles=[float("inf")])

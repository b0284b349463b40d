from __future__ import annotations

import pytest

from sre_monai.evaluation import Pose, RotationTable, check_protocols
from sre_monai.metrics import VESSEL_SCORES
from tests.evaluation.toy import SIGMOID, evaluator, items


def table(folder, **kwargs) -> RotationTable:
    settings = {"angles": [20, 90], "crop_size": 20} | kwargs
    return RotationTable(folder, activation=SIGMOID, postprocessing=SIGMOID, **settings)


def test_a_pointwise_network_is_equivariant(tmp_path):
    rotation = table(tmp_path)
    evaluator(items(), rotation).run()
    protocols = rotation.summarize()["protocols"]
    assert list(protocols["published"]) == ["dice", "auc", "ceiling_dice", "ceiling_auc"]
    assert list(protocols["turned_back"]) == [*VESSEL_SCORES, "consistency"]
    for scores in protocols.values():
        assert all(figures["symmetry_deviation"] < 1e-9 for figures in scores.values())
    # it commutes with nearest-neighbour turns by any angle: the ceiling at each pose
    for row in rotation.rows:
        if row["protocol"] == "published" and row["angle"] % 90 == 0:
            assert row["dice"] == pytest.approx(row["ceiling_dice"])
    turned = [row for row in rotation.rows if row["protocol"] == "turned_back" and row["angle"] == 20]
    assert all(0.5 < row["consistency"] < 1 for row in turned)  # noise does not survive interpolation


def test_mirror_images_follow_the_angles(tmp_path):
    rotation = table(tmp_path, angles=[20])
    assert rotation.poses == [Pose(0), Pose(20), *(Pose(90.0 * k, flip=True) for k in range(4))]


def test_a_second_run_starts_anew(tmp_path):
    rotation = table(tmp_path, angles=[], protocols=["published"])
    engine = evaluator(items(1), rotation)
    for _ in range(2):
        engine.run()
        assert len(rotation.rows) == 5


@pytest.mark.parametrize("protocols", [[], "published", ["published", "other"]])
def test_protocols_are_checked(tmp_path, protocols):
    with pytest.raises(ValueError, match="protocols must be a list of one or both of published, turned_back"):
        check_protocols(protocols)
    with pytest.raises(ValueError, match="protocols must be"):
        table(tmp_path, protocols=protocols)

from __future__ import annotations

import json

import pytest

from sre_monai.evaluation import EvaluationHandler
from sre_monai.retina import VESSEL_SCORES, ScoreTable, segmentation_protocols
from tests.evaluation.toy import SIGMOID, evaluator, items


def table(folder, **kwargs) -> EvaluationHandler:
    settings = {"names": ["published", "turned_back"], "angles": [20, 90], "crop_size": 20} | kwargs
    return EvaluationHandler(folder, segmentation_protocols(activation=SIGMOID, postprocessing=SIGMOID, **settings))


def test_a_pointwise_network_is_equivariant(tmp_path):
    rotation = table(tmp_path)
    evaluator(items(), rotation).run()
    protocols = rotation.summarize()["protocols"]
    assert list(protocols["published"]) == ["dice", "auc", "ceiling_dice", "ceiling_auc"]
    assert list(protocols["turned_back"]) == [*VESSEL_SCORES, "consistency"]
    for scores in protocols.values():
        assert all(figures["symmetry_deviation"] < 1e-9 for figures in scores.values())
    # it commutes with nearest-neighbour rotations by any angle and reaches the ceiling in every pose
    for row in rotation.rows():
        if row["protocol"] == "published" and row["angle"] % 90 == 0:
            assert row["dice"] == pytest.approx(row["ceiling_dice"])
    turned = [row for row in rotation.rows() if row["protocol"] == "turned_back" and row["angle"] == 20]
    assert all(0.5 < row["consistency"] < 1 for row in turned)  # noise does not survive interpolation


def test_rows_come_image_by_image(tmp_path):
    rotation = table(tmp_path, angles=[20])
    evaluator(items(), rotation).run()
    order = [(image, protocol) for image in ("0.tif", "1.tif") for protocol in ("published", "turned_back")]
    poses = [(angle, flip) for angle, flip in ((0, False), (20, False), *((90 * k, True) for k in range(4)))]
    rows = [(row["image"], row["protocol"], row["angle"], row["flip"]) for row in rotation.rows()]
    assert rows == [(*place, *pose) for place in order for pose in poses]
    assert rotation.summarize()["angles"] == [0, 20]


def test_a_second_run_starts_anew(tmp_path):
    rotation = table(tmp_path, angles=[], names=["published"])
    engine = evaluator(items(1), rotation)
    for _ in range(2):
        engine.run()
        assert len(rotation.rows()) == 5


def test_without_vessels_there_is_no_curve(tmp_path, caplog):
    data = [{**item, "label": 0 * item["label"], "working_label": 0 * item["label"]} for item in items()]
    evaluator(data, table(tmp_path)).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["per_image.csv", "summary.json"]
    assert "rotation_curve.png was not written: the score is undefined" in caplog.text


def test_protocols_of_one_pose_and_of_many_together(tmp_path):
    data = items()
    protocols = [ScoreTable(), *segmentation_protocols(["turned_back"], [20], SIGMOID, SIGMOID)]
    handler = EvaluationHandler(tmp_path, protocols, {"dataset": "toy"})
    evaluator(data, handler).run()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["dataset"], summary["num_images"]) == ("toy", 2)
    assert list(summary["raters"]) == ["model", "second_observer"]
    upright = summary["protocols"]["turned_back"]["dice"]["upright"]
    assert upright == pytest.approx(summary["raters"]["model"]["scores"]["dice"]["mean"], abs=1e-9)
    assert [row["image"] for row in handler.rows()] == ["0.tif"] * 8 + ["1.tif"] * 7
    assert handler.progress.n == handler.progress.total == 2 * (1 + 6)

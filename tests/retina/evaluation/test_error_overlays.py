from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from sre_monai.retina import ErrorOverlays
from sre_monai.visualize import error_overlay
from tests.evaluation.toy import SIGMOID, evaluator, items


def test_a_picture_an_image_with_its_orientation(tmp_path):
    data = items()
    evaluator(data, ErrorOverlays(tmp_path / "overlays", threshold=0.7)).run()
    assert sorted(path.name for path in (tmp_path / "overlays").iterdir()) == ["0.png", "1.png"]
    for index, item in enumerate(data):
        prediction = torch.sigmoid(item["image"].as_tensor()) >= 0.7
        expected = error_overlay(item["photograph"].as_tensor(), prediction, item["label"], item["fov"])
        with Image.open(tmp_path / "overlays" / f"{index}.png") as picture:
            assert np.array_equal(np.asarray(picture), expected)
            assert picture.getexif()[0x0112] == 6


def test_a_rotated_prediction_is_shown_upright(tmp_path):
    """A pointwise network commutes with rotations by 90°, but not with interpolated ones."""
    evaluator(items(1), ErrorOverlays(tmp_path, angles=[0, 20, 90], postprocessing=SIGMOID)).run()
    upright, oblique, quarter = (Image.open(tmp_path / f"0{suffix}.png").tobytes() for suffix in ("", "_20", "_90"))
    assert upright == quarter
    assert upright != oblique
    assert len(upright) == len(oblique)

from __future__ import annotations

from pathlib import Path

from ignite.engine import Events

from sre_monai.evaluation.evaluated_items import evaluated_items, image_path
from tests.evaluation.toy import evaluator, items


def test_items_join_batch_and_output():
    data, seen = items(), []
    engine = evaluator(data)
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.extend(evaluated_items(engine)))
    engine.run()
    assert [image_path(item) for item in seen] == [Path("/folder/0.tif"), Path("/folder/1.tif")]
    assert all({"image", "pred", "label", "fov", "photograph"} <= set(item) for item in seen)
    assert [("second_observer" in item) for item in seen] == [True, False]
    assert all(item["pred"].min() > 0 and item["pred"].max() < 1 for item in seen)  # after postprocessing

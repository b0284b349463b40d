from __future__ import annotations

import json

import pytest

from benchmarks import retina_models
from benchmarks.retina_measurements import evaluations, overlays, pending, rotations
from benchmarks.retina_models import MODELS
from tests.bundles.toy import BUNDLE, photographs

MODEL = MODELS["plain_unet"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Eight made-up photographs as DRIVE, weights, an empty output folder."""
    monkeypatch.setattr(retina_models, "BUNDLE", tmp_path / "bundle")
    MODEL.weights.parent.mkdir(parents=True)
    MODEL.weights.write_bytes(b"some")
    photographs(tmp_path / "data" / "DRIVE")
    return MODEL, tmp_path / "data", tmp_path / "output"


def finish(measurement, **different) -> None:
    """Write the summary that the run would write."""
    measurement.folder.mkdir(parents=True, exist_ok=True)
    (measurement.folder / "summary.json").write_text(json.dumps(measurement.expected | different))


def test_every_overlay_is_there():
    for model in MODELS.values():
        assert all((BUNDLE / "configs" / name).is_file() for name in model.recipe)
    assert len({model.weights for model in MODELS.values()}) == len(MODELS)


def test_a_measurement_is_done_once_for_the_same_weights(place):
    (run,) = evaluations(*place, ["DRIVE"])
    assert run.files == ["train.json", "models/plain_unet.yaml", "evaluate.json"]
    assert pending([run]) == [run]
    finish(run)
    assert pending(evaluations(*place, ["DRIVE"])) == []
    MODEL.weights.write_bytes(b"others")
    assert len(pending(evaluations(*place, ["DRIVE"]))) == 1


@pytest.mark.parametrize("different", [{"num_images": 1}, {"angles": [0]}, {"checkpoint_sha256": "0"}])
def test_another_measurement_does_not_count(place, different):
    (run,) = rotations(*place, ["published"], range(0, 360, 90))
    finish(run, **different)
    assert pending([run]) == [run]
    finish(run, angles=[0.0, 90.0, 180.0, 270.0])
    assert pending([run]) == []


def test_a_broken_series_goes_on_with_the_longest(place):
    runs = [*evaluations(*place, ["DRIVE"]), *rotations(*place, ["published", "turned_back"], [0, 10])]
    runs.append(overlays(*place))
    finish(runs[1])
    assert [run.folder.name for run in pending(runs)] == ["turned_back", "overlays", "DRIVE"]
    assert runs[-1].expected["num_images"] == 1
    assert runs[0].expected["num_images"] == 4

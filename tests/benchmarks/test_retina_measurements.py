from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import retina_measurements, retina_models
from benchmarks.bundle_runs import BundleRun
from benchmarks.retina_measurements import evaluations, overlays, pending, rotations
from benchmarks.retina_models import MODELS
from sre_monai.io import load_datalist
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import BUNDLE, copy_bundle, parse, photographs

MODEL = MODELS["plain_unet"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Eight synthetic photographs as DRIVE, weights, an empty output folder."""
    bundle = copy_bundle(tmp_path / "bundles")
    for module in (retina_models, retina_measurements):
        monkeypatch.setattr(module, "BUNDLE", bundle)
    instant_runs(monkeypatch, lambda output, files: None)
    MODEL.weights.write_bytes(b"some")
    photographs(tmp_path / "data" / "DRIVE")
    return MODEL, tmp_path / "data", tmp_path / "output"


def test_every_overlay_is_there():
    for model in MODELS.values():
        assert all((BUNDLE / "configs" / name).is_file() for name in model.recipe)
    assert len({model.weights for model in MODELS.values()}) == len(MODELS)


@pytest.mark.parametrize("model", [model for model in MODELS.values() if model.data == "DRIVE"], ids=lambda m: m.name)
def test_networks_trained_on_drive_see_it_at_its_own_size(model, tmp_path):
    (run,) = evaluations(model, tmp_path, tmp_path, ["DRIVE"])
    training = BundleRun(BUNDLE, model.recipe, tmp_path, model.settings)
    assert [step.configure()["working_diameter"] for step in (run, training)] == [540, 540]


@pytest.mark.parametrize("overlay", sorted(path.name for path in (BUNDLE / "configs" / "models").iterdir()))
def test_inference_with_the_compared_networks_is_at_the_size_of_their_weights(overlay):
    assert parse("inference.json", f"models/{overlay}")["working_diameter"] == 540


def test_a_measurement_is_done_once_for_the_same_weights(place):
    (run,) = evaluations(*place, ["DRIVE"])
    assert run.files == ["train.json", "models/plain_unet.yaml", "evaluate.json"]
    assert pending([run]) == [run]
    run.run()
    assert pending(evaluations(*place, ["DRIVE"])) == []
    MODEL.weights.write_bytes(b"others")
    assert len(pending(evaluations(*place, ["DRIVE"]))) == 1


def test_another_measurement_does_not_count(place):
    (run,) = rotations(*place, ["published"], range(0, 360, 90))
    run.run()
    assert pending(rotations(*place, ["published"], [0, 90, 180, 270])) == []
    others = rotations(*place, ["published"], [0])
    assert pending(others) == others
    Path(load_datalist(place[1] / "DRIVE", "test")[0]["image"]).write_bytes(b"another photograph")
    assert pending([run]) == [run]


def test_an_interrupted_series_resumes_with_the_longest(place):
    runs = [*evaluations(*place, ["DRIVE"]), *rotations(*place, ["published", "turned_back"], [0, 10])]
    runs.append(overlays(*place))
    runs[1].run()
    assert [run.output.name for run in pending(runs)] == ["turned_back", "overlays", "DRIVE"]
    data = [run.configure().get_parsed_content("datalist") for run in runs]
    assert [len(items) for items in data] == [4, 4, 4, 1]

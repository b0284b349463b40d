from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.measured_folder import MEASURES, read_measures, segment
from benchmarks.retina_models import MODELS

SAMPLE = Path(__file__).parents[2] / "docs" / "sample" / "eye_565x584.png"


@pytest.mark.parametrize("name", ["drive", "general"])
def test_photographs_are_measured_with_the_weights_and_the_size_of_a_row(name, tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    shutil.copy(SAMPLE, photographs)
    segment(MODELS[name], photographs, tmp_path / "output")
    measures = read_measures(tmp_path / "output" / "vessels.csv")[SAMPLE.name]
    assert set(measures) == set(MEASURES)
    assert measures["area_density"] == pytest.approx(0.14, abs=0.03)

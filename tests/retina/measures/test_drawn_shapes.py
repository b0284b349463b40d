"""Shapes whose measures are known, at every angle; the whole table is that of ``python -m benchmarks drawn_shapes``."""

import numpy as np
import pytest

from benchmarks.drawn_shapes import PLACES, arc, bar, fork, measure_fan, sinusoid, stroke
from sre_monai.retina import measure_vessels

ANGLES = (0, 5, 35, 45, 70)


@pytest.mark.parametrize("width", [4, 8, 24])
def test_the_calibre_of_a_bar_is_right_at_every_angle(width):
    found = []
    for angle in ANGLES:
        bars = [bar(width, angle, place, length=100 + 4 * width, side=210) for place in PLACES]
        values = [measure_vessels(mask).values for mask in bars]
        found.append(np.mean([each["calibre_mean_px"] for each in values]))
        assert max(each["curvature_per_px"] for each in values) < 0.0005
        assert {(each["segments"], each["end_points"]) for each in values} == {(1, 2)}
        assert max(each["tortuosity"] for each in values) < 1.07  # it ends in the corners
    assert np.abs(np.array(found) - width).max() < (0.3 if width < 8 else 0.015 * width)
    assert np.ptp(found) < (0.3 if width < 8 else 0.015 * width)


@pytest.mark.parametrize("angle", [0, 25, 45])
def test_arcs_turn_by_their_angle(angle):
    values = measure_vessels(stroke(arc(50, np.pi), 8, angle)).values
    assert values["calibre_mean_px"] == pytest.approx(8, abs=0.12)
    assert values["curvature_per_px"] == pytest.approx(1 / 50, rel=0.06)
    assert values["tortuosity"] == pytest.approx(np.pi / 2, rel=0.04)
    assert values["inflections_per_px"] == values["tortuosity_density_per_px"] == 0


@pytest.mark.parametrize("angle", [0, 25, 45])
def test_sinusoids_have_their_inflections(angle):
    values = measure_vessels(stroke(sinusoid(20, 96), 8, angle)).values
    assert values["calibre_mean_px"] == pytest.approx(8, abs=0.12)
    assert values["inflections_per_px"] * values["length_px"] == pytest.approx(5)
    assert values["tortuosity_density_per_px"] > 0


@pytest.mark.parametrize("angle", [0, 10, 35, 60])
def test_a_fork(angle):
    values = measure_vessels(fork(12, angle, between=70)).values
    assert (values["segments"], values["branch_points"], values["end_points"], values["bifurcations"]) == (3, 1, 3, 1)
    assert values["branching_angle_median_deg"] == pytest.approx(70, abs=4)
    assert values["branching_coefficient_median"] == pytest.approx(1.28, rel=0.08)
    assert values["branching_exponent_median"] == pytest.approx(np.log(2) / np.log(1 / 0.8), rel=0.15)


@pytest.mark.parametrize("angle", [0, 15, 35])
def test_equivalents_of_a_fan(angle):
    errors = measure_fan(angle, PLACES[0])
    assert len(errors) == 6
    assert np.abs(list(errors.values())).max() < 2

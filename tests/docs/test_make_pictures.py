"""The pictures that need no trained network show what docs/equivariance.md says."""

import matplotlib.pyplot as plt
import pytest

from docs.make_pictures import draw_responses, draw_rings, ring_weights
from sre_monai.networks.layers import expand_kernel, ring_basis


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_rings():
    rings = ring_basis(9, 2, "gaussian")
    assert expand_kernel(ring_weights(rings)[None, None], rings).sum().item() == pytest.approx(0, abs=1e-6)
    titles = [axis.get_title() for axis in draw_rings().axes]
    assert titles[0] == "ring 0, weight 0.50"
    assert titles[5] == "kernel: their sum"


def test_harmonics_tell_edges_lines_and_blobs_apart_at_every_angle():
    titles = [axis.get_title() for axis in draw_responses().axes]
    first = {name: titles.index(name) + 1 for name in ("sum of rings", "harmonic, order 1", "harmonic, order 2")}
    at_centre = {name: [float(t.split()[-1]) for t in titles[start : start + 6]] for name, start in first.items()}
    for name, (*lines, edge, turned_edge, blob) in at_centre.items():
        assert lines == pytest.approx([lines[0]] * 3, abs=0.02), name
        assert edge == pytest.approx(turned_edge, abs=0.02), name
        assert (abs(blob) > 1) == (name == "sum of rings")
    assert at_centre["harmonic, order 1"][3] > 0.4 > 0.02 > at_centre["harmonic, order 1"][0]
    assert at_centre["harmonic, order 2"][0] > 0.3 > 0.02 > at_centre["harmonic, order 2"][3]

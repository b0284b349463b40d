import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from sre_monai.retina import thin, vessel_graph
from sre_monai.transforms import grid_symmetries

ENDS = ["start_y", "start_x", "end_y", "end_x"]


def tree(shape=(120, 121), seed=0):
    """Random vessels of several widths."""
    return np.abs(ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 5)) < 0.012


def test_a_bar_is_one_segment():
    mask = np.zeros((60, 40), bool)
    mask[5:55, 20:23] = True
    graph = vessel_graph(mask)
    [segment] = graph.segments.to_dict("records")
    assert (graph.branch_points, graph.end_points) == (0, 2)
    assert segment["length_px"] == segment["chord_px"] == pytest.approx(50, abs=3)
    assert segment["tortuosity"] == 1
    assert segment["curvature"] == 0
    assert segment["calibre_mean_px"] == 3
    assert segment["start_x"] == segment["end_x"] == 21  # as in a picture: x is the second axis of its array
    assert {segment["start_y"], segment["end_y"]} == {6, 53}


def test_the_letter_y():
    mask = np.zeros((61, 61), bool)
    for step in range(25):
        for place in ((30, 30 + step), (30 + step, 30 - step), (30 - step, 30 - step)):
            mask[place[0] - 1 : place[0] + 2, place[1] - 1 : place[1] + 2] = True
    graph = vessel_graph(mask)
    assert (len(graph.segments), graph.branch_points, graph.end_points) == (3, 1, 3)
    np.testing.assert_allclose(np.sort(graph.segments["length_px"]), [24, 24 * 2**0.5, 24 * 2**0.5], atol=3)
    np.testing.assert_allclose(graph.segments["tortuosity"], 1, atol=0.02)


def test_a_grid_has_crossings():
    mask = np.zeros((64, 64), bool)
    mask[20] = mask[40] = True
    mask[:, 20] = mask[:, 40] = True
    graph = vessel_graph(mask)
    assert (len(graph.segments), graph.branch_points, graph.end_points) == (12, 4, 8)


def test_a_ring_is_a_closed_loop():
    mask = np.zeros((90, 90), bool)
    mask[disk((45, 45), 32)] = True
    mask[disk((45, 45), 28)] = False
    graph = vessel_graph(mask)
    [segment] = graph.segments.to_dict("records")
    assert (graph.branch_points, graph.end_points, segment["chord_px"]) == (0, 0, 0)
    assert np.isnan(segment["tortuosity"])
    assert segment["length_px"] == pytest.approx(2 * np.pi * 30, rel=0.03)


def test_half_a_ring_is_longer_than_its_chord():
    mask = np.zeros((90, 90), bool)
    mask[disk((45, 45), 32)] = True
    mask[disk((45, 45), 29)] = False
    mask[:45] = False
    [segment] = vessel_graph(mask).segments.to_dict("records")
    assert segment["tortuosity"] == pytest.approx(np.pi / 2, rel=0.05)
    assert segment["curvature"] == pytest.approx(np.pi, rel=0.2)


def test_against_a_walk_along_the_skeleton():
    """Branch and end points counted in a plain loop over the pixels; each segment leaves two of them."""
    mask = tree()
    skeleton = thin(mask)
    graph = vessel_graph(mask)
    neighbours = {
        (x, y): [(a, b) for a in (x - 1, x, x + 1) for b in (y - 1, y, y + 1) if (a, b) != (x, y) and inside(a, b)]
        for inside in [lambda a, b: 0 <= a < skeleton.shape[0] and 0 <= b < skeleton.shape[1] and skeleton[a, b]]
        for x, y in map(tuple, np.argwhere(skeleton))
    }
    # A diagonal step beside two straight ones is no step of its own. skan keeps it except between branch pixels; single
    # pixels beside a line are counted differently then.
    steps = {
        p: [q for q in near if abs(p[0] - q[0]) + abs(p[1] - q[1]) == 1 or not set(near) & set(neighbours[q])]
        for p, near in neighbours.items()
    }
    assert graph.end_points == pytest.approx(sum(len(near) == 1 for near in steps.values()), abs=2)
    branches = np.zeros(skeleton.shape, bool)
    for (x, y), near in steps.items():
        branches[x, y] = len(near) > 2
    assert graph.branch_points == pytest.approx(ndimage.label(branches, np.ones((3, 3)))[1], abs=2)
    leaving = sum(not branches[q] for p, near in steps.items() if branches[p] for q in near)
    assert len(graph.segments) == pytest.approx((leaving + graph.end_points) / 2, abs=2)
    assert graph.segments["length_px"].sum() == pytest.approx(skeleton.sum() * 1.13, rel=0.08)


@pytest.mark.parametrize("shape", [(64, 64), (65, 65), (50, 81)])
def test_turned_and_mirrored_masks_have_the_same_segments(shape):
    mask = tree(shape)
    graph = vessel_graph(mask)
    assert len(graph.segments) > 10
    for orientation in grid_symmetries(2):
        turned_mask = orientation.apply(mask)
        turned = vessel_graph(turned_mask)
        assert turned[1:3] == graph[1:3]
        np.testing.assert_array_equal(turned.vessels.calibres, graph.vessels.calibres)
        np.testing.assert_array_equal(turned.segments.drop(columns=ENDS), graph.segments.drop(columns=ENDS))
        for end in (ENDS[:2], ENDS[2:]):
            back = orientation.invert_points(turned.segments[end].to_numpy(), turned_mask.shape)
            np.testing.assert_array_equal(back, graph.segments[end].to_numpy())


def test_nothing_to_divide():
    dots = np.zeros((20, 20), bool)
    dots[5, 5] = dots[12, 12] = True
    for mask in (dots, np.zeros((20, 20), bool), np.zeros((1, 1), bool)):
        graph = vessel_graph(mask)
        assert (len(graph.segments), graph.branch_points, graph.end_points, len(graph.vessels.calibres)) == (0, 0, 0, 0)

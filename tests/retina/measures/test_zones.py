import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from sre_monai.retina import measure_vessels
from sre_monai.retina.measures.measure_names import STRUCTURES, measure_columns
from sre_monai.retina.measures.zones import ZONES, Disc, distance_from, find_disc, zone_mask
from sre_monai.transforms import grid_symmetries

SHAPE = (241, 220)


@pytest.fixture(scope="module")
def masks():
    """Random arteries and veins around a disc, and a field of view that cuts zone C."""
    rng = np.random.default_rng(0)
    arteries, veins = (
        np.abs(ndimage.gaussian_filter(rng.standard_normal(SHAPE), 8)) < width for width in (0.004, 0.006)
    )
    disc, fov = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    disc[disk((112, 84), 20)] = True
    disc[0, 0] = True  # a stray pixel is no disc
    fov[disk((120, 109), 108)] = True
    return {"arteries": arteries, "veins": veins, "disc": disc, "fov": fov}


def same(first, second):
    np.testing.assert_equal(first, second)  # NaN equals NaN here


def test_the_disc_is_a_circle(masks):
    disc = find_disc(masks["disc"])
    assert disc.center == pytest.approx((112, 84))
    assert disc.diameter == pytest.approx(40, abs=1)
    assert find_disc(np.zeros((5, 5), bool)) is None


def test_zones_are_rings():
    disc = Disc((150.0, 140.0), 50.0)
    everywhere = np.ones((300, 280), bool)
    distance = distance_from(disc, everywhere.shape)
    for zone, inner, outer in zip(ZONES, (50, 50), (75, 125)):
        ring, share = zone_mask(zone, disc, distance, everywhere)
        assert distance[ring].min() == pytest.approx(inner, abs=1)
        assert distance[ring].max() == pytest.approx(outer, abs=1)
        assert share == pytest.approx(1, abs=0.01)
    half = everywhere & (np.arange(280) < 140)
    assert zone_mask(ZONES[0], disc, distance, half)[1] == pytest.approx(0.5, abs=0.02)


def test_every_measure_is_the_same_in_every_orientation(masks):
    options = {"disc_diameter_um": 1800, "least_zone_share": 0.2}
    measured = measure_vessels(None, **masks, **options)
    values, segments, evidence = measured.values, measured.segments, measured.evidence
    assert sum(np.isnan(value) for value in values.values()) < len(values) / 10
    for turn in grid_symmetries(2)[1:]:
        turned = measure_vessels(None, **{name: turn.apply(mask) for name, mask in masks.items()}, **options)
        same(turned.values, values)
        lengths = [column for column in segments if not column.startswith(("start", "end"))]
        assert turned.segments[lengths].equals(segments[lengths])
        assert [v.calibre_px for v in turned.evidence.entered] == [v.calibre_px for v in evidence.entered]
        same(turned.evidence.bifurcations["angle_deg"].to_numpy(), evidence.bifurcations["angle_deg"].to_numpy())


def test_a_zone_that_is_mostly_outside_has_no_numbers(masks):
    values = measure_vessels(None, **masks).values
    assert values["zone_b_share"] > 0.9
    assert 0.4 < values["zone_c_share"] < 0.9
    values = measure_vessels(None, **masks, least_zone_share=0.9).values
    assert values["zone_b_crae_px"] > 0
    in_zone = {name for name in values if "zone_c" in name and name != "zone_c_share"}
    assert all(np.isnan(values[name]) for name in in_zone)
    assert len(in_zone) > 60


def test_a_photograph_without_a_disc(masks):
    without = measure_vessels(None, **{**masks, "disc": np.zeros(SHAPE, bool)}).values
    around = {name for name in without if "zone" in name or name.startswith("disc")}
    assert all(np.isnan(without[name]) for name in around)
    assert without["artery_calibre_mean_px"] > 0
    not_asked = measure_vessels(None, **{**masks, "disc": None}).values
    assert set(without) - set(not_asked) == around


def test_measures_in_a_zone_are_those_of_its_part_of_the_vessels(masks):
    measured = measure_vessels(None, **masks, um_per_pixel=10)
    values, (x, y, diameter) = measured.values, measured.evidence.disc
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    distance = np.hypot(columns - x, rows - y)
    zone = masks["fov"] & (distance >= diameter) & (distance <= 1.5 * diameter)
    density = (masks["veins"] & zone).sum() / zone.sum()
    assert values["vein_zone_b_area_density"] == pytest.approx(density)
    within = measure_vessels(masks["veins"], zone, least_spur=0, largest_hole=0).values
    assert values["vein_zone_b_length_px"] == pytest.approx(within["length_px"], rel=0.2)
    assert values["vein_zone_b_calibre_mean_um"] == 10 * values["vein_zone_b_calibre_mean_px"]
    assert values["zone_b_crae_dd"] == values["zone_b_crae_px"] / diameter


def test_an_assumed_disc_gives_micrometres_where_the_pixel_size_is_not_known(masks):
    assumed = measure_vessels(None, **masks, disc_diameter_um=1800).values
    assert assumed["disc_diameter_um"] == pytest.approx(1800)
    known = measure_vessels(None, **masks, um_per_pixel=10, disc_diameter_um=1800).values
    assert known["um_per_pixel"] == 10


def test_columns_are_the_names_of_the_values(masks):
    values = measure_vessels(None, **masks, um_per_pixel=10).values
    assert set(measure_columns(STRUCTURES, disc=True)) == set(values)
    alone = measure_vessels(masks["veins"], masks["fov"], 10).values
    assert set(measure_columns()) == set(alone)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"least_zone_share": -1}, "least_zone_share must be a number of at least 0"),
        ({"disc_diameter_um": 0}, "disc_diameter_um must be a positive number of micrometres, got 0"),
        ({"arteries": np.ones((3, 4), bool)}, "of one shape"),
    ],
)
def test_mistakes(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        measure_vessels(np.ones((9, 9), bool), **options)


def test_nothing_given():
    with pytest.raises(ValueError, match="give a mask of vessels, of arteries or of veins"):
        measure_vessels(None)

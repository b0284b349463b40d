import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from sre_monai.retina import measure_vessels
from sre_monai.transforms import grid_symmetries

PHOTOGRAPH = (150, 141)


@pytest.fixture
def fov():
    inside = np.zeros(PHOTOGRAPH, bool)
    inside[disk((75, 70), 65)] = True
    return inside


@pytest.fixture
def mask():
    return np.abs(ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(PHOTOGRAPH), 6)) < 0.008


def test_only_the_field_of_view_counts(mask, fov):
    values, segments = measure_vessels(mask, fov)
    inside, same_segments = measure_vessels(mask & fov, fov)
    assert values == inside
    assert segments.equals(same_segments)
    assert values["area_density"] == (mask & fov).sum() / fov.sum()
    assert values["length_density_per_px"] == segments["length_px"].sum() / fov.sum()
    assert values["segments"] == len(segments) > 20


def test_ends_are_positions_in_the_photograph(mask, fov):
    segments = measure_vessels(mask, fov).segments
    for end in ("start", "end"):
        x, y = (segments[f"{end}_{axis}"].to_numpy() for axis in "xy")
        assert (mask & fov)[y, x].all()


@pytest.mark.parametrize("crop", [(150, 141), (141, 141), (140, 140), (139, 140)])
def test_turned_and_mirrored_photographs_give_exactly_the_same(mask, fov, crop):
    window = tuple(slice(0, size) for size in crop)
    mask, fov = mask[window], fov[window]
    values, segments = measure_vessels(mask, fov, 7.3)
    for turn in grid_symmetries(2):
        turned = measure_vessels(turn.apply(mask), turn.apply(fov), 7.3)
        assert turned.values == values
        lengths = [column for column in segments if not column.startswith(("start", "end"))]
        assert turned.segments[lengths].equals(segments[lengths])


def test_units(mask, fov):
    values, segments = measure_vessels(mask, fov, 20)
    assert values["um_per_pixel"] == 20
    assert values["calibre_mean_um"] == 20 * values["calibre_mean_px"]
    assert values["fov_area_mm2"] == pytest.approx(values["fov_area_px"] * 0.02**2)
    assert values["length_density_per_mm"] == pytest.approx(values["length_mm"] / values["fov_area_mm2"])
    assert values["curvature_per_mm"] == pytest.approx(values["curvature_per_px"] * 50)
    np.testing.assert_array_equal(segments["chord_um"], 20 * segments["chord_px"])
    without = measure_vessels(mask, fov)
    assert {name: values[name] for name in without.values} == without.values
    assert not any("um" in name or "mm" in name for name in (*without.values, *without.segments))


def test_an_enlarged_mask_measures_alike(mask, fov):
    small = measure_vessels(mask, fov, 3).values
    large = measure_vessels(np.kron(mask, np.ones((3, 3), bool)), np.kron(fov, np.ones((3, 3), bool)), 1).values
    for name in ("area_density", "fov_area_mm2"):
        assert large[name] == pytest.approx(small[name])
    for name in ("length_density_per_mm", "calibre_mean_um", "fractal_d0", "fractal_d2", "lacunarity", "tortuosity"):
        assert large[name] == pytest.approx(small[name], rel=0.15)


def test_without_vessels(fov):
    values, segments = measure_vessels(np.zeros_like(fov), fov, 5)
    zero = {"area_density", "length_px", "length_mm", "length_density_per_px", "length_density_per_mm"}
    zero |= {"segments", "branch_points", "end_points"}
    assert {name for name, value in values.items() if value == 0} == zero
    undefined = {name for name, value in values.items() if np.isnan(value)}
    assert undefined == set(values) - zero - {"fov_area_px", "fov_area_mm2", "um_per_pixel"}
    assert len(segments) == 0


def test_nothing_but_vessels(fov):
    values = measure_vessels(np.ones_like(fov), fov).values
    assert values["area_density"] == values["lacunarity"] == 1
    assert values["fractal_d2"] == pytest.approx(2, abs=0.06)  # boxes on the rim of the disc are not full


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.ones((3, 3), bool), np.ones((3, 4), bool)), "of one shape"),
        ((np.ones((3, 3)), None), "of type bool"),
        ((np.ones((3, 3), bool), np.zeros((3, 3), bool)), "empty"),
        ((np.ones((3, 3), bool), None, 0), "um_per_pixel must be a positive number of micrometres, got 0"),
        ((np.ones((3, 3), bool), None, float("nan")), "um_per_pixel must be a positive number"),
    ],
)
def test_errors(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        measure_vessels(*arguments)


def test_the_size_of_a_pixel_may_be_text():
    mask = np.zeros((64, 64), bool)
    mask[:, 30:33] = True
    assert measure_vessels(mask, um_per_pixel="7.5").values == measure_vessels(mask, um_per_pixel=7.5).values

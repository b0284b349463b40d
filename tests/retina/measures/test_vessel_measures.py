import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from sre_monai.retina import MeasureVesselsd, measure_vessels
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
    np.testing.assert_equal(inside, values)  # NaN equals NaN
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
        np.testing.assert_equal(turned.values, values)
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
    np.testing.assert_equal({name: values[name] for name in without.values}, without.values)
    assert not any("um" in name or "mm" in name for name in (*without.values, *without.segments))


def test_an_enlarged_mask_measures_alike(mask, fov):
    small = measure_vessels(mask, fov, 3).values
    large = measure_vessels(np.kron(mask, np.ones((3, 3), bool)), np.kron(fov, np.ones((3, 3), bool)), 1).values
    for name in ("area_density", "fov_area_mm2"):
        assert large[name] == pytest.approx(small[name])
    for name in ("length_density_per_mm", "calibre_mean_um", "fractal_d0", "fractal_d2", "lacunarity", "tortuosity"):
        assert large[name] == pytest.approx(small[name], rel=0.15)


def rough_bar(width, amplitude, seed=0):
    """A bar, 300 pixels long, the edges of which vary from pixel to pixel."""
    rows, columns = np.mgrid[-30:30, :320]
    above, below = np.random.default_rng(seed).integers(0, amplitude + 1, (2, 320))
    return (rows >= -(width // 2) - above) & (rows <= width // 2 + below) & (columns >= 10) & (columns < 310)


def numbers(values):
    return values["segments"], values["branch_points"], values["end_points"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("width", "amplitude"), [(3, 1), (5, 2), (9, 1), (9, 2), (15, 3)])
def test_a_rough_bar_is_one_segment(width, amplitude, seed):
    mask = rough_bar(width, amplitude, seed)
    values = measure_vessels(mask).values
    assert numbers(values) == (1, 0, 2)
    assert values["length_px"] == pytest.approx(300, abs=15)
    assert values["tortuosity"] == pytest.approx(1, abs=0.05)
    assert values["calibre_median_px"] == pytest.approx(width + amplitude, abs=3)
    if amplitude > 1:
        assert measure_vessels(mask, least_spur=0).values["segments"] > 60


def test_a_branch_longer_than_the_vessel_is_wide_stays():
    mask = rough_bar(9, 0)
    for top, segments in ((0, 3), (18, 3), (22, 1)):  # its bar has its axis at 30 and begins at 26
        branch = mask.copy()
        branch[top:30, 150:153] = True
        assert measure_vessels(branch).values["segments"] == segments
    assert measure_vessels(branch, least_spur=0.5).values["segments"] == 3


@pytest.mark.parametrize(("mask_scale", "hole"), [(1, 1), (2, 2), (1, 3)])
def test_pinholes_make_no_branch_points(mask_scale, hole):
    mask = np.kron(rough_bar(13, 0), np.ones((mask_scale, mask_scale), bool))
    pinholes = mask.copy()
    for number, shift in enumerate(np.random.default_rng(0).integers(-4, 3, 20)):
        row, column = mask_scale * (30 + shift), mask_scale * (15 + 14 * number)
        pinholes[row : row + hole, column : column + hole] = False
    assert measure_vessels(pinholes, largest_hole=0).values["branch_points"] > 20
    filled, whole = measure_vessels(pinholes).values, measure_vessels(mask).values
    assert {name for name in whole if filled[name] != whole[name] and "branching" not in name} <= {
        *("area_density", "fractal_d0", "fractal_d1", "fractal_d2", "lacunarity"),  # of the mask as it is
    }
    assert numbers(filled) == (1, 0, 2)


def test_a_hole_between_vessels_stays():
    mask = np.zeros((80, 80), bool)
    mask[20:61, 20:61] = True
    mask[23:58, 23:58] = False
    assert measure_vessels(mask).values["length_px"] > 130
    assert measure_vessels(mask, largest_hole=35**2).values["length_px"] < 60
    mask[:, 22] = mask[22] = False  # open to the outside
    assert (measure_vessels(mask).segments == measure_vessels(mask, largest_hole=35**2).segments).all(axis=None)


@pytest.mark.parametrize("gap", [1, 3, 9])
def test_a_near_loop_has_the_tortuosity_of_a_circle_at_most(gap):
    mask = np.zeros((120, 120), bool)
    mask[disk((60, 60), 42)] = True
    mask[disk((60, 60), 38)] = False
    mask[60 - gap : 60 + gap + 1, 60:] = False
    values, segments = measure_vessels(mask)
    assert values["segments"] == 1
    assert values["tortuosity"] == pytest.approx(np.pi)
    assert segments["tortuosity"][0] == np.pi
    assert measure_vessels(mask, tortuosity_limit=np.inf).values["tortuosity"] > 9
    assert segments["chord_px"][0] < 24  # as it is


def test_options_are_exact_in_every_orientation():
    noise = np.random.default_rng(0).random((150, 141))
    smooth = np.abs(ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(noise.shape), 6)) < 0.014
    mask = (smooth | (ndimage.binary_dilation(smooth) & (noise > 0.5))) & (noise > 0.01)
    raw = measure_vessels(mask, least_spur=0, largest_hole=0, tortuosity_limit=np.inf).values
    for options in ({}, {"least_spur": 2.5}, {"largest_hole": 40}):
        values, segments = measure_vessels(mask, **options)
        assert values["segments"] < raw["segments"] / 2
        for turn in grid_symmetries(2):
            turned = measure_vessels(turn.apply(mask), **options)
            np.testing.assert_equal(turned.values, values)
            lengths = [column for column in segments if not column.startswith(("start", "end"))]
            assert turned.segments[lengths].equals(segments[lengths])


def test_without_vessels(fov):
    values, segments = measure_vessels(np.zeros_like(fov), fov, 5)
    zero = {"area_density", "length_px", "length_mm", "length_density_per_px", "length_density_per_mm"}
    zero |= {"segments", "branch_points", "end_points", "bifurcations"}
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


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"least_spur": -1}, "least_spur must be a number of at least 0, got -1"),
        ({"largest_hole": "many"}, "largest_hole must be a number of at least 0, got 'many'"),
        ({"tortuosity_limit": 0.5}, "tortuosity_limit must be a number of at least 1, got 0.5"),
        ({"least_spur": float("nan")}, "least_spur must be a number of at least 0, got nan"),
    ],
)
def test_options_out_of_range(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        measure_vessels(np.ones((9, 9), bool), **options)
    with pytest.raises(ValueError, match=sentence):
        MeasureVesselsd("mask", **options)


def test_the_size_of_a_pixel_may_be_text():
    mask = np.zeros((64, 64), bool)
    mask[:, 30:33] = True
    assert measure_vessels(mask, um_per_pixel="7.5").values == measure_vessels(mask, um_per_pixel=7.5).values

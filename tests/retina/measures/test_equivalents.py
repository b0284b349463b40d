import numpy as np
import pytest

from benchmarks.drawn_shapes import disc, fan
from sre_monai.retina import measure_vessels
from sre_monai.retina.measures.equivalents import ARTERIES, VEINS, central_equivalent

# CREVBMs().central_equivalent of PVBM 3.0.1.8 (Fhima et al. 2022) with its Knudtson formulas, of the six largest
PVBM = [
    ([12.0], 12.0, 12.0),
    ([9.5, 14.25], 15.071204331439477, 16.270050130531253),
    ([8, 9.5, 11, 7.5, 10, 12], 17.117351333472595, 20.932127577620513),
    ([12, 14, 16, 11, 13.5, 15], 23.939739024670757, 29.263736458619412),
    ([3.25, 17, 8.5, 9, 21.5, 4, 6.75, 12], 23.600022640802695, 28.86043847399295),
    ([5, 6.5, 7, 8.25, 11], 12.780530650581923, 15.397546654723113),
]


def step(first, second, coefficient):
    return coefficient * np.sqrt(first**2 + second**2)


def test_six_vessels_in_the_order_of_knudtson():
    a, b, c = step(12, 7.5, 0.88), step(11, 8, 0.88), step(10, 9.5, 0.88)
    low, middle, high = sorted((a, b, c))
    assert central_equivalent([8, 9.5, 11, 7.5, 10, 12, 1, 2], ARTERIES) == pytest.approx(
        step(step(high, low, 0.88), middle, 0.88)
    )


def test_one_vessel_is_its_own_equivalent_and_none_has_none():
    assert central_equivalent([7.0], VEINS) == 7
    assert np.isnan(central_equivalent([], ARTERIES))


@pytest.mark.parametrize(("calibres", "crae", "crve"), PVBM)
def test_pvbm_combines_them_to_the_same(calibres, crae, crve):
    assert central_equivalent(calibres, ARTERIES) == pytest.approx(crae, rel=1e-9)
    assert central_equivalent(calibres, VEINS) == pytest.approx(crve, rel=1e-9)


def test_fewer_vessels_than_six():
    widths = (8, 10, 12)
    measured = measure_vessels(None, disc(458), arteries=fan(10, widths), disc=disc())
    values, evidence = measured.values, measured.evidence
    assert values["zone_b_crae_vessels"] == len(widths)
    assert values["zone_b_crae_px"] == pytest.approx(central_equivalent(widths, ARTERIES), rel=0.02)
    assert np.isnan(values["zone_b_crve_px"])
    assert np.isnan(values["zone_b_avr"])
    entered = [vessel for vessel in evidence.entered if vessel.zone == "zone_b"]
    assert [vessel.calibre_px for vessel in entered] == pytest.approx([12, 10, 8], rel=0.02)
    distance = np.concatenate([np.hypot(*(vessel.points - evidence.disc[:2]).T) for vessel in entered])
    assert distance.min() >= 79  # one disc diameter from its centre, the disc has 80 pixels
    assert distance.max() <= 121

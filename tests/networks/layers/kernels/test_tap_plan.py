import numpy as np
import pytest

from sre_monai.networks.layers import PROFILES, ring_basis
from sre_monai.networks.layers.kernels.tap_plan import plan_taps


def unfold(plan, rings):
    """Reassemble the taps of a plan."""
    kernel, centre = np.zeros_like(rings), rings.shape[-1] // 2
    mix = np.eye(len(rings)) if plan.mix is None else plan.mix
    exchange = np.eye(len(rings)) if plan.exchange is None else plan.exchange
    values = exchange @ mix
    for group, terms in enumerate(plan.classes):
        for line, x in terms:
            for z, y in plan.lines[line]:
                offset = (z + centre, y + centre, x + centre)[-(rings.ndim - 1) :]
                kernel[(slice(None), *offset)] += values[:, group]
    return kernel


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kernel_size", [3, 5, 9, 11])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_holds_every_tap_once(spatial_dims, kernel_size, profile):
    rings = ring_basis(kernel_size, spatial_dims, profile).float().numpy()
    plan = plan_taps(rings, (1,) * spatial_dims)
    np.testing.assert_allclose(unfold(plan, rings), rings, atol=1e-6)
    assert max(len(rows) for rows in plan.lines) <= 8


def test_asymmetric_and_dependent_taps_are_held_too():
    rings = np.random.default_rng(0).standard_normal((3, 5, 5)).astype(np.float32)
    rings[2] = rings[0] + rings[1]
    np.testing.assert_allclose(unfold(plan_taps(rings, (1, 1)), rings), rings, atol=1e-5)


def test_bands_need_no_mix():
    plan = plan_taps(ring_basis(9, 2, "bands").float().numpy(), (1, 1))
    assert plan.mix is None
    assert plan.exchange is None
    assert len(plan.lines) == 5
    # 69 taps in pairs of rows
    assert [len(terms) for terms in plan.classes] == [1, 5, 7, 9, 17]


def test_gaussian_rings_have_a_class_of_their_own_each():
    plan = plan_taps(ring_basis(9, 2, "gaussian").float().numpy(), (1, 1))
    assert plan.mix.shape == (5, len(plan.classes))
    assert ((plan.mix == 1).sum(axis=1) >= 1).all()
    own = [int(np.flatnonzero(row == 1)[0]) for row in plan.mix]
    np.testing.assert_array_equal(plan.mix[:, own], np.eye(5))


def test_dilation_spreads_the_taps():
    plan = plan_taps(ring_basis(3, 2).float().numpy(), (3, 2))
    assert {row for rows in plan.lines for row in rows} == {(0, 0), (0, -3), (0, 3)}
    assert plan.reach == 2

import pytest
import torch

from sre_monai.networks.layers import ring_basis


def test_gaussian_rings_peak_at_their_radius_and_end_at_the_disc():
    basis = ring_basis(9, 2, "gaussian")
    profile = basis[:, 4, 4:]
    assert torch.equal(profile.argmax(dim=1), torch.arange(5))
    assert torch.equal(profile.amax(dim=1), torch.ones(5, dtype=torch.float64))
    assert basis[:, 0, 0].eq(0).all()  # the corner, at 5.7 px, is outside


def test_corners_cannot_be_kept():
    with pytest.raises(ValueError, match="circular=False keeps the kernel's corners, where profile='gaussian'"):
        ring_basis(5, 2, "gaussian", circular=False)

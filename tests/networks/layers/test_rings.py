import pytest
import torch

from sre_monai.networks.layers import PROFILES, ring_basis


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_rings_are_unchanged_by_flips_and_swapped_axes(profile, spatial_dims):
    basis = ring_basis(7, spatial_dims, profile)
    for axis in range(1, spatial_dims + 1):
        assert torch.equal(basis.flip(axis), basis)
        assert torch.equal(basis.transpose(1, axis), basis)


def test_result_is_the_callers_own():
    ring_basis(3, 2).zero_()
    assert ring_basis(3, 2).sum() == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"spatial_dims": 4}, "spatial_dims must be 1, 2 or 3"),
        ({"profile": "square"}, "profile must be one of bands, gaussian, gmr, got 'square'"),
        ({"profile": "gaussian", "circular": False}, "circular=False"),
        ({"num_rings": 0}, "num_rings must be at least 1"),
    ],
)
def test_errors_name_the_argument(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ring_basis(**({"kernel_size": 5, "spatial_dims": 2} | arguments))

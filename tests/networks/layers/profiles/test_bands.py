import numpy as np
import pytest
import torch

from sre_monai.networks.layers import ring_basis


def brute_force_bands(kernel_size: int, spatial_dims: int) -> np.ndarray:
    """A loop over offsets and edges."""
    centre, rings = kernel_size // 2, kernel_size // 2 + 1
    width = (centre + 0.5) / rings
    basis = np.zeros((rings, *[kernel_size] * spatial_dims))
    for offset in np.ndindex(*[kernel_size] * spatial_dims):
        distance = sum((u - centre) ** 2 for u in offset) ** 0.5
        if distance < centre + 0.5:
            basis[(min(int(distance / width), rings - 1), *offset)] = 1
    return basis


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7, 9])
def test_bands_are_those_of_a_loop_over_offsets(kernel_size, spatial_dims):
    expected = brute_force_bands(kernel_size, spatial_dims)
    np.testing.assert_array_equal(ring_basis(kernel_size, spatial_dims).numpy(), expected)


def test_without_circular_the_corners_are_a_ring_of_their_own():
    basis = ring_basis(5, 2, circular=False)
    assert len(basis) == 4
    assert torch.equal(basis.sum(dim=0), torch.ones(5, 5, dtype=torch.float64))
    corners = torch.zeros(5, 5, dtype=torch.float64)
    corners[::4, ::4] = 1
    assert torch.equal(basis[-1], corners)


def test_number_of_rings_can_be_chosen():
    basis = ring_basis(9, 2, num_rings=3)
    assert len(basis) == 3
    assert torch.equal(basis.sum(dim=0), ring_basis(9, 2).sum(dim=0))

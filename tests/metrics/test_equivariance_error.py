from __future__ import annotations

import math

import pytest
import torch

from sre_monai.metrics.equivariance_error import EquivarianceErrorMetric, equivariance_error
from sre_monai.transforms import grid_symmetries


@pytest.mark.parametrize("size", [(12, 12), (9, 14), (7, 11)])
def test_equivariant_network_has_no_error(size):
    network = torch.nn.AvgPool2d(3, stride=1, padding=1)
    errors = equivariance_error(network, torch.rand(2, 3, *size))
    assert list(errors) == list(grid_symmetries(2))
    assert len(errors) == 8
    assert max(errors.values()) < 1e-6


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_against_the_definition(symmetry):
    network = torch.nn.Conv2d(2, 3, kernel_size=3, padding=1)
    x = torch.rand(2, 2, 9, 14)
    with torch.no_grad():
        expected = network(symmetry.apply(x)) - symmetry.apply(network(x))
        expected = (expected.square().sum() / network(x).square().sum()).sqrt().item()
    assert equivariance_error(network, x, [symmetry])[symmetry] == pytest.approx(expected, rel=1e-5)


def test_network_that_favours_a_side():
    """A shift by one pixel along the last axis: only the symmetries that keep its direction commute with it."""
    x = torch.zeros(1, 1, 9, 9)
    x[..., 4, 4] = 2
    errors = equivariance_error(lambda image: image.roll(1, dims=-1), x)
    assert sorted(round(error, 6) for error in errors.values()) == [0, 0] + 6 * [round(math.sqrt(2), 6)]


def test_output_without_spatial_axes_is_an_invariance():
    errors = equivariance_error(lambda image: image.mean(dim=(-2, -1)), torch.rand(2, 3, 6, 7))
    assert max(errors.values()) < 1e-6
    errors = equivariance_error(lambda image: image[..., 0, 0], torch.rand(2, 3, 6, 6))
    assert sorted(errors.values())[-1] > 0.1


def test_zero_output_is_undefined():
    errors = equivariance_error(torch.zeros_like, torch.rand(1, 1, 6, 6))
    assert all(math.isnan(error) for error in errors.values())


def test_output_of_another_size_is_an_error():
    with pytest.raises(ValueError, match="differ in shape"):
        equivariance_error(lambda image: image[..., : image.shape[-1] // 2], torch.rand(1, 1, 6, 8))


def test_metric_collects_the_items_errors():
    network = torch.nn.Conv2d(2, 3, kernel_size=3, padding=1)
    x = torch.rand(4, 2, 9, 10)
    symmetry = grid_symmetries(2)[3]
    with torch.no_grad():
        turned_back = symmetry.invert(network(symmetry.apply(x)))
        upright = network(x)
    expected = [equivariance_error(network, item[None], [symmetry])[symmetry] for item in x]
    metric = EquivarianceErrorMetric()
    metric(y_pred=turned_back[:3], y=upright[:3])
    metric(y_pred=[turned_back[3]], y=[upright[3]])
    assert metric.aggregate("none").flatten().tolist() == pytest.approx(expected)
    assert metric.aggregate().item() == pytest.approx(sum(expected) / 4, rel=1e-6)
    metric.reset()
    with pytest.raises(ValueError, match="nothing to aggregate"):
        metric.aggregate()

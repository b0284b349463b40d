import pytest
import torch
from torch import nn

from benchmarks.update_ratios import kernels, relative_change
from sre_monai.networks.layers import SREConv2d


def test_a_ring_moves_all_taps_of_its_own():
    network = nn.Sequential(SREConv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    with torch.no_grad():
        network[0].weight.fill_(1.0)
    before = kernels(network)
    with torch.no_grad():
        network[0].weight[..., 1] = 2.0  # the ring of the centre's eight neighbours
    (kernel, weight), same = kernels(network)["0"], kernels(network)["1"]
    assert relative_change(before["0"][1], weight) == pytest.approx(0.5**0.5)
    assert relative_change(before["0"][0], kernel) == pytest.approx((8 / 9) ** 0.5)
    assert relative_change(before["1"][0], same[0]) == 0

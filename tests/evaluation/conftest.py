"""Networks that map images to probabilities of a vessel."""

from __future__ import annotations

import pytest
import torch

from sre_monai.networks.nets import SREUNet


@pytest.fixture
def equivariant():
    """An exactly equivariant one."""
    network = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=5).eval()
    return lambda images: torch.sigmoid(40 * network(images)[:, :1].detach())


@pytest.fixture
def other():
    """An ordinary convolution."""
    network = torch.nn.Conv2d(3, 1, 3, padding=1)
    return lambda images: torch.sigmoid(4 * network(images).detach())

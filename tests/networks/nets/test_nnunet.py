"""What nnU-Net asks of a network that its plans name, as its `get_network_from_plans` and trainer do it."""

import pydoc

import pytest
import torch

from tests.networks.nets.nnunet_run import PLAN


def build(**options):
    network_class = pydoc.locate(PLAN["network_class_name"])
    return network_class(input_channels=2, num_classes=3, **PLAN["arch_kwargs"], **options)


def test_it_is_built_from_a_plan():
    network = build(deep_supervision=False)
    network.decoder.deep_supervision = False  # as the trainer does before training and validation
    assert network(torch.rand(1, 2, 8, 9, 10)).shape == (1, 3, 8, 9, 10)


def test_deep_supervision_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="train with -tr nnUNetTrainerNoDeepSupervision"):
        build(deep_supervision=True)

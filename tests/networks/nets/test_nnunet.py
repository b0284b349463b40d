"""What nnU-Net asks of a network that its plans name, as its `get_network_from_plans` and trainer do it."""

import pydoc
import subprocess
import sys

import pytest
import torch

PLAN = {
    "network_class_name": "sre_monai.networks.nets.SREUNetForNNUNet",
    "arch_kwargs": {"spatial_dims": 3, "features": [4, 8, 4], "kernel_size": 3, "harmonics": [1, 2]},
    "_kw_requires_import": [],
}


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


@pytest.mark.slow
def test_nnunet_trains_it_and_predicts(tmp_path, repository):
    pytest.importorskip("nnunetv2", reason="nnU-Net is in no extra: pip install nnunetv2")
    command = [sys.executable, "-m", "tests.networks.nets.nnunet_run", str(tmp_path / "nnunet")]
    done = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "SREUNetForNNUNet (24, 26, 25)"

import subprocess
import sys

import pytest
from monai.networks.layers import Conv

import sre_monai


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_layers_are_in_monais_factory(spatial_dims):
    assert Conv["sre", spatial_dims] is getattr(sre_monai, f"SREConv{spatial_dims}d")
    assert Conv["sretrans", spatial_dims] is getattr(sre_monai, f"SREConvTranspose{spatial_dims}d")


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_harmonic_layers_are_in_monais_factory(spatial_dims):
    assert Conv["sre_harmonic", spatial_dims] is getattr(sre_monai, f"SREHarmonicConv{spatial_dims}d")


def test_monais_own_layers_are_left_alone():
    assert Conv["conv", 2].__name__ == "Conv2d"


@pytest.mark.slow
def test_layers_are_registered_when_monai_is_imported_later():
    lines = ("import sre_monai", "from monai.networks.layers import Conv", "print(Conv['sre', 2].__name__)")
    result = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "SREConv2d"

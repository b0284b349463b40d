import pytest
from monai.networks.layers import Conv

import sre_monai  # noqa: F401  (registers the layers)
from sre_monai.networks import layers


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_layers_are_in_monais_factory(spatial_dims):
    assert Conv["sre", spatial_dims] is getattr(layers, f"SREConv{spatial_dims}d")
    assert Conv["sretrans", spatial_dims] is getattr(layers, f"SREConvTranspose{spatial_dims}d")


def test_monais_own_layers_are_left_alone():
    assert Conv["conv", 2].__name__ == "Conv2d"

"""The conversion never ends in an error, and is exact or reports the reason, for every network of MONAI."""

import inspect
import re

import pytest
from monai.networks import nets
from torch import nn

from tests.networks.every_network import EVERY_NETWORK, NOT_BUILT

PATCHES = r"still breaks equivariance: \S*patch_embed\S*: Patch\w+ splits the image into patches"
DINTS = r"does not run at \(1, 1, 35, 47\): dints_space: "  # adds maps of two ways to the same resolution
NOT_EXACT = {
    "AHNet": r"conv1\.0: strides \(2, 1\) differ between axes",
    "Classifier": r"broken by final\.0 \(Flatten\)",
    "DiNTS": DINTS,
    "Discriminator": r"broken by final\.0 \(Flatten\)",
    "GlobalNet": r"broken by output_block \(AffineHead\)",
    "LocalNet": r"does not run at \(1, 1, 35, 47\): encode_pools\.0: .*even",
    "MaskedAutoEncoderViT": PATCHES,
    "MultiScalePatchDiscriminator": r"still breaks equivariance: discriminator_0\.1\.conv: Conv2d of an even size",
    "PatchDiscriminator": r"still breaks equivariance: 1\.conv: Conv2d of an even size",
    "PatchMerging": r"broken by .*\(Called\)",  # of the module itself
    "PatchMergingV2": r"broken by .*\(Called\)",
    "Quicknat": r"un_pool: MaxUnpool2d uses max-pooling indices",
    "RegUNet": r"does not run at \(1, 1, 35, 47\): encode_pools\.0: .*even",
    "Regressor": r"broken by final\.0 \(Flatten\)",
    "SPADENet": r"broken by network\.decoder \(SPADEDecoder\)",
    "SegResNetDS": r"does not run at \(1, 1, 35, 47\): .*divisible",
    "SegResNetDS2": r"does not run at \(1, 1, 35, 47\): .*divisible",
    "SwinUNETR": PATCHES,
    "TopologyInstance": DINTS,
    "TopologySearch": DINTS,
    "UNETR": PATCHES,
    "VarAutoEncoder": r"broken by .*\(VarAutoEncoder\)",
    "ViT": PATCHES,
    "ViTAutoEnc": PATCHES,
    "VoxelMorph": r"broken by network\.dvf2ddf \(DVF2DDF\)",  # a vector field turns with the image
}
FAST = (
    "AHNet",
    "AutoencoderKL",
    "Classifier",
    "DiNTS",
    "DiffusionModelUNet",
    "EfficientNet",
    "HighResBlock",
    "LocalNet",
    "MedNeXt",
    "PatchDiscriminator",
    "ResNetFeatures",
    "SegResNetVAE",
    "UNETR",
    "VQVAE",
    "ViT",
    "VoxelMorphUNet",
)


def assert_exact_or_explained(name):
    report = EVERY_NETWORK[name].report()
    if name in NOT_EXACT:
        assert re.search(NOT_EXACT[name], str(report)), str(report)
        assert all(report.failures.values())
    else:
        assert report.failures == {}
        assert len(report.equivariance) == len(EVERY_NETWORK[name].shapes)
        assert all(measured.is_equivariant for measured in report.equivariance), str(report)
        assert all(measured.worst > 0 for measured in report.equivariance)  # rounding: the output is not constant
        assert report.replaced


@pytest.mark.parametrize("name", FAST)
def test_a_network_of_every_kind(name):
    assert_exact_or_explained(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EVERY_NETWORK if name not in FAST])
def test_all_others(name):
    assert_exact_or_explained(name)


def test_no_network_is_left_out():
    classes = {}
    for name, value in vars(nets).items():
        if inspect.isclass(value) and issubclass(value, nn.Module):
            classes.setdefault(value, set()).add(name)
    listed = EVERY_NETWORK.keys() | NOT_BUILT.keys()
    assert [sorted(names) for names in classes.values() if not names & listed] == []
    assert not EVERY_NETWORK.keys() & NOT_BUILT.keys()
    assert NOT_EXACT.keys() <= EVERY_NETWORK.keys()

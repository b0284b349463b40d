"""What users import. A change here is one that CHANGELOG.md tells them about."""

import inspect
import re
import subprocess
import sys

import pytest
from monai.bundle import ConfigParser

import sre_monai

NAMES = """
    ConversionReport EquivarianceReport SREBasicBlock SREBottleneck SREConv1d SREConv2d SREConv3d SREConvTranspose1d
    SREConvTranspose2d SREConvTranspose3d SREConvolution SREHarmonicConv2d SREHarmonicConv3d SREResNet SRETwoConv
    SREUNet SREWNet SymmetricAvgPool SymmetricMaxPool SymmetricSlidingWindowInferer SymmetricUpsample
    VesselSegmentation VesselSegmenter VolumeSegmentation VolumeSegmenter
    check_equivariance convert_to_sre expand_kernel export_network fold_sre fuse harmonic_conv load_sre_conv_state_dict
    load_weights ring_basis ring_conv sre_r3d_18 sre_resnet18 sre_resnet50 to_sre_conv_state_dict upsample_to
    """
PACKAGES = """
    conversion engines evaluation handlers inferers io medmnist metrics networks retina runs transforms visualize
    volumes
    """


def test_the_names():
    assert set(sre_monai.__all__) == {*NAMES.split(), *PACKAGES.split()}
    assert dir(sre_monai) == sorted(sre_monai.__all__)


@pytest.mark.parametrize("name", NAMES.split())
def test_each_is_there_and_documented(name):
    public = getattr(sre_monai, name)
    assert public.__name__ == name
    documentation = inspect.getdoc(public)
    assert documentation is not None
    assert len(documentation) > 20


def test_the_reference_lists_them(repository):
    page = (repository / "docs" / "reference" / "sre_monai.md").read_text(encoding="utf-8")
    rows = " ".join(line.partition("|")[2] for line in page.splitlines() if line.startswith("| "))
    assert set(re.findall(r"`(\w+)`", rows)) == set(sre_monai.__all__)


def test_configurations_can_name_them():
    arguments = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "features": (4, 4, 4, 4)}
    parser = ConfigParser({"network": {"_target_": "sre_monai.SREUNet", **arguments}})
    assert type(parser.get_parsed_content("network")) is sre_monai.SREUNet


@pytest.mark.parametrize("name", PACKAGES.split())
def test_each_package_declares_what_it_has(name):
    package = getattr(sre_monai, name)
    assert package.__name__ == f"sre_monai.{name}"
    assert all(hasattr(package, public) for public in package.__all__)


@pytest.mark.slow
def test_each_package_can_be_imported_first():
    code = """
import importlib, os, sys
import monai
for package in sys.argv[1:]:
    child = os.fork()  # each starts without any of ours, and need not import MONAI again
    if not child:
        importlib.import_module(f"sre_monai.{package}")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        sys.exit(f"sre_monai.{package} cannot be imported first")
"""
    subprocess.run([sys.executable, "-c", code, *PACKAGES.split()], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="SRENet"):
        _ = sre_monai.SRENet
    with pytest.raises(ImportError, match="SRENet"):
        from sre_monai import SRENet  # noqa: F401


def test_import_is_light():
    code = """
import time
import monai, torch
start = time.process_time()
import sre_monai
print(time.process_time() - start < 0.3)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "True"

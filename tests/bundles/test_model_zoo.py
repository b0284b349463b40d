"""The bundles pass the checks of MONAI's Model Zoo, and export to every format.

The calls of MONAI are those of the zoo's ``ci/verify_bundle.py``, with its defaults: ``network_def`` of
``configs/inference.json``.
"""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import monai.bundle
import pytest
import torch
from monai.bundle import ckpt_export, onnx_export, run, verify_metadata, verify_net_in_out
from packaging.version import Version
from torch import nn

import sre_monai
from sre_monai_cli.bundles import HIPPOCAMPUS
from tests.bundles import medmnist_toy, toy
from tests.without_the_package import assert_same

README_SECTIONS = (
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Performance",
    "Additional Usage Steps",
    "System Configuration",
    "Limitations",
    "Citation",
    "References",
)
LARGEST_FILE = 25 * 2**20  # bytes; the zoo wants larger ones in large_files.yml
SIZES = {2: (64, 96), 3: (32, 48, 40)}  # pixels or voxels, by the number of axes
ENTRIES = {"monai": "monai", "torch": "pytorch", "numpy": "numpy"}  # what the metadata calls these distributions
REQUIRED_ENTRIES = (
    "version",
    "changelog",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)


class Bundle:
    """A bundle in a folder of its own, as it lies in the Model Zoo, with its network."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.root = name, folder / name
        source = Path(sre_monai.__file__).parents[1] / "bundles" / name
        shutil.copytree(source, self.root, ignore=shutil.ignore_patterns("output", "baselines"))
        self.meta_file = self.path("metadata.json")
        self.metadata: dict[str, Any] = json.loads(Path(self.meta_file).read_text())
        image = self.metadata["network_data_format"]["inputs"]["image"]
        self.channels, self.spatial_dims = image["num_channels"], len(image["spatial_shape"])

    def path(self, config: str) -> str:
        return str(self.root / "configs" / config)

    def network(self) -> nn.Module:
        network = self.parse().get_parsed_content("network_def").eval()
        network.load_state_dict(torch.load(self.root / "models" / "model.pt", weights_only=True))
        return network

    def parse(self) -> monai.bundle.ConfigParser:
        parser = monai.bundle.ConfigParser()
        parser.read_config(self.path("inference.json"))
        return parser

    def export(self, command: Any, filepath: Path, **arguments: Any) -> None:
        """Run one of MONAI's export commands with the arguments that the zoo gives."""
        command(
            net_id="network_def",
            filepath=str(filepath),
            ckpt_file=str(self.root / "models" / "model.pt"),
            meta_file=self.meta_file,
            config_file=self.path("inference.json"),
            bundle_root=str(self.root),
            **arguments,
        )

    def input_shape(self, odd: bool = False) -> list[int]:
        return [1, self.channels, *(n + odd for n in SIZES[self.spatial_dims])]

    def inputs(self) -> list[torch.Tensor]:
        return [torch.rand(self.input_shape(odd)) for odd in (False, True)]


@pytest.fixture(scope="module", params=[toy.NAME, medmnist_toy.NAME, HIPPOCAMPUS])
def bundle(request, tmp_path_factory) -> Bundle:
    return Bundle(request.param, tmp_path_factory.mktemp("models"))


def test_directory(bundle):
    for name in ("LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf", "models/model.pt"):
        assert (bundle.root / name).stat().st_size > 0, name
    assert all(path.stat().st_size <= LARGEST_FILE for path in bundle.root.rglob("*"))


def test_readme_has_the_sections_of_the_zoo(bundle):
    titles = re.findall(r"^#+ (.+)$", (bundle.root / "docs" / "README.md").read_text(), flags=re.MULTILINE)
    assert [title for title in titles if title in README_SECTIONS] == list(README_SECTIONS)


def test_no_path_is_absolute_or_leads_out_of_the_bundle(bundle):
    for path in bundle.root.rglob("*.*"):
        if path.suffix in (".json", ".yaml", ".conf", ".txt", ".md"):
            text = path.read_text()
            assert not re.search(r"/(home|root|Users|mnt|media|tmp|workspace)/|~/|[A-Z]:\\|\.\./\.\./", text), path.name


def test_version(bundle):
    assert bundle.metadata["version"] in bundle.metadata["changelog"]
    assert bundle.metadata["version"] == bundle.metadata["required_packages_version"]["sre-monai"]
    assert bundle.metadata["version"] == sre_monai.__version__


def test_required_packages_are_what_pip_installs(bundle):
    """Each is a distribution, and its version one that this environment has or exceeds."""
    required = bundle.metadata["required_packages_version"]
    own = {name: bundle.metadata[f"{key}_version"] for name, key in ENTRIES.items()}
    for name, wanted in {**required, **own}.items():
        installed = (
            sre_monai.__version__ if name == "sre-monai" else version(name)
        )  # a clone is newer than its metadata
        assert Version(installed) >= Version(wanted), name


def test_metadata(bundle):
    """What the schema asks for, without the schema."""
    assert all(bundle.metadata.get(name) for name in REQUIRED_ENTRIES)
    assert "optional_packages_version" not in bundle.metadata
    for tensors in bundle.metadata["network_data_format"].values():
        for tensor in tensors.values():
            assert {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"} <= tensor.keys()
            assert len(tensor["channel_def"]) == tensor["num_channels"]


def test_metadata_follows_the_schema(bundle, shared_data):
    verify_metadata(meta_file=bundle.meta_file, filepath=str(shared_data / "monai_meta_schema_20240725.json"))


@pytest.mark.parametrize("n", [1, 2], ids=["even size", "odd size"])
def test_data_shape(bundle, n):
    verify_net_in_out(
        net_id="network_def",
        meta_file=bundle.meta_file,
        config_file=bundle.path("inference.json"),
        bundle_root=str(bundle.root),
        n=n,
    )


@pytest.mark.parametrize("workflow_type", ["train", "inference"])
def test_load(bundle, workflow_type, tmp_path, monkeypatch):
    """Needs no data and gives the network with its weights."""
    monkeypatch.chdir(tmp_path)
    loaded = monai.bundle.load(
        bundle.name, bundle_dir=bundle.root.parent, source="github", workflow_type=workflow_type, device="cpu"
    )
    expected = bundle.network().state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.state_dict().items())


@pytest.mark.slow
def test_torchscript(bundle, tmp_path):
    bundle.export(ckpt_export, tmp_path / "verify_model.ts")
    assert_same(bundle.network(), tmp_path / "verify_model.ts", *bundle.inputs())


@pytest.mark.slow
def test_traced_torchscript(bundle, tmp_path):
    bundle.export(ckpt_export, tmp_path / "model.ts", use_trace=True, input_shape=bundle.input_shape())
    assert_same(bundle.network(), tmp_path / "model.ts", *bundle.inputs())


@pytest.mark.slow
def test_onnx(bundle, tmp_path):
    """MONAI's command exports one size."""
    bundle.export(onnx_export, tmp_path / "model.onnx", input_shape=bundle.input_shape())
    assert_same(bundle.network(), tmp_path / "model.onnx", bundle.inputs()[0])


@pytest.mark.slow
@pytest.mark.parametrize("bundle", [medmnist_toy.NAME, HIPPOCAMPUS], indirect=True)
def test_export(bundle, tmp_path):
    """The bundle's own export takes any size; that of the retina bundle, and ``.pt2``, have tests of their own."""
    filepath = tmp_path / "model.onnx"
    configs = [bundle.path("inference.json"), bundle.path("export.json")]
    run(config_file=configs, bundle_root=str(bundle.root), filepath=str(filepath))
    assert_same(bundle.network(), filepath, *bundle.inputs())

"""The bundle keeps to MONAI's specification: https://monai.readthedocs.io/en/latest/mb_specification.html."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import monai.bundle
import pytest
import torch
from monai.bundle import ConfigWorkflow, create_workflow, verify_metadata, verify_net_in_out
from monai.networks.nets import BasicUNet

import sre_monai
from sre_monai.networks.nets import SREUNet
from tests.bundles.toy import BUNDLE, NAME, SHORT, config_files, copy_bundle, parse, photographs

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


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture
def metadata() -> dict[str, Any]:
    return json.loads((BUNDLE / "configs" / "metadata.json").read_text())


@pytest.mark.parametrize("name", ["LICENSE", "configs/metadata.json", "configs/logging.conf", "docs/data_license.txt"])
def test_files_are_there(name):
    assert (BUNDLE / name).stat().st_size > 0


def test_readme_has_the_sections_of_the_model_zoo():
    titles = re.findall(r"^#+ (.+)$", (BUNDLE / "docs" / "README.md").read_text(), flags=re.MULTILINE)
    assert [title for title in titles if title in README_SECTIONS] == list(README_SECTIONS)


def test_configurations_contain_no_personal_paths():
    for path in filter(Path.is_file, (BUNDLE / "configs").rglob("*")):
        assert not re.search(r"/(home|root|Users|mnt|media|tmp|workspace)/|~/|[A-Z]:\\", path.read_text()), path.name


@pytest.mark.parametrize(("name", "workflow_type"), [("train.json", "train"), ("inference.json", "inference")])
def test_workflow_has_all_properties(name, workflow_type, bundle, data, tmp_path):
    overrides = {"dataset_dir": str(data), "output_dir": str(tmp_path / "output")}
    if workflow_type == "train":
        overrides |= SHORT
    workflow = create_workflow(
        config_file=str(bundle / "configs" / name),
        workflow_type=workflow_type,
        bundle_root=str(bundle),
        logging_file=False,
        **overrides,
    )
    assert isinstance(workflow, ConfigWorkflow)
    assert workflow.check_properties() == []
    assert workflow.version == sre_monai.__version__


@pytest.mark.parametrize("workflow_type", ["train", "inference"])
def test_load_needs_no_data_and_returns_the_network_with_its_weights(workflow_type, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = monai.bundle.load(
        NAME, bundle_dir=bundle.parent, source="github", workflow_type=workflow_type, device="cpu"
    )
    assert isinstance(network, SREUNet)
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert weights.keys() == network.state_dict().keys()
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())


def test_metadata_follows_the_schema(shared_data):
    verify_metadata(
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        filepath=str(shared_data / "monai_meta_schema_20240725.json"),
    )


def test_metadata_tells_its_versions(metadata):
    assert metadata["version"] in metadata["changelog"]
    assert metadata["version"] == metadata["required_packages_version"]["sre-monai"] == sre_monai.__version__


@pytest.mark.parametrize("name", ["train.json", "inference.json"])
@pytest.mark.parametrize("n", [1, 2], ids=["even size", "odd size"])
def test_network_inputs_and_outputs_match_the_metadata(name, n):
    verify_net_in_out(
        "network_def", str(BUNDLE / "configs" / "metadata.json"), config_files(name)[0], device="cpu", n=n
    )


def test_metadata_and_configurations_agree_on_the_network(metadata):
    data_format = metadata["network_data_format"]
    train, inference = parse("train.json"), parse("inference.json")
    assert train["net"] == inference["net"]
    for network in (train["network_def"], inference["network_def"]):
        assert network["in_channels"] == data_format["inputs"]["image"]["num_channels"]
        assert network["out_channels"] == data_format["outputs"]["pred"]["num_channels"]


@pytest.mark.parametrize(
    ("names", "evaluator"),
    [
        (["train.json", "evaluate.json"], "validate#evaluator"),
        (["train.json", "evaluate.json", "rotation.json"], "validate#evaluator"),
        (["inference.json"], "evaluator"),
    ],
    ids=["evaluate", "rotation", "inference"],
)
def test_plain_unet_is_the_last_overlay(names, evaluator, data, tmp_path):
    checkpoint = tmp_path / "plain.pt"
    torch.save(BasicUNet(2, 3, 2, features=(32, 32, 64, 128, 256, 32), norm="batch").state_dict(), checkpoint)
    parser = parse(
        *names,
        "models/plain_unet.yaml",
        dataset_dir=str(data),
        output_dir=str(tmp_path / "output"),
        checkpoint=str(checkpoint),
        device="$torch.device('cpu')",
    )
    network = parser.get_parsed_content(evaluator).network
    assert isinstance(network, BasicUNet)
    assert network(torch.zeros(1, 3, 65, 98)).shape == (1, 2, 65, 98)

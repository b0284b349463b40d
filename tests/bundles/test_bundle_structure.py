"""The bundle keeps to MONAI's specification: https://monai.readthedocs.io/en/latest/mb_specification.html."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow, create_workflow, verify_net_in_out
from monai.networks.nets import BasicUNet

import sre_monai
from tests.bundles.toy import BUNDLE, SHORT, config_files, copy_bundle, parse, photographs


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture
def metadata() -> dict[str, Any]:
    return json.loads((BUNDLE / "configs" / "metadata.json").read_text())


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


@pytest.mark.parametrize("n", [1, 2], ids=["even size", "odd size"])
def test_network_of_training_matches_the_metadata(n):
    metadata = str(BUNDLE / "configs" / "metadata.json")
    verify_net_in_out("network_def", metadata, config_files("train.json")[0], device="cpu", n=n)


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
        "recipes/plain_unet.yaml",
        dataset_dir=str(data),
        output_dir=str(tmp_path / "output"),
        checkpoint=str(checkpoint),
        device="$torch.device('cpu')",
    )
    network = parser.get_parsed_content(evaluator).network
    assert isinstance(network, BasicUNet)
    assert network(torch.zeros(1, 3, 65, 98)).shape == (1, 2, 65, 98)

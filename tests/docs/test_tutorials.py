"""The tutorials, with small networks and data."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, run
from PIL import Image

from sre_monai.networks.layers import SREConv3d
from tests.bundles.toy import BUNDLE, SMALL, copy_bundle, parse

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"


def tutorial(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TUTORIALS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_tutorial_is_tested():
    names = {path.stem for path in TUTORIALS.glob("*.py")}
    assert names == {"add_to_pipeline", "convert_zoo_network", "export", "segment_volumes"}


def test_add_to_pipeline(tmp_path, capsys):
    dice = tutorial("add_to_pipeline").main(tmp_path, count=4, size=(80, 73), epochs=2, crop=48)
    assert 0 <= dice <= 1
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size == (80, 73)
    assert "equivariant at (1, 3, 80, 73)" in capsys.readouterr().out


@pytest.mark.slow
def test_segment_volumes(tmp_path, capsys):
    rows = tutorial("segment_volumes").main(tmp_path, size=33, count=3, steps=12, crop=32, channels=4)
    assert [(row["axis"], row["angle"]) for row in rows[:2]] == [("x", 0), ("x", 15)]
    assert len(rows) == 15
    at_right_angles = [row["SRE"] for row in rows if row["angle"] % 90 == 0]
    assert max(at_right_angles) - min(at_right_angles) < 1e-4
    assert at_right_angles[0] > 0
    assert len((tmp_path / "rotation.csv").read_text().splitlines()) == 16
    mask = nib.load(tmp_path / "masks" / "00_image_mask.nii.gz")
    image = nib.load(tmp_path / "volumes" / "00_image.nii.gz")
    assert mask.shape == image.shape == (33, 33, 33)
    np.testing.assert_allclose(mask.affine, image.affine)
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size == (3 * 33 * 6, 33 * 6)
        assert np.asarray(picture).max() == 255
    printed = capsys.readouterr().out
    assert "not equivariant at (1, 1, 32, 33, 35)" in printed
    assert "\nequivariant at (1, 1, 32, 33, 35)" in printed


@pytest.fixture
def zoo_bundle(tmp_path: Path) -> Path:
    """A small bundle with the identifiers of the Model Zoo's bundles: network, data and training."""
    volumes = tutorial("segment_volumes").write_volumes(tmp_path / "data", 3, 24)
    config = {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "datalist": volumes,
        "network_def": {
            "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
            "channels": [4, 8, 8], "strides": [2, 2], "num_res_units": 1, "norm": "batch",
        },
        "network": "$@network_def",
        "train": {
            "preprocessing": {
                "_target_": "Compose",
                "transforms": [
                    {"_target_": "LoadImaged", "keys": ["image", "label"]},
                    {"_target_": "EnsureChannelFirstd", "keys": ["image", "label"]},
                ],
            },
            "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@train#preprocessing"},
            "dataloader": {"_target_": "DataLoader", "dataset": "@train#dataset", "batch_size": 3},
            "trainer": {
                "_target_": "SupervisedTrainer", "max_epochs": 1, "device": "$torch.device('cpu')",
                "train_data_loader": "@train#dataloader", "network": "@network",
                "loss_function": {"_target_": "DiceCELoss", "to_onehot_y": True, "softmax": True},
                "optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()"},
            },
        },
        "run": ["$@train#trainer.run()", "$torch.save(@network.state_dict(), @bundle_root + '/models/model.pt')"],
    }  # fmt: skip
    bundle = tmp_path / "organ_ct_segmentation"
    (bundle / "models").mkdir(parents=True)
    (bundle / "configs").mkdir()
    (bundle / "configs" / "train.json").write_text(json.dumps(config))
    return bundle


@pytest.mark.slow
def test_convert_zoo_network(zoo_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train = zoo_bundle / "configs" / "train.json"
    before = train.read_text()
    report = tutorial("convert_zoo_network").main(zoo_bundle, Path("convert.json"), kernel_size=3)
    assert all(measured.is_equivariant for measured in report.equivariance)
    printed = capsys.readouterr().out
    assert "→ SymmetricAvgPool" in printed
    assert "python -m monai.bundle run" in printed
    run(config_file=[str(train), "convert.json"], bundle_root=str(zoo_bundle))
    assert train.read_text() == before
    parser = ConfigParser()
    parser.read_config([str(train), "convert.json"])
    network = parser.get_parsed_content("network_def")
    assert any(isinstance(module, SREConv3d) for module in network.modules())
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    weights = torch.load(zoo_bundle / "models" / "model.pt", weights_only=True)
    network.load_state_dict(weights)
    assert any(not torch.equal(fresh[name], value) for name, value in weights.items())


@pytest.mark.slow
def test_export(tmp_path, capsys):
    bundle = copy_bundle(tmp_path)
    config = bundle / "configs" / "inference.json"
    parser = parse("inference.json", **SMALL)
    config.write_text(json.dumps(parser.get()))
    torch.save(parser.get_parsed_content("network_def").state_dict(), bundle / "models" / "model.pt")
    differences = tutorial("export").main(bundle, tmp_path / "files")
    assert set(differences) == {".onnx", ".pt2"}
    assert max(differences.values()) < 1e-4
    assert capsys.readouterr().out.count("(1, 2, 201, 190)") == 2
    assert bundle != BUNDLE

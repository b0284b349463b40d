"""Each weight file has a recipe, whose merged configuration is the one that made it, and a record that fits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from sre_monai.networks.nets import build_classifier
from sre_monai_cli import find_bundle
from sre_monai_cli.bundles import HIPPOCAMPUS
from sre_monai_cli.configuration import read_configuration

RETINA, MEDMNIST, HEADS = find_bundle(), find_bundle("medmnist_classification"), find_bundle(HIPPOCAMPUS)
WEIGHTS = sorted(path for bundle in (RETINA, MEDMNIST) for path in (bundle / "models").rglob("*.pt"))
WEIGHTS += [HEADS / "models" / "model.pt"]  # the networks it is compared with are overlays in configs/models
PREFIXES = {RETINA: "", MEDMNIST: "medmnist ", HEADS: "hippocampus "}

OF_THE_RUN = {  # what a configuration has besides the settings of a training
    *("imports", "initialize", "run", "identity", "validate", "network", "averaged_network", "checkpoint"),
    *("bundle_root", "output_dir", "dataset_dir", "device", "on_gpu", "resume", "save_interval"),
}
OF_THE_TRAINING = (
    *("random_transforms", "deterministic_transforms", "preprocessing", "dataset", "dataloader", "trainer"),
)
DIGESTS = {  # of the configurations with which the weights were trained, merged of several files at the time
    "drive": "20b178ce5892bbcf",
    "model": "2a130b6eea613a2d",
    "sre_harmonics": "9d67bcd3388a2c62",
    "paper": "f7537bc3d03ba58e",
    "sre_gaussian": "0479471969e0bcbe",
    "sre_bands": "a1b0b2b6df32f83b",
    "plain_unet": "cb16e06d720c494f",
    "plain_unet_rotated": "f6be67a659a220e5",
    "plain_unet_small": "060ddb6ef50759e8",
    "plain_unet_small_longer": "bf178f356d13dfff",
    "medmnist model": "f8297295a0f30736",
    "medmnist adrenalmnist3d": "c14b082e94adb1c8",
    "hippocampus model": "20a0701e72e5c108",
}
IMAGES = {
    **{"drive": 20, "model": 65, "medmnist model": 546, "medmnist adrenalmnist3d": 1188},
    "hippocampus model": 176,
}
"""Training images; of all others DRIVE's 20."""


def bundle_of(weights: Path) -> Path:
    return next(folder for folder in weights.parents if (folder / "configs").is_dir())


def name_of(weights: Path) -> str:
    return PREFIXES[bundle_of(weights)] + weights.stem


def files_of(weights: Path) -> list[Path]:
    configs = bundle_of(weights) / "configs"
    return [configs / "train.json", configs / "recipes" / f"{weights.stem}.yaml"]


def record_of(weights: Path) -> dict[str, Any]:
    return json.loads(weights.with_suffix(".json").read_text())


def test_every_recipe_has_weights():
    recipes = {path.stem for path in (RETINA / "configs" / "recipes").iterdir()}
    assert recipes == {path.stem for path in WEIGHTS if bundle_of(path) == RETINA}
    assert len(DIGESTS) == len(WEIGHTS)


@pytest.mark.parametrize("weights", WEIGHTS, ids=name_of)
def test_recipe_is_the_configuration_that_made_the_weights(weights):
    """Where a setting of train.json changes on purpose, its recipes take over the former value."""
    merged = read_configuration(files_of(weights))
    settings = {name: value for name, value in merged.items() if name not in OF_THE_RUN}
    settings["train"] = {name: merged["train"][name] for name in OF_THE_TRAINING if name in merged["train"]}
    settings["transforms"].pop("check_label", None)  # it changes nothing
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    assert digest[:16] == DIGESTS[name_of(weights)]


@pytest.mark.parametrize("weights", WEIGHTS, ids=name_of)
def test_record_fits_the_recipe(weights):
    record, name = record_of(weights), name_of(weights)
    parser = ConfigParser(read_configuration(files_of(weights)))
    assert parser.get_parsed_content("seed") == record["seed"]
    if name != "model":  # its run changed to mixed precision on the way
        assert parser.get_parsed_content("amp") == record.get("mixed_precision", False)
    batch = parser[{RETINA: "images_per_batch", MEDMNIST: "batch_size", HEADS: "volumes_per_batch"}[bundle_of(weights)]]
    steps = -(-IMAGES.get(name, 20) // batch)
    assert parser.get_parsed_content("max_epochs") * steps == record["steps"]


@pytest.mark.parametrize("weights", WEIGHTS, ids=name_of)
def test_network_of_the_recipe_takes_the_weights(weights):
    parser = ConfigParser(read_configuration(files_of(weights)))
    if bundle_of(weights) != MEDMNIST:
        network = parser.get_parsed_content("network_def")
    else:
        dims = 3 if weights.stem == "adrenalmnist3d" else 2
        network = build_classifier(parser["net"], dims, 1, 2, parser["net_settings"])
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    assert sum(p.numel() for p in network.parameters()) == record_of(weights)["parameters"]


@pytest.mark.parametrize("weights", WEIGHTS, ids=name_of)
def test_model_card_has_the_command(weights):
    card = (bundle_of(weights) / "docs" / "README.md").read_text(encoding="utf-8")
    path = weights.relative_to(bundle_of(weights)).as_posix()
    [row] = [line for line in card.splitlines() if line.startswith(f"| `{path}`")]
    assert "`sre-monai train " in row
    assert f"--overlay recipes/{weights.stem}.yaml`" in row

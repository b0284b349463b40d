"""Helpers for the tests of evaluate.json and rotation.json: photographs of several sizes, random weights, a run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import run
from PIL import Image

from sre_monai.networks.nets import SREUNet
from sre_monai.retina.data.synthetic_fundus import synthetic_fundus
from tests.bundles.toy import BUNDLE, config_files

SIZES = ((96, 89), (120, 107), (75, 96))  # the second one is far from the working resolution
NETWORK: dict[str, Any] = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "profile": "gaussian"}
NETWORK |= {"features": [4, 4, 8, 4], "kernel_size": 3, "harmonics": [1, 2]}


def write_dataset(folder: Path) -> Path:
    """Write a data set of one training and three test images; the first two test images have a second observer."""
    items = []
    for index, size in enumerate((*SIZES, SIZES[0])):
        eye = synthetic_fundus(size, seed=index)
        second = np.roll(eye.vessels, 1, axis=0) & eye.fov
        arrays = {"image": eye.image, "label": eye.vessels, "fov": eye.fov, "second_observer": second}
        items.append({key: f"{key}s/{index:02d}.png" for key in arrays})
        for key, name in items[-1].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            pixels = arrays[key] if key == "image" else arrays[key].astype(np.uint8) * 255
            Image.fromarray(pixels).save(folder / name)
    del items[2]["second_observer"]
    (folder / "datalist.json").write_text(json.dumps({"name": "toy", "training": items[3:], "test": items[:3]}))
    return folder


def write_weights(path: Path) -> SREUNet:
    """Save a network with random weights that classifies part of the pixels as vessels."""
    torch.manual_seed(46)
    network = SREUNet(**NETWORK)
    with torch.no_grad():
        for parameter in network.final_conv.parameters():
            parameter.mul_(10)
    torch.save(network.state_dict(), path)
    return network.eval()


def run_bundle(*names: str, **overrides: Any) -> None:
    """Run train.json with overlays and the tiny network, on the CPU."""
    settings = {f"network_def#{key}": value for key, value in NETWORK.items()}
    settings |= {"bundle_root": str(BUNDLE), "working_diameter": 84, "device": "$torch.device('cpu')"}
    run(config_file=config_files("train.json", *names), **(settings | overrides))


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))

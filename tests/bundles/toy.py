"""Helpers for the tests of the bundles: a copy of the bundle, synthetic photographs, a short training run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from sre_monai.retina.data.synthetic_fundus import write_synthetic_dataset

NAME = "retina_fundus_vessel_segmentation"
BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / NAME

SMALL: dict[str, Any] = {"network_def#features": [4, 4, 8, 4], "network_def#kernel_size": 3}
"""Overrides that make the network small."""

SHORT: dict[str, Any] = {
    "max_epochs": 2,
    "val_interval": 1,
    "validation_count": 2,
    "crop_size": 48,
    "images_per_batch": 2,
    "working_diameter": 84,
    "device": "$torch.device('cpu')",
}
"""Overrides of train.json that make a training short."""


def config_files(*names: str, bundle: Path = BUNDLE) -> list[str]:
    """Paths of configurations, as ``config_file`` takes them."""
    return [str(bundle / "configs" / name) for name in names]


def copy_bundle(folder: Path) -> Path:
    """Copy the bundle, with random weights if it has none."""
    bundle = folder / NAME
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("output", "eval"))
    weights = bundle / "models" / "model.pt"
    if not weights.is_file():
        weights.parent.mkdir(exist_ok=True)
        torch.save(parse("train.json").get_parsed_content("network_def").state_dict(), weights)
    return bundle


def parse(*names: str, **overrides: Any) -> ConfigParser:
    """Read configurations (later files override earlier ones) and override entries."""
    parser = ConfigParser()
    parser.read_config(config_files(*names))
    parser.update(overrides)
    return parser


def photographs(folder: Path, size: tuple[int, int] = (96, 89)) -> Path:
    """Write eight synthetic photographs: four for training, four for test."""
    return write_synthetic_dataset(folder, count=8, size=size)

"""Helpers for the tests of the bundle medmnist_classification: a copy of it, small data sets, short runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, run

NAME = "medmnist_classification"
BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / NAME

SMALL: dict[str, Any] = {
    "device": "$torch.device('cpu')",
    "net_settings": {"features": [4, 4, 8, 8]},
    "image_size": 16,
}
SHORT: dict[str, Any] = SMALL | {"max_epochs": 2, "batch_size": 4}


def config_files(*names: str, bundle: Path = BUNDLE) -> list[str]:
    """Paths of configurations, as ``config_file`` takes them."""
    return [str(bundle / "configs" / name) for name in names]


def parse(*names: str, **overrides: Any) -> ConfigParser:
    """Read configurations (later files override earlier ones) and override entries."""
    parser = ConfigParser()
    parser.read_config(config_files(*names))
    parser.update(overrides)
    return parser


def run_bundle(*names: str, **overrides: Any) -> None:
    """Run configurations of the repository's bundle in this process."""
    run(config_file=config_files(*names), logging_file=False, **SHORT | overrides)


def copy_bundle(folder: Path) -> Path:
    """Copy the bundle, without the results of earlier runs."""
    bundle = folder / NAME
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("output"))
    return bundle

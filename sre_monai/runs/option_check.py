"""Check the options of a bundle's command against its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser

from sre_monai_cli.options import check_overrides, read_options


def check_options(files: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """Check what a command overrides, by the configuration files it names and the bundle's ``options.json``.

    For the ``initialize`` step of a bundle's configuration, as ``$check_options(*bundle_command())``: MONAI adds
    whatever is overridden, so that a misspelt option would be ignored.

    Args:
        files: paths of the configuration files.
        overrides: values by id, both as `sre_monai.runs.monai_internals.bundle_command` gives them.

    Raises:
        ValueError: for the first wrong option, with the nearest name or what is expected.

    Examples:
        >>> Path("train.json").write_text('{"epochs": 3}')
        13
        >>> check_options(["train.json"], {"epoch": 4})
        Traceback (most recent call last):
        ValueError: epoch: the configuration has no such option; did you mean epochs?
    """
    check_overrides(overrides, ConfigParser.load_config_files(files), read_options(files))

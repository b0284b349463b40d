"""Check the options of a bundle's command against its configuration."""

from __future__ import annotations

import traceback
from inspect import signature
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow
from monai.utils import ensure_tuple

from sre_monai_cli.options import check_overrides, read_options

__all__ = ["check_options"]


def check_options() -> None:
    """Check what the command overrides, by the configuration files it names and the bundle's ``options.json``.

    For the ``initialize`` step of a bundle's configuration: MONAI adds whatever is overridden, so that a misspelt
    option would be ignored.

    Raises:
        ValueError: for the first wrong option, with the nearest name or what is expected.

    Examples:
        >>> check_options()  # outside of a bundle's command there is nothing to compare
    """
    command = _command()
    if command is not None:
        files, overrides = command
        check_overrides(overrides, ConfigParser.load_config_files(files), read_options(files))


def _command() -> tuple[list[str], dict[str, Any]] | None:
    """Configuration files and overrides of the MONAI command that is being carried out."""
    for frame, _ in traceback.walk_stack(None):
        if frame.f_code is create_workflow.__code__:
            own = signature(ConfigWorkflow).parameters
            given = frame.f_locals["_args"].items()
            overrides = {str(key).replace("::", "#"): value for key, value in given if key not in own}
            return [str(file) for file in ensure_tuple(frame.f_locals["config_file"])], overrides
    return None

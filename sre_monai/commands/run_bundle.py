"""A run of a bundle: ``sre-monai segment`` and the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.bundle import run

from sre_monai.runs.errors import report_user_errors

__all__ = ["run_bundle"]


def run_bundle(arguments: Mapping[str, Any]) -> int:
    """Run a bundle in this process, so that wrong file and option names are reported, too.

    Args:
        arguments: of ``monai.bundle.run``, overrides by their id included.

    Returns:
        The exit status, 0; a run that fails raises.

    Examples:
        >>> run_bundle({"config_file": "bundle/configs/inference.json", "threshold": 0.4})  # doctest: +SKIP
    """
    report_user_errors()
    run(**arguments)
    return 0

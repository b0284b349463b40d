"""A run of a bundle: ``sre-monai segment`` and the others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from monai.bundle import run
from monai.utils import ensure_tuple

from sre_monai.runs.errors import report_user_errors
from sre_monai.runs.monai_internals import ignore_advisory
from sre_monai_cli.bundles import comes_with_package


def run_bundle(arguments: Mapping[str, Any]) -> int:
    """Run a bundle in this process, so that wrong file and option names are reported, too.

    MONAI warns of every configuration that it may run any code. It need not where all are the package's own.

    Args:
        arguments: of ``monai.bundle.run``, overrides by their id included.

    Returns:
        The exit status, 0; a run that fails raises.

    Examples:
        >>> run_bundle({"config_file": "bundle/configs/inference.json", "threshold": 0.4})  # doctest: +SKIP
    """
    report_user_errors()
    files = ensure_tuple(arguments.get("config_file", ()))
    with warnings.catch_warnings():  # until the end of this run
        if "args_file" not in arguments and all(map(comes_with_package, files)):
            ignore_advisory()
        run(**arguments)
    return 0

"""The package's version."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

__all__ = ["package_version"]


def package_version() -> str:
    """Read the version of the code that would run, without importing it.

    Returns:
        The version of the package ``sre_monai``.

    Examples:
        >>> package_version().count(".")
        2
    """
    spec = find_spec("sre_monai")
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    found = re.search(r'^__version__ = "(.+)"', source, flags=re.MULTILINE)
    return found[1] if found else "unknown"

"""Prepare a data set: the same as ``sre-monai prepare``, see ``--help`` and docs/data.md."""

from __future__ import annotations

import sys

from sre_monai.commands.prepare import run_prepare

if __name__ == "__main__":
    sys.exit(run_prepare())

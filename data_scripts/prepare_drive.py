"""Prepare DRIVE for MONAI: see `--help` and README.md."""

from __future__ import annotations

import sys

from sre_monai.data import DRIVE
from sre_monai.data.command_line import run_prepare

if __name__ == "__main__":
    sys.exit(run_prepare(DRIVE))

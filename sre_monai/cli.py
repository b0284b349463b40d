"""`sre_monai_cli` under the name by which scripts of earlier installations know it."""

from sre_monai_cli import find_bundle, long_command, main

__all__ = ["find_bundle", "long_command", "main"]

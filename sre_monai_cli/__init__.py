"""The command ``sre-monai``.

It stands beside the package `sre_monai`, not in it: whoever imports that waits for PyTorch and MONAI. Help, and the
sentence about a wrong option, should not wait.
"""

from sre_monai_cli.bundles import find_bundle
from sre_monai_cli.command_line import long_command, main

__all__ = ["find_bundle", "long_command", "main"]

"""`sre_monai_cli` under its former name, for existing scripts."""

import sys

from sre_monai_cli import find_bundle, long_command, main

__all__ = ["find_bundle", "long_command", "main"]

if __name__ == "__main__":
    sys.exit(main())

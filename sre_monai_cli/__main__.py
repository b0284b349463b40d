"""``python -m sre_monai_cli``."""

import sys

from sre_monai_cli.command_line import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m sre_monai_cli``."""

import sys

if not sys.flags.safe_path and not __file__.startswith(sys.path[0]):
    del sys.path[0]  # the working folder: a torch.py beside someone's photographs is not to be imported

from sre_monai_cli.command_line import main

if __name__ == "__main__":
    sys.exit(main())

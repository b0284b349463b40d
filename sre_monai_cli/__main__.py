"""``python -m sre_monai_cli``."""

import sys

# Python puts the working folder first: a torch.py beside someone's photographs is not to be imported.
if not sys.flags.safe_path and sys.path[0] != __file__.rpartition("sre_monai_cli")[0].rstrip("/\\"):
    del sys.path[0]

from sre_monai_cli.command_line import main

if __name__ == "__main__":
    sys.exit(main())

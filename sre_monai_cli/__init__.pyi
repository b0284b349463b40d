from sre_monai_cli.bundles import find_bundle as find_bundle
from sre_monai_cli.command_line import long_command as long_command
from sre_monai_cli.command_line import main as main

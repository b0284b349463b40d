"""What every run of a bundle needs: its identity, user errors, checked options, the log, devices."""

from sre_monai.runs.distributed import local_device, on_first_process
from sre_monai.runs.errors import report_user_errors
from sre_monai.runs.identity import run_identity
from sre_monai.runs.log_file import log_to_file
from sre_monai.runs.memory import keep_freed_memory
from sre_monai.runs.monai_internals import bundle_command, configuration_being_parsed
from sre_monai.runs.option_check import check_options

__all__ = [
    "bundle_command",
    "check_options",
    "configuration_being_parsed",
    "keep_freed_memory",
    "local_device",
    "log_to_file",
    "on_first_process",
    "report_user_errors",
    "run_identity",
]

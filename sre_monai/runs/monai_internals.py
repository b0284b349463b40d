"""Warnings of MONAI that the user of a command can do nothing about."""

from __future__ import annotations

import logging
import warnings

__all__ = ["ignore_monai_warnings"]

WARNINGS = (
    "parsing config_file",  # the bundles' configurations are part of the package
    "NvImgCodecPydicomReader: nvImageCodec decoder plugin did not register",  # LoadImage makes a reader of every kind
)
"""Beginnings of warnings."""

LOGGED = {
    "monai.data.nvimgcodec_pydicom_plugin": "nvImageCodec is not available",
    "monai.bundle.workflows": "Not all config files are in",  # such as those in configs/models
}
"""Beginnings of messages by logger."""


def ignore_monai_warnings() -> None:
    """Ignore these warnings from now on, and no others.

    Examples:
        >>> ignore_monai_warnings()
    """
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    for name in LOGGED:
        logging.getLogger(name).addFilter(_is_useful)


def _is_useful(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOGGED[record.name])

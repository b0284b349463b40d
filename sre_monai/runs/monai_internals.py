"""Every place that relies on how MONAI works inside, rather than on what it documents.

Each function states one fact, and has a test of it; ``pyproject.toml`` bounds MONAI's version until the next one has
passed these tests.
"""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from types import FrameType
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow
from monai.utils import ensure_tuple

MONAI_CHECKS = ("monai.bundle", "monai.utils.module")
"""Modules whose ``ValueError`` and ``ImportError`` are about what the user has given."""

ADVISORY = "parsing config_file"  # begins the warning that a configuration runs code
USELESS = ("NvImgCodecPydicomReader: nvImageCodec decoder plugin did not register",)  # LoadImage makes every reader
USELESS_LOGGED = {
    "monai.data.nvimgcodec_pydicom_plugin": "nvImageCodec is not available",
    "monai.bundle.workflows": "Not all config files are in",  # such as those in configs/recipes
}
"""Beginnings of warnings, and of logged messages by logger, that a user can do nothing about."""


def configuration_being_parsed() -> dict[str, Any]:
    """Give the configuration of which an expression is being evaluated, overrides included.

    MONAI hands no configuration to expressions: it is that of the innermost ``ConfigParser`` on the call stack.

    Returns:
        The configuration, as ``ConfigParser.config`` has it.

    Raises:
        LookupError: when none is being parsed.

    Examples:
        >>> expression = "$__import__('sre_monai').runs.monai_internals.configuration_being_parsed()['lr']"
        >>> ConfigParser({"lr": 0.1, "same": expression}).get_parsed_content("same")
        0.1
    """
    frame = _calling_frame(ConfigParser.get_parsed_content)
    if frame is None:
        raise LookupError("configuration_being_parsed must be called from a bundle's configuration")
    return frame.f_locals["self"].config


def bundle_command() -> tuple[list[str], dict[str, Any]]:
    """Give the configuration files and the overrides of the ``monai.bundle`` command that is being carried out.

    MONAI keeps neither: they are arguments of ``create_workflow`` on the call stack.

    Returns:
        Paths of the files, and values by id; none outside of a command.

    Examples:
        >>> bundle_command()
        ([], {})
    """
    frame = _calling_frame(create_workflow)
    if frame is None:
        return [], {}
    own = signature(ConfigWorkflow).parameters
    given = frame.f_locals["_args"].items()
    overrides = {str(key).replace("::", "#"): value for key, value in given if key not in own}
    return [str(file) for file in ensure_tuple(frame.f_locals["config_file"])], overrides


def misplaced_option(error: BaseException) -> str | None:
    """Name the override that MONAI finds no place for, such as ``nosuch#id``.

    ``ConfigParser.__setitem__`` raises whatever the lookup of the section raises, without the id.

    Args:
        error: what was caught.

    Returns:
        The id, or None for another error.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is ConfigParser.__setitem__.__code__:
            return str(frame.f_locals["id"])
    return None


def raised_by_expression(error: BaseException) -> bool:
    """Whether an expression itself raised an error, not what it calls: it is evaluated from a string.

    Args:
        error: what was caught.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_code.co_filename == "<string>"


def wrapper_line(error: BaseException) -> str:
    """What MONAI says of the component or expression that failed, with references as the configuration writes them.

    Args:
        error: that MONAI raised from the first one.

    Returns:
        One line, without the advice for developers.
    """
    line = " ".join(str(error).split()).partition(" set '_mode_")[0]
    return re.sub(r"__local_refs\[\\?'(.+?)\\?'\]", r"@\1", line)


def refused_arguments(wrapper: str) -> bool:
    """Whether a component could not be made.

    Args:
        wrapper: from `wrapper_line`.
    """
    return wrapper.startswith("Failed to instantiate")


def ignore_monai_warnings() -> None:
    """For commands: ignore MONAI's warnings that a user can do nothing about, from now on, and no others.

    Examples:
        >>> ignore_monai_warnings()  # doctest: +SKIP
    """
    for message in USELESS:
        warnings.filterwarnings("ignore", message=message)
    for name in USELESS_LOGGED:
        logging.getLogger(name).addFilter(_is_useful)


def ignore_advisory() -> None:
    """For commands that run the package's own configurations: ignore MONAI's advice to run those one trusts only.

    Examples:
        >>> ignore_advisory()  # doctest: +SKIP
    """
    warnings.filterwarnings("ignore", message=ADVISORY)


@contextmanager
def without_monai_warnings() -> Iterator[None]:
    """For library calls: ignore the same warnings within the block; filters are as before after it.

    Examples:
        >>> with without_monai_warnings():
        ...     pass
    """
    filtered = [name for name in USELESS_LOGGED if _is_useful not in logging.getLogger(name).filters]
    with warnings.catch_warnings():
        ignore_monai_warnings()
        try:
            yield
        finally:
            for name in filtered:
                logging.getLogger(name).removeFilter(_is_useful)


def _is_useful(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(USELESS_LOGGED[record.name])


def _calling_frame(function: Any) -> FrameType | None:
    """The innermost call of a function on the stack."""
    return next((frame for frame, _ in traceback.walk_stack(None) if frame.f_code is function.__code__), None)

"""The boundary between a user's mistake, which ends a run with one sentence, and a defect, which keeps its trace."""

from __future__ import annotations

import builtins
import logging
import re
import sys
import traceback
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, TypeVar

from monai.utils.misc import MONAIEnvVars

from sre_monai.runs.monai_internals import (
    MONAI_CHECKS,
    ignore_monai_warnings,
    misplaced_option,
    raised_by_expression,
    refused_arguments,
    wrapper_line,
)

USER_ERROR_STATUS = 2

CHECKS = ("sre_monai", "sre_monai_cli", *MONAI_CHECKS)
"""Where a ValueError or ImportError is raised on purpose: with a sentence about what the user has given."""

Result = TypeVar("Result")


def user_error(error: BaseException) -> str | None:
    """Tell a user's mistake from a defect of the program.

    A mistake is: an operating system's error, such as a missing file or a full disk; a ValueError that a check of this
    package or of MONAI's configuration parser raised; a ValueError or TypeError by which a component of the
    configuration refuses its arguments; whatever an expression of the configuration itself raises, not what it calls.
    Exceptions that MONAI or a ``DataLoader``'s worker process wraps are unwrapped first.

    Args:
        error: what was caught.

    Returns:
        One sentence, or None for a defect.

    Examples:
        >>> user_error(FileNotFoundError("folder not found: typo"))
        'folder not found: typo'
        >>> user_error(KeyError("x")) is None
        True
    """
    wrapper = ""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        wrapper, error = wrapper_line(error), error.__cause__
    where = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
    module = where[0].f_globals.get("__name__", "") if where else ""
    if str(error).startswith("Caught ") and module == "torch._utils":
        return _worker_error(str(error))
    is_check = any(module == name or module.startswith(f"{name}.") for name in CHECKS)
    option = misplaced_option(error)
    if option is not None:
        return f"{option}: the configuration has no such option."
    if isinstance(error, OSError) or (is_check and isinstance(error, (ValueError, ImportError))):
        return _one_line(error)
    is_refused = refused_arguments(wrapper) and isinstance(error, (ValueError, TypeError))
    return f"{wrapper}: {_one_line(error)}" if is_refused or raised_by_expression(error) else None


def root_cause(error: BaseException) -> BaseException:
    """The error that others were raised from: transforms wrap it in messages about themselves.

    Args:
        error: what was caught.

    Returns:
        The first of the chain.

    Examples:
        >>> error = RuntimeError("a transform failed")
        >>> error.__cause__ = ValueError("the image is blank")
        >>> root_cause(error)
        ValueError('the image is blank')
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def report_user_errors() -> None:
    """From now on, an uncaught user's mistake is one sentence on the standard error stream, and exit status 2.

    For the ``initialize`` step of a bundle's configuration, where nothing above handles errors. A defect keeps its
    stack trace; with ``MONAI_DEBUG=1`` in the environment a mistake does as well. Either is written to the run's log
    file; what ignite would log of it before is not. MONAI's warnings that a user can do nothing about are ignored.

    Examples:
        >>> report_user_errors()  # doctest: +SKIP
    """
    sys.excepthook = partial(_report, sys.stderr)  # torch.distributed takes away what a hook writes to a later one
    logging.getLogger("ignite").setLevel(logging.CRITICAL)
    ignore_monai_warnings()


def exit_on_user_error(function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Call a function; a user's mistake is printed and ends the program with status 2.

    Args:
        function: what to call.
        args: its arguments.
        kwargs: its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        SystemExit: with status 2, after the sentence was printed to the standard error stream.

    Examples:
        >>> exit_on_user_error(int, "7")
        7
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if user_error(error) is None:
            raise
        raise SystemExit(tell_user(error)) from None


def tell_user(error: Exception) -> int:
    """Print an error's sentence to the standard error stream.

    Args:
        error: what was caught.

    Returns:
        The exit status of a user's mistake, 2.

    Examples:
        >>> tell_user(ValueError("no such folder"))
        2
    """
    print(f"error: {user_error(error) or error}", file=sys.stderr)
    return USER_ERROR_STATUS


def _report(stream: TextIO, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Take the place of ``sys.excepthook``."""
    sentence = None if MONAIEnvVars.debug() else user_error(error)
    if isinstance(error, Exception):
        _log_to_files(sentence or "".join(traceback.format_exception(error)))
    if sentence is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(f"error: {sentence}", file=stream, flush=True)
        sys.exit(USER_ERROR_STATUS)


def _log_to_files(message: str) -> None:
    """Write to the log files only; the terminal gets its own message."""
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, message, (), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _worker_error(message: str) -> str | None:
    """Tell a mistake from a defect in a worker process, whose exception arrives as the text of its stack trace."""
    first, _, _ = message.partition("\nThe above exception was the direct cause")
    found = re.search(r'.*^  File "(.+?)".*?^(\w+): (.+)', first, flags=re.MULTILINE | re.DOTALL)
    kind = getattr(builtins, found[2], None) if found else None
    if found is None or not isinstance(kind, type):
        return None
    is_check = any(Path(found[1]).is_relative_to(_source(name)) for name in CHECKS)
    is_mistake = issubclass(kind, OSError) or (is_check and issubclass(kind, (ValueError, ImportError)))
    return " ".join(found[3].split()) if is_mistake else None


def _source(name: str) -> Path:
    """Folder of a package, or file of a module."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())

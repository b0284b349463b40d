"""A user's mistake ends a run with one sentence rather than a stack trace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["USER_ERROR_STATUS", "exit_on_user_error", "tell_user"]

USER_ERROR_STATUS = 2

Result = TypeVar("Result")


def exit_on_user_error(function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Call a function; where it finds the user's input wrong, print its sentence and exit with status 2.

    For the ``initialize`` step of bundle configurations and for commands, where nothing above could handle the error.

    Args:
        function: what to call. It raises ValueError or OSError with a sentence meant for the user.
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
    except (ValueError, OSError) as error:
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
    print(f"error: {error}", file=sys.stderr)
    return USER_ERROR_STATUS

"""Run a bundle's command in this process; errors are handled as the interpreter would."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from sre_monai.runs.errors import USER_ERROR_STATUS


def exit_status(command: Callable[..., Any], **arguments: Any) -> int:
    """Run a command as in a separate process: uncaught exceptions go to ``sys.excepthook``."""
    hook = sys.excepthook
    try:
        return int(command(**arguments) or 0)
    except SystemExit as stop:
        return int(stop.code or 0)
    except Exception as error:
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as stop:
            return int(stop.code or 0)
        return 1
    finally:
        sys.excepthook = hook


def mistake(capfd: Any, command: Callable[..., Any], **arguments: Any) -> str:
    """Run a command with a mistake and return its error message."""
    status = exit_status(command, **arguments)
    output = capfd.readouterr()
    assert status == USER_ERROR_STATUS, output.err[-3000:]
    assert "Traceback" not in output.err + output.out, output.err[-3000:]
    sentences = [line for line in output.err.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1, output.err
    assert output.err.rstrip().endswith(sentences[0])
    return sentences[0].removeprefix("error: ")

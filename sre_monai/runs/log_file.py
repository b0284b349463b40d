"""Log file beside the results."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from sre_monai.runs.distributed import process_rank

LOG_NAME = "log.txt"
FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"


def log_to_file(output_dir: str | os.PathLike[str]) -> Path:
    """Append everything that is logged from now on to ``log.txt`` in a folder, as well as to the console.

    In a distributed run the first process alone writes.

    Args:
        output_dir: the folder of a run's results; made when missing.

    Returns:
        The file.

    Raises:
        OSError: when the folder can't be written to.

    Examples:
        >>> log_to_file("output/train")  # doctest: +SKIP
        PosixPath('output/train/log.txt')
    """
    path = Path(output_dir) / LOG_NAME
    if process_rank() > 0:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise OSError(f"output_dir: can't write to {output_dir} ({error}); give another folder.") from None
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    for other in root.handlers[:]:
        if isinstance(other, logging.FileHandler) and Path(other.baseFilename) == path.absolute():
            root.removeHandler(other)  # a second run in one process would write every line twice
            other.close()
    root.addHandler(handler)
    return path


class _LogFile(logging.FileHandler):
    """A log file that leaves out what a full disk has no room for; logging would print a stack trace for each line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

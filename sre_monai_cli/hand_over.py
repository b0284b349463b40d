"""The way from the command line into the package, whose import takes seconds."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def hand_over(entry_point: str, *args: Any, **kwargs: Any) -> Any:
    """Call a function of the package `sre_monai`.

    It is named as an entry point is, not imported: that package imports this one, never the reverse, so that help and
    the check of options don't wait for PyTorch and MONAI.

    Args:
        entry_point: ``"module:function"``.
        args: arguments of the function.
        kwargs: its keyword arguments.

    Returns:
        What the function returns.

    Examples:
        >>> hand_over("sre_monai.commands.doctor:run_doctor")  # doctest: +SKIP
        0
    """
    module, _, function = entry_point.partition(":")
    with _garbage_collection_suspended():
        imported = importlib.import_module(module)
    return getattr(imported, function)(*args, **kwargs)


@contextmanager
def _garbage_collection_suspended() -> Iterator[None]:
    """Import without a search for garbage among the modules, which stay: it takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

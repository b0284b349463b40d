"""Check the options of a bundle's command against its configuration."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow

__all__ = ["check_options"]

KINDS: tuple[tuple[type, tuple[type, ...], str], ...] = (
    (bool, (bool,), "True or False"),
    (int, (int, list, tuple), "a whole number"),  # some options take a list of numbers as well: their components check
    (float, (int, float, list, tuple), "a number"),
    (str, (str,), "text"),
    (list, (list, tuple), "a list"),
    (dict, (dict,), "a mapping"),
)
"""Type of an option in the configuration, types that the command may give, and what to call them."""


def check_options(**at_least: float) -> None:
    """Compare what the command overrides with the configuration files it names.

    For the ``initialize`` step of a bundle's configuration: MONAI adds whatever is overridden, so that a misspelt
    option would be ignored. It is refused unless something in the configuration refers to it. A value is expected to be
    of the kind of the one in the files: a number for a number, a list for a list. Expressions and references (``$``,
    ``@``, ``%``) stand for anything.

    Args:
        at_least: the least value of options that are numbers.

    Raises:
        ValueError: for the first wrong option, with the nearest name or what is expected.

    Examples:
        >>> check_options()  # outside of a bundle's command there is nothing to compare
    """
    command = _command()
    if command is None:
        return
    files, overrides, configuration = command
    known = ConfigParser(config=ConfigParser.load_config_files(files))
    for name, value in overrides.items():
        section = known.get(name.rpartition("#")[0])
        if isinstance(section, Mapping) and "_target_" in section:
            continue  # an argument of a component, which checks it
        if name in known:
            _check_kind(name, value, known[name])
        elif not re.search(rf"@{re.escape(name)}(?!\w)", str(configuration).replace("::", "#")):
            raise ValueError(f"{name}: the configuration has no such option{_nearest(name, section)}")
    for name, least in at_least.items():
        value = configuration[name]
        if isinstance(value, (int, float)) and value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}.")


def _command() -> tuple[Any, dict[str, Any], Any] | None:
    """Configuration files, overrides and resulting configuration of the MONAI command that is being carried out."""
    for frame, _ in traceback.walk_stack(None):
        if frame.f_code is create_workflow.__code__:
            given = frame.f_locals
            own = signature(ConfigWorkflow).parameters
            overrides = {str(k).replace("::", "#"): v for k, v in given["_args"].items() if k not in own}
            return given["config_file"], overrides, given["workflow_"].parser.config
    return None


def _check_kind(name: str, value: Any, default: Any) -> None:
    """Expect another value of the default's kind."""
    if isinstance(default, str) and default.startswith("$@bundle_root + '"):
        default = default.partition("'")[2].strip("'/")  # a path within the bundle
    if default is None or any(isinstance(x, str) and x[:1] in ("$", "@", "%") for x in (value, default)):
        return
    types, kind = next((types, kind) for own, types, kind in KINDS if isinstance(default, own))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        example = "" if isinstance(default, (bool, list, dict)) else f", such as {default!r}"
        raise ValueError(f"{name} must be {kind}{example}, got {value!r}.")


def _nearest(name: str, section: Any) -> str:
    *path, last = name.split("#")
    nearest = get_close_matches(last, section, n=1) if isinstance(section, Mapping) else []
    return f"; did you mean {'#'.join([*path, *nearest])}?" if nearest else "."

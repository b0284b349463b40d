"""Values that are data: what a user gives stands for itself, though MONAI's configurations would evaluate it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

EVALUATED = ("$", "@", "%")
"""How an expression, a reference and a macro begin."""

SPECIAL = ("#", "::")  # separators of ids, which MONAI rewrites and follows in every text


class Literal(str):
    """Text that stands for itself, whatever it begins with."""


def literal(value: Any) -> Any:
    """Mark what a user gives as data.

    Args:
        value: of an option. Paths become text, NumPy's and PyTorch's numbers and arrays Python's numbers and lists.

    Returns:
        The value, with every text in it a `Literal`.

    Raises:
        ValueError: for a mapping that names code to call.

    Examples:
        >>> type(literal(["$eyes"])[0]).__name__
        'Literal'
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (str, os.PathLike)):
        return Literal(os.fspath(value))
    if isinstance(value, Mapping):
        if "_target_" in value:
            raise ValueError(f"_target_: a value must be data, got {value!r}; --set takes a component.")
        return {key: literal(entry) for key, entry in value.items()}
    return type(value)(map(literal, value)) if type(value) in (list, tuple) else value


def for_monai(value: Any) -> Any:
    r"""Write a value so that a configuration of MONAI reads the same.

    Args:
        value: where text is no `Literal` and begins as an expression, a reference or a macro does, it is one.

    Returns:
        The value; text that MONAI would read as something else is an expression for it.

    Examples:
        >>> for_monai("C#")
        "$'C\\x23'"
    """
    if isinstance(value, Mapping):
        return {key: for_monai(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(for_monai, value))
    if not isinstance(value, str) or (value.startswith(EVALUATED) and not isinstance(value, Literal)):
        return value
    if not value.startswith(EVALUATED) and not any(special in value for special in SPECIAL):
        return str(value)
    return "$" + repr(str(value)).translate({ord(letter): f"\\x{ord(letter):02x}" for letter in "#@%"})

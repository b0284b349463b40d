"""Options of a bundle: what their values may be, said once in the bundle's ``options.json``.

An entry of that file describes an entry of the configurations of the same name, by keywords of JSON Schema: ``type``,
``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, ``enum``, ``items``, ``minItems``, ``maxItems``,
``format`` and ``description``; and by ``commands`` of `sre-monai` that list it, ``unit``, ``conflicts`` (options that
can't be given with it) and ``default``, the words for a default that the configuration computes.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from sre_monai_cli.bundles import options_file
from sre_monai_cli.configuration import find_entry
from sre_monai_cli.literals import EVALUATED, Literal, for_monai

Schema = Mapping[str, Any]
"""What a value must be, in terms of JSON Schema."""

KINDS: dict[str, tuple[tuple[type, ...], str, str]] = {
    "boolean": ((bool,), "True or False", "booleans"),
    "integer": ((Integral,), "a whole number", "whole numbers"),
    "number": ((Real,), "a number", "numbers"),
    "string": ((str,), "text", "names"),
    "array": ((list, tuple), "a list", "lists"),
    "object": ((dict,), "a mapping", "mappings"),
    "null": ((type(None),), "None", "None"),
}
"""Name of a type, its Python types, and what to call one value and several."""


def read_options(files: Iterable[str]) -> dict[str, Schema]:
    """Read the table of options that belongs to configuration files.

    Args:
        files: paths of the configuration files.

    Returns:
        What each option must be, by id; empty where there is no table.

    Examples:
        >>> from sre_monai_cli import find_bundle
        >>> read_options([find_bundle() / "configs" / "inference.json"])["threshold"]["maximum"]
        1
    """
    path = options_file(list(files))
    return {} if path is None else json.loads(path.read_text(encoding="utf-8"))


def check_overrides(
    overrides: Mapping[str, Any],
    configuration: Mapping[str, Any],
    options: Mapping[str, Schema],
    spellings: Iterable[str] = (),
) -> None:
    """Check what a command overrides, and the options of the table wherever they were set.

    An id is known when the configuration has it, when it is an argument of a component, which checks it, or when
    something refers to it. A value is what the table says, else of the kind of the value that it overrides. Expressions
    and references (``$``, ``@``, ``%``) stand for anything.

    Args:
        overrides: values by id.
        configuration: merged, without the overrides.
        options: the table.
        spellings: further names that a misspelt id may stand for.

    Raises:
        ValueError: for the first mistake: with the nearest name, what is expected, or what conflicts.

    Examples:
        >>> check_overrides({"treshold": 0.4}, {"threshold": 0.5}, {})
        Traceback (most recent call last):
        ValueError: treshold: the configuration has no such option; did you mean threshold?
    """
    for name, value in overrides.items():
        section = _entry_or_none(configuration, name.rpartition("#")[0])
        if isinstance(section, Mapping) and "_target_" in section:
            continue
        if _is_in(configuration, name):
            _check_value(name, value, options.get(name) or _schema_of(find_entry(configuration, name)))
        elif not re.search(rf"@{re.escape(name)}(?!\w)", str([configuration, overrides]).replace("::", "#")):
            raise ValueError(f"{name}: the configuration has no such option{_nearest(name, section, spellings)}")
    for name, schema in options.items():
        if name in overrides or name in configuration:
            _check_value(name, overrides.get(name, configuration.get(name)), schema)
        for other in schema.get("conflicts", ()):
            if name in overrides and other in overrides:
                raise ValueError(f"{name} and {other} can't be given together; give one of them.")


def fits(value: Any, schema: Schema) -> bool:
    """Whether a value is what it must be; an expression always is.

    Args:
        value: of an option.
        schema: as in the table.

    Returns:
        True when it is.

    Examples:
        >>> fits(1.4, {"type": "number", "minimum": 0, "maximum": 1})
        False
    """
    kinds = _types(schema)
    matching = [kind for kind in kinds if isinstance(value, KINDS[kind][0])]
    if is_expression(value) or not kinds or "null" in matching:
        return True
    if not matching or (isinstance(value, bool) and "boolean" not in kinds):
        return False
    if isinstance(value, (list, tuple)):
        items = schema.get("items", {} if kinds[0] == "array" else {**schema, "type": kinds[0]})
        enough = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        return enough and all(fits(item, items) for item in value)
    return value in schema.get("enum", [value]) and (not isinstance(value, Real) or _in_range(float(value), schema))


def describe(schema: Schema) -> str:
    """Put into words what a value must be.

    Args:
        schema: as in the table.

    Returns:
        For example "a whole number of at least 1, in pixels".

    Examples:
        >>> describe({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
        'a list of 2 numbers'
    """
    kind = _types(schema)[0]
    if "enum" in schema:
        text = f"one of {', '.join(map(_name, schema['enum']))}"
    elif kind == "array":
        text = KINDS[kind][1] + _items(schema)
    else:
        text = KINDS[kind][1] + _range(schema)
    unit = f", in {schema['unit']}" if "unit" in schema else ""
    example = f", such as {schema['example']!r}" if "example" in schema else ""
    return f"{text}{unit}{example}"


def is_expression(value: Any) -> bool:
    """Whether MONAI is meant to evaluate a value: an expression, a reference or a macro."""
    return isinstance(value, str) and value.startswith(EVALUATED) and not isinstance(value, Literal)


def _check_value(name: str, value: Any, schema: Schema) -> None:
    if not fits(value, schema):
        raise ValueError(f"{name} must be {describe(schema)}, got {value!r}.")
    if schema.get("format") == "path" and isinstance(value, str) and not is_expression(value):
        _check_path(name, value)


def _check_path(name: str, path: str) -> None:
    """Check a path in a configuration or an argument of MONAI's command: `sre-monai` marks its own as literal."""
    meant = for_monai(Literal(os.path.expanduser(path)))
    if meant != path and not isinstance(path, Literal):
        raise ValueError(f'{name}: MONAI does not read {path!r} as it is written; give "{meant}".')


def _in_range(value: float, schema: Schema) -> bool:
    return (
        math.isfinite(value)
        and schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
    )


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _schema_of(default: Any) -> Schema:
    """What may override a value of a configuration: one of the same kind."""
    if isinstance(default, str) and default.startswith("$@bundle_root + '"):
        default = default.partition("'")[2].strip("'/")  # a path within the bundle
    if default is None or is_expression(default):
        return {}
    kind = next(kind for kind, (types, *_) in KINDS.items() if isinstance(default, types))
    if kind in ("integer", "number"):  # some take a list as well, and their component checks it
        return {"type": [kind, "array"], "items": {}, "example": default}
    return {"type": kind, "example": default} if kind == "string" else {"type": kind}


def _name(value: Any) -> str:
    return repr(value) if "," in str(value) else str(value)


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    bounds = {"at least": least, "above": above, "at most": most, "below": below}
    text = " and ".join(f"{word} {value}" for word, value in bounds.items() if value is not None)
    return f" of {text}" if text.startswith("at") else f" {text}".rstrip()


def _items(schema: Schema) -> str:
    items, least, most = schema.get("items", {}), schema.get("minItems", 0), schema.get("maxItems")
    if not _types(items):
        return ""
    count = f"{least} " if least == most else "one or more " if least == 1 else f"{least} or more " if least else ""
    return f" of {count}{KINDS[_types(items)[0]][2]}{_range(items)}"


def _is_in(configuration: Any, name: str) -> bool:
    try:
        find_entry(configuration, name)
    except KeyError:
        return False
    return True


def _entry_or_none(configuration: Any, name: str) -> Any:
    return find_entry(configuration, name) if _is_in(configuration, name) else None


def _nearest(name: str, section: Any, spellings: Iterable[str]) -> str:
    *path, last = name.split("#")
    candidates = [*section, *(() if path else spellings)] if isinstance(section, Mapping) else []
    nearest = get_close_matches(last, candidates, n=1)
    return f"; did you mean {'#'.join([*path, *nearest])}?" if nearest else "."

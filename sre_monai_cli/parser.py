"""The command line's parser, built from the table of commands and each bundle's table of options."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NoReturn

from fire.parser import DefaultParseValue

from sre_monai_cli.bundles import COMMANDS, Command, configuration_files, find_bundle
from sre_monai_cli.configuration import normalize_id, read_configuration
from sre_monai_cli.literals import literal
from sre_monai_cli.options import Schema, describe, fits, is_expression, read_options
from sre_monai_cli.version import __version__

MONAI_OPTIONS = ("config_file", "args_file", "meta_file", "logging_file", "run_id", "init_id", "final_id", "tracking")
"""Arguments of MONAI's ``run`` that are no entries of a configuration; accepted as they always were, but not listed."""

METAVARS = {"boolean": "{True,False}", "integer": "N", "number": "X", "array": "[X,...]", "object": "{NAME:VALUE}"}


class Parser(argparse.ArgumentParser):
    """An argument parser that raises one sentence for a mistake."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Refuse unknown options, with the nearest name."""
        namespace, further = super().parse_known_args(args, namespace)
        for word in further:
            if word.startswith("-"):
                nearest = get_close_matches(word, self._option_string_actions, n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else f"see {self.prog} --help."
                raise ValueError(f"{word}: no such option; {hint}")
        return namespace, further

    def error(self, message: str) -> NoReturn:
        """Raise a ``ValueError`` in place of printing the usage."""
        raise ValueError(f"{message}; see {self.prog} --help.")


class PrintCompletion(argparse.Action):
    """Print a shell's completion script and end the program."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        """Print the script for the shell ``values``."""
        from sre_monai_cli.completion import completion_script

        print(completion_script(parser, values))
        parser.exit()


class Override(argparse.Action):
    """Append an option's id and value to the overrides of the configuration."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        """Take a value, or with ``--set`` an id and its value."""
        entry = values if isinstance(values, tuple) and self.dest == "set" else (self.dest, values)
        namespace.overrides = [*getattr(namespace, "overrides", []), entry]


def build_parser(
    bundle_root: str | None = None,
) -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """Build the parser.

    Args:
        bundle_root: a bundle in place of each command's own.

    Returns:
        The parser, and those of its commands by name.

    Raises:
        FileNotFoundError: when there is no such bundle.
    """
    parser = Parser(
        prog="sre-monai",
        description="Vessels in fundus photographs, by rotation-equivariant networks.",
        epilog="Options of a command: sre-monai segment --help\nexample: sre-monai segment my/photographs my/results",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sre-monai {__version__}")
    parser.add_argument(
        "--print_completion",
        metavar="SHELL",
        action=PrintCompletion,
        help="print the completion script for bash, zsh or tcsh (extra: completion)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        _add_command(commands, name, command, bundle_root)
    commands.add_parser("prepare", help="check a data set and bring it into one layout, or write a synthetic one")
    share = commands.add_parser(
        "share",
        help="write a bundle as the Hugging Face Hub or MONAI's Model Zoo takes it",
        description="Write a bundle as the Hugging Face Hub or MONAI's Model Zoo takes it.",
        epilog="example: sre-monai share retina_fundus_vessel_segmentation hub",
    )
    share.add_argument("bundle", type=os.path.expanduser, help="the bundle's folder, or its name in the package")
    share.add_argument("folder", type=os.path.expanduser, help="new folder to write")
    share.add_argument("--layout", choices=("hub", "zoo"), default="hub", help="for whom (default: hub)")
    commands.add_parser(
        "doctor",
        help="show what is installed, the kernels, the devices and the weights",
        description="Show what is installed, the kernels, the devices and the weights.",
    )
    return parser, commands.choices


def nearest_command(name: str, commands: Iterable[str], what: str = "command") -> ValueError:
    """The mistake of naming a command that does not exist.

    Args:
        name: what was given.
        commands: those that exist.
        what: what they are.

    Returns:
        The error to raise.

    Examples:
        >>> nearest_command("segmnt", ["segment", "train"])
        ValueError("no command is called 'segmnt'; did you mean segment?")
    """
    nearest = get_close_matches(name, commands, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(commands)}."
    return ValueError(f"no {what} is called {name!r}; {hint}")


def whole_number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """The type of an argument that is a whole number in a range.

    Args:
        minimum: the least value.
        maximum: the greatest, if there is one.

    Returns:
        A function for argparse's ``type``.

    Examples:
        >>> whole_number(1)("3")
        3
    """
    schema = {"type": "integer", "minimum": minimum} | ({} if maximum is None else {"maximum": maximum})

    def convert(text: str) -> int:
        value = DefaultParseValue(text)
        if not fits(value, schema):
            raise argparse.ArgumentTypeError(f"expected {describe(schema)}, got {text}")
        return value

    return convert


def normalize_options(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Write ``--id value`` as ``--set id=value`` where the parser has no option of that name.

    Args:
        words: of the command line, after the command.
        parser: the command's.

    Returns:
        The words for the parser.
    """
    known = parser._option_string_actions
    words, result = list(words), []
    while words:
        word = words.pop(0)
        name, equals, value = re.sub("^--?", "", word).partition("=")
        name = name.replace("-", "_")
        if not re.match("--?[A-Za-z]", word) or word in known:
            result.append(word)
        elif f"--{name}" in known:
            result.append(f"--{name}{equals}{value}")
        else:
            if not equals:
                value = words.pop(0) if words and not words[0].startswith("--") else "True"
            result += ["--set", f"{name}={value}"]
    return result


def default_text(value: Any, schema: Schema) -> str:
    """Put a default into words.

    Args:
        value: in the configuration.
        schema: of the option.

    Returns:
        The value, or the schema's words for one that the configuration computes.

    Examples:
        >>> default_text("$@bundle_root + '/models/model.pt'", {})
        'models/model.pt in the bundle'
    """
    if "default" in schema:
        return schema["default"]
    within_bundle = re.fullmatch(r"\$@bundle_root \+ '/(.+)'", str(value))
    return f"{within_bundle[1]} in the bundle" if within_bundle else str(value)


def value_text(schema: Schema) -> str:
    """Put into words what an option takes.

    Args:
        schema: of the option.

    Returns:
        Its type and range; "a path" for files and folders.

    Examples:
        >>> value_text({"type": "number", "minimum": 0, "maximum": 1})
        'a number from 0 to 1'
    """
    return "a path" if schema.get("format") == "path" else describe(schema)


def _add_command(commands: Any, name: str, command: Command, bundle_root: str | None) -> None:
    root = find_bundle(bundle_root or command.bundle)
    if not all(os.path.isfile(file) for file in configuration_files(command, root, [])):
        root = find_bundle(command.bundle)  # another bundle need not have every command
    first = "bundle" if command.entries[0] == "bundle_root" else "data"
    statuses = f"exit status: {command.statuses}\n" if command.statuses else ""
    parser = commands.add_parser(
        name,
        help=command.help,
        usage=f"sre-monai {name} {first} [output] [--option value ...]",
        description=f"{command.help[0].upper()}{command.help[1:]}.",
        epilog=f"{statuses}example: {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    files = configuration_files(command, root, [])
    configuration, options = read_configuration(files), read_options(files)
    output = default_text(configuration[command.entries[1]], {})
    as_path = partial(_parse_value, {"format": "path"})
    parser.add_argument("data", metavar=first, type=as_path, help=command.data)
    parser.add_argument("output", nargs="?", type=as_path, help=f"{command.output} (default: {output})")
    _add_general_options(parser, options, first == "data")
    group = parser.add_argument_group("options of the configuration")
    for option, schema in options.items():
        if name in schema["commands"]:
            _add_option(group, option, schema, configuration)
    for option in MONAI_OPTIONS:
        parser.add_argument(f"--{option}", dest=option, action=Override, type=_parse_any, help=argparse.SUPPRESS)


def _add_general_options(parser: argparse.ArgumentParser, options: Mapping[str, Schema], takes_bundle: bool) -> None:
    parser.add_argument(
        "--set",
        dest="set",
        metavar="ID=VALUE",
        action=Override,
        type=partial(_parse_assignment, options),
        help="set any entry of the configuration, such as inferer#overlap=0.5, also to an expression of MONAI ($...); "
        "may be repeated",
    )
    parser.add_argument(
        "--overlay",
        metavar="FILE",
        action="append",
        type=os.path.expanduser,
        default=[],
        help="another configuration over the command's own: in the bundle's configs, or a path; may be repeated",
    )
    if takes_bundle:
        parser.add_argument(
            "--bundle_root",
            metavar="FOLDER",
            type=os.path.expanduser,
            help="another bundle: its folder, or its name in the package",
        )
    parser.add_argument("--dry_run", action="store_true", help="check the options, print the MONAI command, and stop")


def _add_option(group: Any, name: str, schema: Schema, configuration: Mapping[str, Any]) -> None:
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    limits = "" if kind in ("string", "boolean", "object") and "enum" not in schema else f"{value_text(schema)}; "
    default = default_text(configuration.get(name), schema)
    action = group.add_argument(
        f"--{name}",
        dest=name,
        action=Override,
        type=partial(_parse_value, schema),
        metavar=METAVARS.get(kind, "PATH" if schema.get("format") == "path" else "NAME"),
        help=f"{schema['description']} ({limits}default: {default})".replace("%", "%%"),
        **({"nargs": "?", "const": True} if kind == "boolean" else {}),
    )
    action.values = ("True", "False") if kind == "boolean" else schema.get("enum")  # for the completion


def _parse_value(schema: Schema, text: str) -> Any:
    """Read a value as its type is written, as data; what does not fit is left to the check."""
    if schema.get("format") == "path":
        return literal(os.path.expanduser(text))
    if schema["type"] == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return literal(text if schema["type"] == "string" else _parse_any(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(error) from None


def _parse_any(text: str) -> Any:
    """Read a value without a type; `#` begins no comment."""
    return text if "#" in text and text[0] not in "'\"[({" else DefaultParseValue(text)


def _parse_assignment(options: Mapping[str, Schema], text: str) -> tuple[str, Any]:
    """Read an id and its value, which may be an expression."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"give ID=VALUE, got {text!r}")
    name = normalize_id(name)
    if is_expression(value):
        return name, value
    return name, _parse_value(options[name], value) if name in options else _parse_any(value)

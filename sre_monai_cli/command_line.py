"""The command: ``python -m monai.bundle run`` with the bundle's paths filled in and its options checked."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fire.parser import DefaultParseValue

from sre_monai_cli.bundles import COMMANDS, configuration_files, find_bundle
from sre_monai_cli.configuration import read_configuration
from sre_monai_cli.hand_over import hand_over
from sre_monai_cli.literals import Literal, for_monai
from sre_monai_cli.options import check_overrides, read_options
from sre_monai_cli.parser import MONAI_OPTIONS, build_parser, nearest_command, normalize_options

MISTAKE = 2
"""Exit status of a user's mistake."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None reads those of the process.

    Returns:
        The exit status; a command of the bundle that fails raises.

    Examples:
        >>> main(["segment", "my/photographs", "my/results"])  # doctest: +SKIP
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["prepare"]:
        return hand_over("sre_monai.commands.prepare:run_prepare", words[1:], prog="sre-monai prepare")
    try:
        options = _parse(words)
        if options.command == "doctor":
            return hand_over("sre_monai.commands.doctor:run_doctor")
        if options.command == "share":
            return hand_over("sre_monai.commands.share:run_share", options.bundle, options.folder, options.layout)
        run_arguments = _checked_arguments(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return MISTAKE
    print(shlex.join(["python", *_monai_command(run_arguments)[1:]]), file=sys.stderr, flush=True)
    return 0 if options.dry_run else hand_over("sre_monai.commands.run_bundle:run_bundle", run_arguments)


def long_command(
    name: str,
    data: str,
    output: str | None = None,
    bundle_root: str | None = None,
    overlays: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> list[str]:
    """Build the MONAI command of a short one.

    Args:
        name: ``"segment"``, ``"evaluate"``, ``"rotate"``, ``"train"``, ``"classify"`` or ``"export"``.
        data: the images or the data set; for ``"export"`` the bundle.
        output: folder of the results, or the exported file; the configuration's own by default.
        bundle_root: the bundle's folder or name; the command's own by default.
        overlays: further configuration files, the later over the earlier.
        overrides: values by id; an expression of MONAI is one, unless it is a `Literal`.

    Returns:
        The command and its arguments.

    Raises:
        FileNotFoundError: when the bundle isn't found.

    Examples:
        >>> long_command("segment", "photographs", "results")[1:4]
        ['-m', 'monai.bundle', 'run']
    """
    return _monai_command(_arguments(name, data, output, bundle_root, overlays, overrides or {}))


def _arguments(
    name: str,
    data: str,
    output: str | None,
    bundle_root: str | None,
    overlays: Sequence[str],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """Give the arguments of ``monai.bundle.run``."""
    first, second = COMMANDS[name].entries
    root = find_bundle(data if first == "bundle_root" else bundle_root or COMMANDS[name].bundle)
    files = configuration_files(COMMANDS[name], root, overlays)
    values = {"bundle_root": Literal(root)} | ({} if first == "bundle_root" else {first: Literal(data)})
    values |= ({second: Literal(output)} if output is not None else {}) | dict(overrides)
    own = {"config_file": files[0] if len(files) == 1 else files}
    return own | {key: value if key in MONAI_OPTIONS else for_monai(value) for key, value in values.items()}


def _monai_command(arguments: Mapping[str, Any]) -> list[str]:
    """Write the command line that stands for arguments of ``monai.bundle.run``."""
    words = [word for key, value in arguments.items() for word in (f"--{key}", _literal(value))]
    return [sys.executable, "-m", "monai.bundle", "run", *words]


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; help and the like are printed and end the program."""
    parser, commands = build_parser(_bundle_root(words))
    name = words[0] if words else ""
    if name and not name.startswith("-") and name not in commands:
        raise nearest_command(name, commands)
    return parser.parse_args([*words[:1], *normalize_options(words[1:], commands[name])] if name in commands else words)


def _checked_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Check the options of a command against the configuration, and give the arguments of ``monai.bundle.run``."""
    command = COMMANDS[options.command]
    first, second = command.entries
    given: list[tuple[str, Any]] = [*getattr(options, "overrides", [])]
    if first == "bundle_root":
        options.bundle_root = options.data
    else:
        given.insert(0, (first, options.data))
    given += [(second, options.output)] if options.output is not None else []
    overrides = _collect(given)
    files = configuration_files(command, find_bundle(options.bundle_root or command.bundle), options.overlay)
    own_files = overrides.get("config_file", files)
    files = [own_files] if isinstance(own_files, str) else list(own_files)
    configured = {name: value for name, value in overrides.items() if name not in MONAI_OPTIONS}
    spellings = ("overlay", "bundle_root", "dry_run")
    check_overrides(configured, read_configuration(files), read_options(files), spellings)
    return _arguments(options.command, options.data, options.output, options.bundle_root, options.overlay, overrides)


def _collect(given: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values by id; one that is given twice must not differ."""
    overrides: dict[str, Any] = {}
    for name, value in given:
        if overrides.setdefault(name, value) != value:
            raise ValueError(f"{name} is given twice, {overrides[name]!r} and {value!r}; give it once.")
    return overrides


def _bundle_root(words: Sequence[str]) -> str | None:
    """The bundle that the command line names: its options depend on it."""
    if len(words) > 1 and words[0] in COMMANDS and COMMANDS[words[0]].entries[0] == "bundle_root":
        return None if words[1].startswith("-") else os.path.expanduser(words[1])
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--bundle_root", "--bundle-root", type=os.path.expanduser)
    try:
        return finder.parse_known_args(words)[0].bundle_root
    except argparse.ArgumentError:
        return None  # without a value, which the parser of the command reports


def _literal(value: Any) -> str:
    """Write a value so that MONAI's command reads the same: text that looks like a number or a list is quoted."""
    is_plain = isinstance(value, str) and not value.startswith("-") and DefaultParseValue(value) == value
    return value if is_plain else repr(value)

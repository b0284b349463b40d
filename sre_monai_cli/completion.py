"""Completion of the command line in a shell."""

from __future__ import annotations

import argparse
from difflib import get_close_matches

from sre_monai_cli.hand_over import hand_over


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Write a shell's completion script.

    Args:
        parser: of the command.
        shell: ``"bash"``, ``"zsh"`` or ``"tcsh"``.

    Returns:
        The script.

    Raises:
        ValueError: for another shell.
        OSError: when shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        raise OSError("shell completion needs shtab: pip install 'sre-monai[completion]'.") from None
    if shell not in shtab.SUPPORTED_SHELLS:
        nearest = get_close_matches(shell, shtab.SUPPORTED_SHELLS, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(shtab.SUPPORTED_SHELLS)}."
        raise ValueError(f"no completion for the shell {shell!r}; {hint}")
    _add_prepare(parser)
    for action in _actions(parser):
        action.choices = getattr(action, "values", None) or action.choices
        if action.metavar == "PATH" or action.dest in ("data", "output", "overlay", "bundle_root"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    """Put the options of ``sre-monai prepare``, which only the package knows, into the parser."""
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):
            action.choices["prepare"] = hand_over("sre_monai.commands.prepare:prepare_parser", "sre-monai prepare")[0]


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a parser and of its commands."""
    result = []
    for action in parser._actions:
        result.append(action)
        if isinstance(action, argparse._SubParsersAction):
            result += [inner for command in action.choices.values() for inner in _actions(command)]
    return result

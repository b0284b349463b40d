"""Run the experiments and timings.

An interrupted experiment resumes: what is finished with the same weights, data and settings is kept. Its tables have
all finished runs of the output folder. Results: runs.csv, table.md and pictures.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from benchmarks import conversions, drawn_shapes, folder, label_measures, measures, runtimes, speed, update_ratios
from benchmarks.experiments import EXPERIMENTS
from benchmarks.series import run_experiment
from sre_monai.runs.errors import exit_on_user_error

SCRIPTS = (speed, runtimes, folder, measures, drawn_shapes, label_measures, conversions, update_ratios)
"""Modules with options of their own."""


def add_options(parser: argparse.ArgumentParser, function: Callable[..., Any], **choices: Sequence[str]) -> None:
    """Add the keyword arguments of a function as options, by their names, types and defaults."""
    hints = get_type_hints(function.func if isinstance(function, partial) else function)
    for name, parameter in signature(function).parameters.items():
        kind = get_args(hints[name])[0] if get_origin(hints[name]) is UnionType else hints[name]
        keywords: dict[str, Any] = {"default": parameter.default, "type": kind, "choices": choices.get(name)}
        if kind is bool:
            keywords = {"action": "store_true"}
        elif get_origin(kind) is Sequence:
            keywords |= {"nargs": "+", "type": get_args(kind)[0], "metavar": name.upper()}
        elif get_origin(kind) is Mapping:
            keywords |= {"type": json.loads, "metavar": "JSON"}
        shown = ", ".join(choices.get(name, ())) or "default: %(default)s"
        parser.add_argument(f"--{name}", **keywords, help=shown)


def main(arguments: Sequence[str]) -> None:
    """Run one command."""
    style = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__, **style)
    commands = parser.add_subparsers(metavar="NAME", required=True)
    for name, each in EXPERIMENTS.items():
        command = commands.add_parser(name, help=each.help, description=each.help)
        add_options(command, partial(run_experiment, each, output_dir=Path("output") / name), rows=list(each.rows))
        command.set_defaults(run=partial(run_experiment, each))
    for script in SCRIPTS:
        name, text = script.__name__.rpartition(".")[2], str(script.__doc__)
        command = commands.add_parser(name, help=text.splitlines()[0], description=text, **style)
        add_options(command, script.main, **script.CHOICES)
        command.set_defaults(run=script.main)
    options = vars(parser.parse_args(arguments))
    print(exit_on_user_error(options.pop("run"), **options))


if __name__ == "__main__":
    main(sys.argv[1:])

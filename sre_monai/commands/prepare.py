"""The command that prepares data sets: ``sre-monai prepare NAME``, or ``python data_scripts/prepare.py NAME``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sre_monai.medmnist.synthetic_volumes import VOLUME_CLASSES, write_synthetic_volumes
from sre_monai.retina.data.dataset import RetinaDataset
from sre_monai.retina.data.prepare import prepare_dataset
from sre_monai.retina.data.registry import RETINA_DATASETS
from sre_monai.retina.data.synthetic_fundus import write_synthetic_dataset
from sre_monai.runs.errors import tell_user
from sre_monai.volumes.prepare import HIPPOCAMPUS, prepare_hippocampus
from sre_monai_cli.parser import Parser, nearest_command, whole_number

MAX_SEED = 2**32 - 1


def run_prepare(
    arguments: Sequence[str] | None = None,
    prog: str = "prepare.py",
    datasets: Mapping[str, RetinaDataset] = RETINA_DATASETS,
) -> int:
    """Run the command line that prepares a data set.

    Args:
        arguments: command line arguments; None reads those of the process. The first is the name of a data set, in
            upper or lower case.
        prog: what the command is called in its help.
        datasets: the data sets by name.

    Returns:
        The exit code: 0, or 2 for a user's mistake, reported in one sentence on stderr.

    Raises:
        SystemExit: for ``--help``.

    Examples:
        >>> run_prepare(["synthetic", "--output", "eyes", "--count", "2", "--size", "96", "96"])
        eyes
        0
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parse(arguments, prog, datasets)
    except ValueError as error:
        return tell_user(error)
    prepare = options.pop("prepare")
    handler = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception: temporary folders are removed
    try:
        print(prepare(**options))
    except (ValueError, OSError) as error:
        return tell_user(error)
    finally:
        signal.signal(signal.SIGTERM, handler)
    return 0


def _parse(arguments: list[str], prog: str, datasets: Mapping[str, RetinaDataset]) -> dict[str, Any]:
    """Parse the command line; the name of a data set is taken in upper or lower case."""
    parser, commands = prepare_parser(prog, datasets)
    if arguments and not arguments[0].startswith("-"):
        names = {name.casefold(): name for name in commands}
        if arguments[0].casefold() not in names:
            raise nearest_command(arguments[0], commands, what="data set")
        arguments = [names[arguments[0].casefold()], *arguments[1:]]
    return vars(parser.parse_args(arguments))


def _prepare_retina(dataset: RetinaDataset, source: str | None, output: str, **options: bool) -> str:
    """Prepare a data set from its original files; the message for the user."""
    if source is None and not options.get("download"):
        raise ValueError(_where_to_get(dataset))
    datalist = prepare_dataset(dataset, source or f"{Path(output)}_download", output, **options)
    return f"{dataset.name} is ready: {datalist}\nlicence: {dataset.licence}\ncite: {dataset.citation}"


def _where_to_get(dataset: RetinaDataset) -> str:
    """What to do without a source."""
    if dataset.downloads:
        return f"give --source with your copy of {dataset.name}, or --download to fetch it from {dataset.url}"
    return f"give --source: {dataset.name} needs a registration, get it at {dataset.url}"


def prepare_parser(
    prog: str, datasets: Mapping[str, RetinaDataset] = RETINA_DATASETS
) -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """Build the parser of the command.

    Args:
        prog: what the command is called in its help.
        datasets: the data sets by name.

    Returns:
        The parser, and those of its data sets by name.
    """
    parser = Parser(
        prog=prog,
        description="Check a data set and bring it into one layout, or write a synthetic one.",
        epilog=f"Options depend on the data set: {prog} DRIVE --help\n"
        f"example: {prog} DRIVE --source DRIVE.zip --output data/DRIVE",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="NAME", required=True, title="data sets")
    for dataset in datasets.values():
        _add_retina_options(commands, dataset)
    _add_volume_options(commands)
    _add_synthetic_options(commands)
    return parser, commands.choices


def _add_retina_options(commands: Any, dataset: RetinaDataset) -> None:
    parser = commands.add_parser(
        dataset.name,
        help=dataset.url,
        description=f"Check {dataset.name}, bring it into the layout of MONAI datalists, and write datalist.json.",
        epilog=f"Source: {dataset.url} Licence: {dataset.licence}. Split: {dataset.split}. Cite: {dataset.citation}.",
    )
    parser.add_argument(
        "--source",
        type=os.path.expanduser,
        help="folder or archive with the original files; archives inside it are unpacked",
    )
    parser.add_argument(
        "--output", type=os.path.expanduser, required=True, help=f"folder to make, for example data/{dataset.name}"
    )
    if dataset.downloads:
        parser.add_argument(
            "--download",
            action="store_true",
            help="fetch the official archives first, into --source or else OUTPUT_download; resumes when run again",
        )
    parser.add_argument("--allow-partial", action="store_true", help="continue when files are missing, and list them")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder prepared before")
    parser.set_defaults(prepare=partial(_prepare_retina, dataset))


def _add_volume_options(commands: Any) -> None:
    name, url = HIPPOCAMPUS["name"], HIPPOCAMPUS["source"]
    parser = commands.add_parser(
        name,
        help=url,
        description=f"Check {name}, bring it into the layout of MONAI datalists, and write datalist.json.",
        epilog=f"Source: {url}. Licence: {HIPPOCAMPUS['licence']}. Cite: {HIPPOCAMPUS['citation']}.",
    )
    parser.add_argument("--source", required=True, help="folder or archive with the original files")
    parser.add_argument("--output", required=True, help=f"folder to make, for example data/{name}")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder prepared before")
    parser.set_defaults(prepare=prepare_hippocampus)


def _add_synthetic_options(commands: Any) -> None:
    defaults: dict[str, Any] = {"formatter_class": argparse.ArgumentDefaultsHelpFormatter}
    parser = commands.add_parser(
        "synthetic",
        help="fundus photographs with exact vessels",
        description="Write synthetic photographs.",
        **defaults,
    )
    parser.add_argument(
        "--output", type=os.path.expanduser, default="data/synthetic", dest="folder", help="folder to make"
    )
    parser.add_argument("--count", type=whole_number(2), default=20, help="number of photographs")
    parser.add_argument(
        "--size", type=whole_number(64), nargs=2, default=(565, 584), metavar=("W", "H"), help="in pixels"
    )
    parser.add_argument("--seed", type=whole_number(0, MAX_SEED), default=0, help="of the random generator")
    parser.set_defaults(prepare=write_synthetic_dataset)

    parser = commands.add_parser(
        "shapes3d", help="volumes to classify", description="Write synthetic volumes in MedMNIST's form.", **defaults
    )
    parser.add_argument(
        "--output", type=os.path.expanduser, default="data/medmnist/shapes3d.npz", dest="path", help="file to write"
    )
    for section, count in (("train", 320), ("val", 80), ("test", 160)):
        parser.add_argument(
            f"--{section}",
            type=whole_number(len(VOLUME_CLASSES)),
            default=count,
            help=f"number of volumes in the section {section}",
        )
    parser.add_argument("--size", type=whole_number(8), default=28, help="edge length in voxels")
    parser.add_argument("--seed", type=whole_number(0, MAX_SEED), default=0, help="of the random generator")
    parser.set_defaults(prepare=write_synthetic_volumes)

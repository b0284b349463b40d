"""The command that prepares a data set, shared by the scripts in ``data_scripts``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sre_monai.data.prepare import prepare_dataset
from sre_monai.data.retina_datasets import RetinaDataset
from sre_monai.errors import tell_user


def run_prepare(dataset: RetinaDataset, arguments: Sequence[str] | None = None) -> int:
    """Run the command line that prepares a data set.

    Args:
        dataset: the data set.
        arguments: command line arguments; None reads those of the process.

    Returns:
        The exit code: 0, or 2 for a user's mistake, told in one sentence on stderr.

    Examples:
        >>> run_prepare(DRIVE, ["--source", "DRIVE.zip", "--output", "data/DRIVE"])  # doctest: +SKIP
        0
    """
    options = vars(_parser(dataset).parse_args(arguments))
    output = Path(options.pop("output"))
    source = options.pop("source")
    handler = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that temporary folders go
    try:
        if source is None and not options.get("download"):
            raise ValueError(_where_to_get(dataset))
        source = source or output.with_name(f"{output.name}_download")
        datalist = prepare_dataset(dataset, source, output, **options)
    except (ValueError, OSError) as error:
        return tell_user(error)
    finally:
        signal.signal(signal.SIGTERM, handler)
    print(f"{dataset.name} is ready: {datalist}\nlicence: {dataset.licence}\ncite: {dataset.citation}")
    return 0


def _where_to_get(dataset: RetinaDataset) -> str:
    """What to do without a source."""
    if dataset.downloads:
        return f"give --source with your copy of {dataset.name}, or --download to fetch it from {dataset.url}"
    return f"give --source: {dataset.name} needs a registration, get it at {dataset.url}"


def _parser(dataset: RetinaDataset) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"Check {dataset.name}, bring it into the layout of MONAI datalists, and write datalist.json.",
        epilog=f"Source: {dataset.url} Licence: {dataset.licence}. Split: {dataset.split}. Cite: {dataset.citation}.",
    )
    parser.add_argument("--source", help="folder or archive with the original files, archives inside included")
    parser.add_argument("--output", required=True, help=f"folder to make, for example data/{dataset.name}")
    if dataset.downloads:
        parser.add_argument(
            "--download",
            action="store_true",
            help="fetch the official archives first, into --source or else OUTPUT_download; resumes when run again",
        )
    parser.add_argument("--allow-partial", action="store_true", help="go on when files are missing, and list them")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder prepared before")
    return parser

"""The command ``sre-monai``: short for ``python -m monai.bundle run`` with the bundle's paths filled in.

It stands beside the package, not in it: whoever imports the package waits for PyTorch and MONAI, and help should not.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from fire.parser import DefaultParseValue

__all__ = ["find_bundle", "long_command", "main"]

BUNDLE = "retina_fundus_vessel_segmentation"
BUNDLE_PATHS = (
    Path(__file__).resolve().parent / "bundles",  # a clone of the repository
    Path(sysconfig.get_path("data")) / "share" / "sre_monai" / "bundles",  # an installed wheel
)
CONFIGURATIONS = {
    "segment": ["inference.json"],
    "evaluate": ["train.json", "evaluate.json"],
    "rotate": ["train.json", "evaluate.json", "rotation.json"],
    "train": ["train.json"],
}
HELP = {
    "segment": (
        "find the vessels in a folder of photographs",
        "photographs: any folder, sub-folders included, or a list of photographs as .json or .csv",
        """
options of the configuration, as many as you like:
  --write_probability True    also the probability of a vessel, 16 bit
  --write_skeleton True       also the vessels thinned to one pixel
  --write_overlay False       no overlays of the vessels on the photographs
  --output_ext .nii.gz        masks as NIfTI
  --threshold 0.4             probability from which a pixel is a vessel
  --window_size 512           less memory for the network
  --checkpoint my/model.pt    other weights
  --device cpu                where to compute
  --resume False              start over, even with files that an earlier run has done

exit status: 0 all done, 3 some failed, 1 none done, 2 a mistake in the command, 130 stopped by Ctrl-C
example:     sre-monai segment my/photographs my/results --write_probability True""",
    ),
    "evaluate": (
        "score the network on a prepared data set",
        "data set: a folder that `sre-monai prepare` made",
        """
options of the configuration, for example:
  --section training          other images (test, training, all)
  --limit 3                   the first three
  --checkpoint my/model.pt    other weights

example: sre-monai evaluate data/DRIVE output/evaluate""",
    ),
    "rotate": (
        "measure robustness to rotation",
        "data set: a folder that `sre-monai prepare` made",
        """
options of the configuration, for example:
  --angle_step 30             fewer angles
  --angles "[0,30,45]"        these angles

example: sre-monai rotate data/DRIVE output/rotation --angle_step 30""",
    ),
    "train": (
        "train the network on a prepared data set",
        "data set: a folder that `sre-monai prepare` made",
        """
options of the configuration, for example:
  --max_epochs 100            shorter
  --network_def#profile bands the published rings

example: sre-monai train data/DRIVE output/train""",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None reads those of the process.

    Returns:
        The exit status; a command of the bundle that fails raises.

    Examples:
        >>> main(["segment", "my/photographs", "my/results"])  # doctest: +SKIP
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["prepare"]:
        from sre_monai.data.command_line import run_prepare

        return run_prepare(arguments[1:], prog="sre-monai prepare")
    # what follows the first option belongs to the configuration, but for a few: argparse can't tell values from folders
    first = next((place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    own, further = _own_options().parse_known_args(arguments[first:])
    wants_help = bool({"-h", "--help"} & set(further))
    options = _parser().parse_args([*arguments[:first], *(["--help"] if wants_help else [])])
    try:
        command = long_command(options.command, options.data, options.output, own.bundle_root, further)
    except (ValueError, OSError) as error:
        from sre_monai.errors import tell_user

        return tell_user(error)
    print(shlex.join(["python", *command[1:]]), file=sys.stderr, flush=True)
    if own.dry_run:
        return 0
    return _run(command)


def long_command(
    name: str,
    data: str,
    output: str | None = None,
    bundle_root: str | os.PathLike[str] | None = None,
    further: Sequence[str] = (),
) -> list[str]:
    """Build the full command of a short one.

    Args:
        name: ``"segment"``, ``"evaluate"``, ``"rotate"`` or ``"train"``.
        data: the photographs or the data set.
        output: folder of the results; the configuration's own by default.
        bundle_root: the bundle's folder; by default the one that came with the package.
        further: options of the configuration.

    Returns:
        The command and its arguments.

    Raises:
        FileNotFoundError: when the bundle isn't found.

    Examples:
        >>> long_command("segment", "photographs", "results")[1:4]
        ['-m', 'monai.bundle', 'run']
    """
    root = find_bundle(bundle_root)
    files = [str(root / "configs" / file) for file in CONFIGURATIONS[name]]
    command = [sys.executable, "-m", "monai.bundle", "run"]
    command += ["--config_file", files[0] if len(files) == 1 else str(files)]
    command += ["--bundle_root", _literal(str(root)), "--dataset_dir", _literal(data)]
    return [*command, *(["--output_dir", _literal(output)] if output else []), *further]


def _run(command: list[str]) -> int:
    """Run ``python -m monai.bundle run`` in this process, so that wrong file and option names are reported, too."""
    import fire

    from sre_monai.errors import report_user_errors

    report_user_errors()
    sys.path.insert(0, "")  # as `python -m` does
    from monai.bundle import run

    fire.Fire(run, command=command[4:], name="python -m monai.bundle run")
    return 0


def _literal(path: str) -> str:
    """Quote a path that the long command would parse as a number or a list, such as a folder called ``2024``."""
    return path if DefaultParseValue(path) == path else repr(path)


def find_bundle(bundle_root: str | os.PathLike[str] | None = None) -> Path:
    """Find the bundle: in the given folder, else in the repository's clone or the installed wheel.

    Args:
        bundle_root: the bundle's folder, if given.

    Returns:
        The bundle's folder.

    Raises:
        FileNotFoundError: when there is none.

    Examples:
        >>> find_bundle().name
        'retina_fundus_vessel_segmentation'
    """
    places = [Path(bundle_root)] if bundle_root is not None else [place / BUNDLE for place in BUNDLE_PATHS]
    for place in places:
        if (place / "configs" / "metadata.json").is_file():
            return place
    raise FileNotFoundError(
        f"bundle_root: no bundle in {' or '.join(map(str, places))}; give its folder by --bundle_root."
    )


def _own_options() -> argparse.ArgumentParser:
    """Options of the short command itself."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--bundle_root", help="the bundle's folder, by default the one that came with the package")
    options.add_argument("--dry_run", action="store_true", help="print the long command and do nothing")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sre-monai",
        description="Vessels in fundus photographs, by rotation-equivariant networks. Each command prints the "
        "`python -m monai.bundle run` command that it stands for.",
        epilog="example: sre-monai segment my/photographs my/results",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (title, data, epilog) in HELP.items():
        command = commands.add_parser(
            name,
            help=title,
            usage=f"sre-monai {name} data [output] [--bundle_root BUNDLE] [--dry_run] [--option value ...]",
            description=title[0].upper() + title[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[_own_options()],
        )
        command.add_argument("data", help=data)
        command.add_argument("output", nargs="?", help="folder of the results; made when missing")
    commands.add_parser("prepare", help="check a data set and bring it into one layout, or write a synthetic one")
    return parser


if __name__ == "__main__":
    sys.exit(main())

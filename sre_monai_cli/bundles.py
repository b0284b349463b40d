"""The bundles and the commands that run them."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RETINA = "retina_fundus_vessel_segmentation"
MEDMNIST = "medmnist_classification"
HIPPOCAMPUS = "brain_mri_hippocampus_segmentation"
BUNDLE_PATHS = (
    Path(__file__).resolve().parents[1] / "bundles",  # a clone of the repository
    *(  # an installed wheel; the second path is that of `pip install --user`
        Path(sysconfig.get_path("data", scheme)) / "share" / "sre_monai" / "bundles"
        for scheme in (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    ),
)
PREPARED = "folder of a data set that `sre-monai prepare` made"
STATUSES = "0 all done, 3 some failed, 1 none done, 2 a mistake in the command, 130 stopped by Ctrl-C"


@dataclass(frozen=True)
class Command:
    """A command that runs configurations of a bundle.

    Attributes:
        help: what it does.
        configurations: file names, the later over the earlier.
        data: what ``dataset_dir`` is.
        example: a command line.
        bundle: the bundle's name.
        statuses: exit statuses, where they say more than 0 or 2.
        output: what ``output`` is.
        entries: ids that the two arguments of the command line set.
    """

    help: str
    configurations: tuple[str, ...]
    data: str
    example: str
    bundle: str = RETINA
    statuses: str = ""
    output: str = "folder of the results, made when missing"
    entries: tuple[str, str] = ("dataset_dir", "output_dir")


COMMANDS = {
    "segment": Command(
        "segment the vessels in a folder of photographs",
        ("inference.json",),
        "folder of photographs, sub-folders included, or a list of photographs as .json or .csv",
        "sre-monai segment my/photographs my/results --write_probability True",
        statuses=STATUSES,
    ),
    "measure": Command(
        "measure masks of vessels, arteries, veins and the optic disc",
        ("measure.json",),
        "folder of masks, sub-folders included, or a list of masks as .json or .csv",
        "sre-monai measure my/masks my/measures --photographs my/photographs --disc_diameter_um 1800",
        statuses=STATUSES,
    ),
    "evaluate": Command(
        "score the network on a prepared data set",
        ("train.json", "evaluate.json"),
        PREPARED,
        "sre-monai evaluate data/DRIVE output/evaluate --limit 3",
    ),
    "rotate": Command(
        "measure robustness to rotation",
        ("train.json", "evaluate.json", "rotation.json"),
        PREPARED,
        "sre-monai rotate data/DRIVE output/rotation --angle_step 30",
    ),
    "train": Command(
        "train the network on a prepared data set",
        ("train.json",),
        PREPARED,
        "sre-monai train data/DRIVE output/train --max_epochs 100",
    ),
    "classify": Command(
        "classify a folder of images or volumes",
        ("inference.json",),
        "folder of images, sub-folders included, or a list of images as .json or .csv",
        "sre-monai classify my/images my/results --checkpoint output/train/model.pt",
        bundle=MEDMNIST,
        statuses=STATUSES,
    ),
    "export": Command(
        "export a bundle to one file that runs without this package",
        ("inference.json", "export.json"),
        "bundle: its folder, or its name in the package",
        f"sre-monai export {RETINA} vessels.onnx",
        output="file, .onnx or .pt2",
        entries=("bundle_root", "filepath"),
    ),
}


def find_bundle(bundle_root: str | os.PathLike[str] = RETINA) -> Path:
    """Find a bundle.

    Args:
        bundle_root: its folder, or the name of one that came with the package.

    Returns:
        The bundle's folder.

    Raises:
        FileNotFoundError: when there is none.

    Examples:
        >>> find_bundle().name
        'retina_fundus_vessel_segmentation'
    """
    places = [Path(bundle_root), *(path / bundle_root for path in BUNDLE_PATHS)]
    for place in places:
        if (place / "configs" / "metadata.json").is_file():
            return place
    names = sorted(path.name for folder in BUNDLE_PATHS if folder.is_dir() for path in folder.iterdir())
    raise FileNotFoundError(
        f"bundle_root: no bundle in {bundle_root}; give a bundle's folder or one of {', '.join(names)}."
    )


def comes_with_package(file: str | os.PathLike[str]) -> bool:
    """Whether a file is part of a bundle that came with the package; others' configurations may run any code.

    Args:
        file: path of a configuration.

    Returns:
        True when it is.

    Examples:
        >>> comes_with_package(find_bundle() / "configs" / "train.json"), comes_with_package("train.json")
        (True, False)
    """
    return any(Path(file).resolve().is_relative_to(path.resolve()) for path in BUNDLE_PATHS)


def configuration_files(command: Command, root: Path, overlays: Sequence[str]) -> list[str]:
    """Paths of a command's configuration files.

    Args:
        command: the command.
        root: the bundle's folder.
        overlays: further files: paths, or names of files in the bundle's ``configs``.

    Returns:
        The paths.
    """
    known = root / "configs"
    further = [overlay if Path(overlay).is_file() else str(known / overlay) for overlay in overlays]
    return [*(str(known / name) for name in command.configurations), *further]


def options_file(files: list[str]) -> Path | None:
    """The table of options that belongs to configuration files: ``options.json`` beside one of them."""
    places = (Path(file).parent / "options.json" for file in files)
    return next((place for place in places if place.is_file()), None)

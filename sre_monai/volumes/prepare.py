"""Turn the hippocampus task of the Medical Segmentation Decathlon into a prepared data set."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sre_monai.io.datalist import DATALIST_NAME, check_prepared_output, move_prepared, recover_prepared
from sre_monai.io.source_files import find_files
from sre_monai.volumes.reader import VolumeReader

HIPPOCAMPUS = {
    "name": "Hippocampus",
    "source": "http://medicaldecathlon.com, Task04_Hippocampus",
    "licence": "CC BY-SA 4.0",
    "citation": "Antonelli et al., The Medical Segmentation Decathlon, Nat. Commun. 13, 4128 (2022)",
    "split": "test: the first 8 digits of the name's SHA-256 are below 22.5 % of their range; training: the others, "
    "by falling digits",
}
LAST_NUMBER = 400  # names are hippocampus_001 to hippocampus_394, with gaps
FOLDERS = {"image": ("imagesTr", "images"), "label": ("labelsTr", "labels")}
TEST_SHARE = 0.225
LABELS = (0, 1, 2)


def held_back(name: str) -> float:
    """Place a case between 0 and 1 by its name, alike in every copy of the data set.

    Args:
        name: the case, without extension.

    Returns:
        The first 8 hexadecimal digits of the name's SHA-256, as a fraction of their range.

    Examples:
        >>> round(held_back("hippocampus_001"), 3)
        0.871
    """
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8


def prepare_hippocampus(
    source: str | os.PathLike[str], output: str | os.PathLike[str], overwrite: bool = False
) -> Path:
    """Prepare the hippocampus data for training and evaluation.

    Copies ``images/<name>.nii.gz`` and ``labels/<name>.nii.gz`` and writes ``datalist.json`` in the manner of the
    Decathlon. 22.5 % are held back for the section ``test``, by a hash of their names. The training part may be
    incomplete; a volume without its label is left out. Everything is built in a temporary folder beside the output and
    moved into place at the end.

    Args:
        source: folder or archive with the original files, in any arrangement.
        output: the folder to make.
        overwrite: replace an output folder prepared before.

    Returns:
        The path of the written ``datalist.json``.

    Raises:
        FileNotFoundError: when the source does not exist.
        FileExistsError: when the output exists and is not to be overwritten, or is not a prepared data set.
        ValueError: when there are no volumes, or one is damaged or does not fit its label.

    Examples:
        >>> prepare_hippocampus("Task04_Hippocampus.tar", "data/Hippocampus")  # doctest: +SKIP
        PosixPath('data/Hippocampus/datalist.json')
    """
    output = Path(output)
    recover_prepared(output)
    check_prepared_output(source, output, overwrite)
    output.parent.mkdir(parents=True, exist_ok=True)
    names = [f"hippocampus_{number:03d}" for number in range(1, LAST_NUMBER)]
    wanted = [f"{folder}/{name}.nii.gz" for name in names for folders in FOLDERS.values() for folder in folders]
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        found = find_files(source, wanted, Path(scratch, "source"))
        pairs = {name: [_first(found, folders, name) for folders in FOLDERS.values()] for name in names}
        complete = {name: (image, label) for name, (image, label) in pairs.items() if image and label}
        if not complete:
            raise ValueError(f"{source} holds no volume of the hippocampus data: expected names such as {wanted[0]}")
        prepared = Path(scratch, "prepared")
        sections: dict[str, list[dict[str, str]]] = {"training": [], "test": []}
        for name in tqdm(sorted(complete, key=held_back, reverse=True), desc="preparing Hippocampus", unit="volume"):
            section = "test" if held_back(name) < TEST_SHARE else "training"
            sections[section].append(_prepare_case(name, *complete[name], prepared))
        datalist = {**HIPPOCAMPUS, **sections}
        Path(prepared, DATALIST_NAME).write_text(json.dumps(datalist, indent=2) + "\n", encoding="utf-8")
        move_prepared(prepared, output)
    return output / DATALIST_NAME


def _first(found: dict[str, Path], folders: tuple[str, ...], name: str) -> Path | None:
    return next((found[file] for folder in folders if (file := f"{folder}/{name}.nii.gz") in found), None)


def _prepare_case(name: str, image: Path, label: Path, prepared: Path) -> dict[str, str]:
    """Check and copy a volume and its label; its entry in the datalist."""
    (volume, grid), (labels, label_grid) = (VolumeReader().get_data([path]) for path in (image, label))
    if volume.shape != labels.shape or not np.allclose(grid["affine"], label_grid["affine"], atol=1e-3):
        raise ValueError(f"{image} and its label lie on different grids")
    values = np.unique(labels)
    if not set(values) <= set(LABELS):
        raise ValueError(f"{label} is no label map: expected the values {LABELS}, found {values[:5]}")
    entry = {role: f"{folders[1]}/{name}.nii.gz" for role, folders in FOLDERS.items()}
    for path, file in zip((image, label), entry.values(), strict=True):
        (prepared / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, prepared / file)
    return entry

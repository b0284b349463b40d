"""Turn a data set as its authors ship it into one layout, checked: images, labels, fields of view, a datalist."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from sre_monai.io.datalist import DATALIST_NAME, check_prepared_output, move_prepared, recover_prepared
from sre_monai.io.download import download_file
from sre_monai.io.source_files import find_files
from sre_monai.retina.data.dataset import RetinaCase, RetinaDataset
from sre_monai.retina.field_of_view import estimate_field_of_view

FOLDERS = {"image": "images", "label": "labels", "fov": "fov", "second_observer": "second_observer"}
MAX_STRAYS = 0.01  # fraction of pixels between the two values of a mask, for hand-drawn masks with a soft stroke
REQUIRED = ("image", "label", "fov")  # a case without one of these is left out of a partial set


def prepare_dataset(
    dataset: RetinaDataset,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    download: bool = False,
    allow_partial: bool = False,
    overwrite: bool = False,
) -> Path:
    """Prepare a retinal vessel data set for MONAI.

    Writes ``images/<stem>.<extension>`` (the original bytes), ``labels/<stem>.png``, ``second_observer/<stem>.png``
    where there is one, ``fov/<stem>.png`` (the official field of view mask, else an estimate) and ``datalist.json`` in
    the manner of the Medical Segmentation Decathlon. Masks are 8-bit, 0 or 255. Everything is built in a temporary
    folder beside the output and moved into place at the end.

    Args:
        dataset: the specification, such as ``RETINA_DATASETS["DRIVE"]``.
        source: the folder or archive with the original files, in any arrangement.
        output: the folder to make.
        download: fetch the official archives into the folder `source` first.
        allow_partial: accept a source with files missing; they are listed on stderr, and a case without its image,
            label or official field of view is left out.
        overwrite: replace an output folder prepared before.

    Returns:
        The path of the written ``datalist.json``.

    Raises:
        FileNotFoundError: When the source does not exist.
        FileExistsError: When the output exists and is not to be overwritten, or is not a prepared data set.
        ValueError: When files are missing, damaged, of the wrong size, or masks are not binary.
        OSError: When a download fails.

    Examples:
        >>> prepare_dataset(DRIVE, "downloads/DRIVE.zip", "data/DRIVE")  # doctest: +SKIP
        PosixPath('data/DRIVE/datalist.json')
    """
    source, output = Path(source), Path(output)
    recover_prepared(output)
    check_prepared_output(source, output, overwrite)
    if download:
        _download(dataset, source)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        cases = dataset.cases()
        names = [name for case in cases for name in case.files.values()]
        found = find_files(source, names, Path(scratch, "source"))
        cases = _complete_cases(dataset, source, cases, found, allow_partial)
        prepared = Path(scratch, "prepared")
        sections: dict[str, list[dict[str, str]]] = {"training": [], "test": []}
        for case in tqdm(cases, desc=f"preparing {dataset.name}", unit="image"):
            sections[case.section].append(_prepare_case(dataset, case, found, prepared))
        datalist = {
            "name": dataset.name,
            "source": dataset.url,
            "licence": dataset.licence,
            "citation": dataset.citation,
            "split": dataset.split,
            "fov": "estimated" if dataset.fov is None else "official",
            **sections,
        }
        Path(prepared, DATALIST_NAME).write_text(json.dumps(datalist, indent=2) + "\n", encoding="utf-8")
        move_prepared(prepared, output)
    return output / DATALIST_NAME


def _download(dataset: RetinaDataset, folder: Path) -> None:
    """Fetch the official archives."""
    if not dataset.downloads:
        raise ValueError(f"{dataset.name} can't be downloaded: it needs a registration, get it at {dataset.url}")
    if folder.is_file():
        raise ValueError(f"source {folder} is a file; a download needs a folder")
    try:
        for remote in dataset.downloads:
            download_file(remote, folder)
    except (OSError, ValueError) as error:
        raise OSError(f"{error} (official page: {dataset.url})") from error


def _complete_cases(
    dataset: RetinaDataset, source: Path, cases: Sequence[RetinaCase], found: dict[str, Path], allow_partial: bool
) -> list[RetinaCase]:
    """The cases that can be prepared, each with the files it has; an error when files are missing and must not be."""
    names = [name for case in cases for name in case.files.values()]
    missing = [name for name in names if name not in found]
    if not missing:
        return list(cases)
    if len(missing) == len(names):
        raise ValueError(f"{source} holds no file of {dataset.name}: expected names such as {', '.join(names[:3])}")
    if not allow_partial:
        raise ValueError(
            f"{source} lacks {len(missing)} of the {len(names)} files of {dataset.name}: {', '.join(missing[:5])}"
            f"{', …' if len(missing) > 5 else ''}; complete it, or continue without them (--allow-partial)"
        )
    present = [
        RetinaCase(case.section, {role: name for role, name in case.files.items() if name in found}) for case in cases
    ]
    kept = [
        part
        for part, case in zip(present, cases, strict=True)
        if all(role in part.files for role in REQUIRED if role in case.files)
    ]
    if not kept:
        raise ValueError(f"{source} has no complete case of {dataset.name}: missing are {', '.join(missing)}")
    print(
        f"{dataset.name} is partial: {len(kept)} of {len(cases)} images prepared; missing are {', '.join(missing)}",
        file=sys.stderr,
    )
    return kept


def _prepare_case(dataset: RetinaDataset, case: RetinaCase, found: dict[str, Path], prepared: Path) -> dict[str, str]:
    """Check and write the files of one case; its entry in the datalist."""
    image_path = found[case.files["image"]]
    photograph = _open(image_path, dataset, dataset.image_size)
    image = np.asarray(photograph.convert("RGB"))
    entry = {"image": f"{FOLDERS['image']}/{case.stem}{image_path.suffix}"}
    masks = {
        role: _read_mask(found[name], dataset, photograph.size)
        for role, name in sorted(case.files.items())
        if role != "image"
    }
    if "fov" not in masks:
        masks["fov"] = _estimate_fov(image, image_path)
    _make_parent(prepared / entry["image"])
    shutil.copyfile(image_path, prepared / entry["image"])
    for role in FOLDERS:
        if role in masks:
            entry[role] = f"{FOLDERS[role]}/{case.stem}.png"
            _make_parent(prepared / entry[role])
            Image.fromarray(masks[role].astype(np.uint8) * 255).save(prepared / entry[role])
    return entry


def _make_parent(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)


def _open(path: Path, dataset: RetinaDataset, size: tuple[int, int] | None) -> Image.Image:
    """Read an image to its last byte, so that a damaged file is found now, and check its size where it is known."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path.name} of {dataset.name} can't be read as an image ({error}); fetch it again"
        ) from error
    if size is not None and image.size != size:
        raise ValueError(
            f"{path.name} of {dataset.name} is {image.size[0]}×{image.size[1]} pixels; "
            f"expected {size[0]}×{size[1]} (width×height)"
        )
    return image


def _read_mask(path: Path, dataset: RetinaDataset, size: tuple[int, int]) -> np.ndarray:
    """A mask of a photograph's size (width, height) as booleans (height, width)."""
    # by colour, not by stored number: a palette may number black and white as it likes, or have dark grey for black
    values = np.asarray(_open(path, dataset, size).convert("L"))
    low, high = int(values.min()), int(values.max())
    strays = np.count_nonzero((values != low) & (values != high))
    if low == high or strays > MAX_STRAYS * values.size:
        raise ValueError(
            f"{path.name} of {dataset.name} is not a mask: expected two values, "
            f"found {len(np.unique(values))} from {low} to {high}"
        )
    return values > (low + high) / 2


def _estimate_fov(image: np.ndarray, path: Path) -> np.ndarray:
    """Field of view (height, width) of a photograph (height, width, channel)."""
    try:
        return estimate_field_of_view(np.ascontiguousarray(image.transpose(2, 1, 0)))[0].numpy().T
    except ValueError as error:
        raise ValueError(f"{path.name} has no field of view ({error})") from error

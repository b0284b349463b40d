"""MedMNIST v2: any of its sets, 2D or 3D, of any published size, from its ``.npz`` file.

Any file of that form works, with the arrays ``train_images``, ``train_labels``, ``val_images`` … ``test_labels``.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sre_monai.io.download import download_file
from sre_monai.medmnist.index import medmnist_entry, medmnist_remote_file
from sre_monai.medmnist.scores import BINARY, MULTI_LABEL, TASKS

SECTIONS = ("train", "val", "test")
RGB = 3


class MedMNISTFormat(NamedTuple):
    """What a network needs to know about a data set.

    Attributes:
        name: of the set, such as ``"breastmnist"``.
        task: one of ``sre_monai.medmnist.TASKS``.
        classes: name of each class; its number where no name is known.
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: 1 for grey values, 3 for colour.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    spatial_dims: int
    in_channels: int


DEFAULT_FORMAT = MedMNISTFormat("breastmnist", BINARY, ("malignant", "normal, benign"), 2, 1)


def find_medmnist(
    dataset_dir: str | os.PathLike[str], name: str = "breastmnist", size: int = 28, download: bool = False
) -> Path:
    """Find the file of a set, or fetch it.

    Args:
        dataset_dir: folder of the ``.npz`` files.
        name: of the set; 3D sets end in ``3d``.
        size: edge length of the published images in pixels: 28, or 64, 128 and 224, for 3D 64.
        download: fetch the file from its publisher when it is not there, with progress and checksum.

    Returns:
        The path of the file, ``<name>.npz`` or ``<name>_<size>.npz``. A file that is there is taken as it is.

    Raises:
        FileNotFoundError: when the file is not there and is not to be fetched.
        ValueError: when it can't be fetched: the package ``medmnist`` is missing, or the name or size is unknown.
        OSError: when the download fails.

    Examples:
        >>> from sre_monai.medmnist import write_synthetic_volumes
        >>> path = write_synthetic_volumes("shapes3d.npz", train=8, val=4, test=4, size=8)
        >>> find_medmnist(".", "shapes3d") == path
        True
    """
    folder = Path(dataset_dir).expanduser()
    path = folder / (f"{name}.npz" if size == 28 else f"{name}_{size}.npz")
    if path.is_file():
        return path
    if not download:
        raise FileNotFoundError(
            f"dataset_dir {folder} has no {path.name}; give the folder that holds it, or fetch it (--download True)."
        )
    return download_file(medmnist_remote_file(name, size), folder)


def medmnist_format(
    dataset_dir: str | os.PathLike[str],
    name: str = "breastmnist",
    size: int = 28,
    download: bool = False,
    task: str | None = None,
) -> MedMNISTFormat:
    """Determine the task, classes, axes and channels of a set.

    The task and the names of the classes come from MedMNIST's index where the package ``medmnist`` is installed and
    knows the set. Otherwise they are derived from the labels: several columns are multi-label, one column of two
    values is binary, of more multi-class. An ordinal task is then taken for a multi-class one, which is scored alike.

    Args:
        dataset_dir: folder of the ``.npz`` files.
        name: of the set.
        size: edge length of the published images.
        download: fetch the file when it is not there.
        task: what the task is; None to find out.

    Returns:
        The format; that of BreastMNIST when there is no such file, so that a network can be built without data.

    Raises:
        ValueError: when the file is damaged or not in MedMNIST's form, or the task is unknown or does not fit.

    Examples:
        >>> from sre_monai.medmnist import write_synthetic_volumes
        >>> path = write_synthetic_volumes("shapes3d.npz", train=8, val=4, test=4, size=8)
        >>> medmnist_format(".", "shapes3d").classes
        ('0', '1', '2', '3')
    """
    try:
        path = find_medmnist(dataset_dir, name, size, download)
    except FileNotFoundError:
        return DEFAULT_FORMAT
    labels = np.concatenate([_array(path, f"{section}_labels") for section in SECTIONS])
    spatial_dims, in_channels = _axes(path, _shape(path, "train_images"))
    columns = labels.reshape(len(labels), -1)
    count = columns.shape[1] if columns.shape[1] > 1 else int(columns.max()) + 1
    entry = medmnist_entry(name) or {}
    names = tuple(entry.get("label", {}).values())
    if len(names) != count:
        names = tuple(map(str, range(count)))
    task = task or entry.get("task") or _task(columns.shape[1], count)
    if task not in TASKS or (task == MULTI_LABEL) != (columns.shape[1] > 1) or (task == BINARY and count > 2):
        raise ValueError(
            f"task must be one of {', '.join(map(repr, TASKS))} and fit the labels of {path}, which have "
            f"{columns.shape[1]} columns and {count} classes, got {task!r}."
        )
    return MedMNISTFormat(name, task, names, spatial_dims, in_channels)


def load_medmnist(path: str | os.PathLike[str], section: str = "train") -> list[dict[str, Any]]:
    """Load a section of a set as MONAI items.

    The whole section is held in memory, as 8-bit integers.

    Args:
        path: the ``.npz`` file.
        section: ``"train"``, ``"val"`` or ``"test"``.

    Returns:
        One dictionary per image, with ``image``, uint8, (C, W, H) as MONAI's readers give it or (1, X, Y, Z) with the
        axes of the file; ``label``, a class or, for several labels, float32 (K,); ``index``, its place in the section.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the section is unknown or empty, or the file is damaged or not in MedMNIST's form.

    Examples:
        >>> from sre_monai.medmnist import write_synthetic_volumes
        >>> path = write_synthetic_volumes("shapes3d.npz", train=8, val=4, test=4, size=8)
        >>> load_medmnist(path, "test")[0]["image"].shape
        (1, 8, 8, 8)
    """
    if section not in SECTIONS:
        raise ValueError(f"section must be one of {', '.join(SECTIONS)}, got {section!r}.")
    images, labels = _array(path, f"{section}_images"), _array(path, f"{section}_labels")
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"section {section!r} of {path} has {len(images)} images and {len(labels)} labels.")
    spatial_dims, in_channels = _axes(path, images.shape)
    if in_channels == RGB:
        images = images.transpose(0, 3, 2, 1)
    else:
        images = (images.swapaxes(1, 2) if spatial_dims == 2 else images)[:, None]
    labels = labels.reshape(len(labels), -1)
    targets = labels.astype(np.float32) if labels.shape[1] > 1 else [int(label) for label in labels[:, 0]]
    return [
        {"image": image, "label": label, "index": index}
        for index, (image, label) in enumerate(zip(images, targets, strict=True))
    ]


def _array(path: str | os.PathLike[str], key: str) -> np.ndarray:
    """One array of the file."""
    with _open(path, key) as file:
        try:
            array = file[key]
        except Exception as error:  # zip, zlib and numpy raise many kinds for damaged files; objects are refused
            raise ValueError(f"{key} of {path} can't be read ({error}); fetch the file again.") from None
    if array.dtype.kind not in "uib":
        raise ValueError(f"{key} of {path} must hold integers, found {array.dtype}.")
    return array


def _shape(path: str | os.PathLike[str], key: str) -> tuple[int, ...]:
    """Shape of one array of the file, without unpacking it."""
    with _open(path, key), zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(stream)[0]


def _open(path: str | os.PathLike[str], key: str) -> np.lib.npyio.NpzFile:
    if not Path(path).is_file():
        raise FileNotFoundError(f"file not found: {path}.")
    try:
        file = np.load(path, allow_pickle=False)
    except Exception as error:
        raise ValueError(f"{path} is not a complete .npz file ({error}); fetch it again.") from None
    if not isinstance(file, np.lib.npyio.NpzFile) or key not in file:
        names = ", ".join(getattr(file, "files", [])) or "none"
        raise ValueError(f"{path} is not in MedMNIST's form: it has no array {key} (its arrays: {names}).")
    return file


def _axes(path: str | os.PathLike[str], shape: tuple[int, ...]) -> tuple[int, int]:
    """Number of spatial axes and of channels of an array of images."""
    if len(shape) == 3:
        return 2, 1
    if len(shape) == 4:
        return (2, RGB) if shape[-1] == RGB else (3, 1)
    raise ValueError(f"images of {path} must be (N, H, W), (N, H, W, 3) or (N, D, H, W), found {shape}.")


def _task(columns: int, count: int) -> str:
    """Derive the task from the labels."""
    if columns > 1:
        return MULTI_LABEL
    return BINARY if count <= 2 else "multi-class"

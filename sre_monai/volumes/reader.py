"""A reader for MONAI's ``LoadImage``: one volume from whatever nibabel reads, or from a DICOM series."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import nibabel
import numpy as np
from monai.config import PathLike
from monai.data import ImageReader
from monai.utils import ImageMetaKey, MetaKeys, SpaceKeys, ensure_tuple
from nibabel.spatialimages import SpatialImage

from sre_monai.volumes.dicom_series import is_series, read_series

MAX_VOXELS = 1 << 28  # 645 cubed, 1 GiB as float32
LEAST_SPACING = 1e-3  # mm


class VolumeReader(ImageReader):
    """Read volumes of one channel.

    For ``LoadImage(reader=VolumeReader())``. A file is read by nibabel: NIfTI, MGH/MGZ, MINC, Analyze, PAR/REC. A
    folder, or a DICOM file, is a series of slices, see :func:`~sre_monai.volumes.read_series`. Scaling of the stored
    values is applied. Trailing axes of length one, as of a time series of one frame, are dropped. The array keeps the
    order of its axes; the affine matrix maps its indices to millimetres in RAS. With ``LoadImage(expanduser=False)``,
    images of nibabel are read as well as files.

    Raises:
        ValueError: naming the file, when it can't be read, is not one volume of one channel, has fewer than two voxels
            along an axis, is larger than 268 million voxels, holds values that are not finite or all the same, or its
            affine matrix is singular.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> nibabel.save(nibabel.Nifti1Image(np.random.rand(9, 8, 7, 1), np.diag([1, 1, 2, 1])), "a.nii.gz")
        >>> volume = LoadImage(reader=VolumeReader())("a.nii.gz")
        >>> tuple(volume.shape), volume.pixdim.tolist()
        ((9, 8, 7), [1.0, 1.0, 2.0])
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Take any file: its content decides."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[str]:
        """Keep the names: `LoadImage` would hide an error raised here and try other readers on the damaged file."""
        return list(ensure_tuple(data))

    def get_data(self, img: Sequence[Any]) -> tuple[np.ndarray, dict[str, Any]]:
        """Read the volume, and return the array (X, Y, Z) with its metadata."""
        if len(img) != 1:
            raise ValueError(f"one volume is expected, got {len(img)}: {', '.join(map(str, img))}.")
        path = "volume" if isinstance(img[0], SpatialImage) else os.fspath(img[0])
        array, affine = _read(path, img[0])
        _check_values(path, array)
        _check_affine(path, affine)
        return array, {
            MetaKeys.AFFINE: affine,
            MetaKeys.ORIGINAL_AFFINE: affine.copy(),
            MetaKeys.SPATIAL_SHAPE: np.asarray(array.shape),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.ORIGINAL_CHANNEL_DIM: math.nan,
            ImageMetaKey.FILENAME_OR_OBJ: path,
        }


def _read(path: str, source: Any) -> tuple[np.ndarray, np.ndarray]:
    """The values (X, Y, Z), float32, and the affine matrix (4, 4)."""
    in_memory = isinstance(source, SpatialImage)
    if not in_memory and not os.path.exists(path):
        raise FileNotFoundError(f"{path}: there is no such file.")
    with _refusing(path):
        if not in_memory and is_series(path):
            return read_series(path, MAX_VOXELS)
        image: Any = source if in_memory else nibabel.load(path)
    shape = _squeezed(image.shape)
    _check_shape(path, shape, image.get_data_dtype())
    with _refusing(path):
        return np.asarray(image.dataobj, dtype=np.float32).reshape(shape), np.array(image.affine, dtype=np.float64)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Name the file in whatever nibabel and highdicom raise for damaged ones, of many kinds."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} cannot be read as a volume ({reason}): a complete file such as NIfTI (.nii, .nii.gz) or MGH "
            "(.mgz), or a folder with one DICOM series, is expected."
        ) from None


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """Drop trailing axes of length one beyond the third."""
    shape = tuple(shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _check_shape(path: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what isn't one volume, before its values are read."""
    size = "×".join(map(str, shape))
    if dtype.fields is not None or np.issubdtype(dtype, np.complexfloating):
        raise ValueError(f"{path}: its voxels hold several numbers each, of type {dtype}; one is expected.")
    if len(shape) > 3:
        raise ValueError(f"{path} holds {math.prod(shape[3:])} volumes, {size}; give one of them as a file.")
    if 0 in shape:
        raise ValueError(f"{path} is empty: {size} voxels.")
    if len(shape) < 3 or min(shape) == 1:
        raise ValueError(f"{path} is no volume but a 2D image of {size} pixels.")
    if math.prod(shape) > MAX_VOXELS:
        raise ValueError(f"{path}: {size} voxels are more than the {MAX_VOXELS / 1e6:.0f} million allowed.")


def _check_values(path: str, array: np.ndarray) -> None:
    wrong = array.size - np.count_nonzero(np.isfinite(array))
    if wrong:
        raise ValueError(f"{path} has {wrong} voxels that are not finite numbers (NaN or infinite); replace them.")
    if array.min() == array.max():
        raise ValueError(f"{path} is empty: all its voxels have the same value, {array.flat[0]:g}.")


def _check_affine(path: str, affine: np.ndarray) -> None:
    finite = np.isfinite(affine).all()
    if not finite or np.linalg.svd(affine[:3, :3], compute_uv=False).min() < LEAST_SPACING:
        raise ValueError(f"{path} has an affine matrix that can't be inverted; repair its header.")

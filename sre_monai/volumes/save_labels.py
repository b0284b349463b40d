"""The last transform of inference: label maps, probabilities and overlays as files."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey, convert_to_numpy

from sre_monai.io.files import written_atomically
from sre_monai.io.png import save_png
from sre_monai.runs.folder.thumbnail import thumbnail
from sre_monai.volumes.dicom_series import is_series, write_series_segmentation
from sre_monai.volumes.slices import draw_slices

PREVIEW_SIDE = 1000  # pixels


class SaveLabelsd(MapTransform):
    """Write the results of one volume.

    Writes ``OUT/<name>_labels.nii.gz`` and on request ``OUT/<name>_probability.nii.gz`` and ``OUT/<name>_overlay.png``,
    where ``name`` is the item's own entry and may hold sub-folders. They lie on the volume's own grid, with its affine
    matrix; what a NIfTI file's header says besides (codes of the coordinates, units, description) is taken over. Of a
    DICOM series the labels are ``OUT/<name>_labels.dcm``, a Segmentation that refers to its slices. Files are written
    atomically.

    Leaves in the item: in ``outputs`` the written files, relative to the folder, with their sizes in bytes; in
    ``thumbnails`` two small pictures; in ``preview`` a larger one.

    Args:
        keys: key of the label map, a MetaTensor of shape (1, X, Y, Z).
        output_dir: folder of the results.
        structures: what each label above 0 stands for.
        volume_key: key of the volume (1, X, Y, Z) on its own grid.
        probability_key: key of the probabilities (classes, X, Y, Z).
        write_probability: whether to write them, without the background's.
        write_overlay: whether to write three orthogonal slices with the outlines of the structures.
        keep_identifiers: whether a DICOM Segmentation names the patient, as its series does.
        algorithm: name and parameters of what made the labels, to be recorded in DICOM Segmentations.

    Examples:
        >>> SaveLabelsd("labels", "output", {1: "anterior hippocampus"})  # doctest: +SKIP
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | os.PathLike[str],
        structures: Mapping[int, str] | Mapping[str, str],
        volume_key: str = "volume",
        probability_key: str = "pred",
        write_probability: bool = False,
        write_overlay: bool = True,
        keep_identifiers: bool = False,
        algorithm: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(keys)
        self.output_dir = Path(output_dir)
        self.structures = {int(label): name for label, name in structures.items()}
        self.volume_key = volume_key
        self.probability_key = probability_key
        self.write_probability = write_probability
        self.write_overlay = write_overlay
        self.keep_identifiers = keep_identifiers
        self.algorithm = dict(algorithm or {})

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files and return a copy of the data that lists them."""
        d = dict(data)
        for key in self.key_iterator(d):
            labels, volume = convert_to_numpy(d[key])[0], convert_to_numpy(d[self.volume_key])[0]
            affine = np.asarray(d[key].affine, dtype=np.float64)
            written = [self._save_labels(d, labels, affine)]
            if self.write_probability:
                probability = convert_to_numpy(d[self.probability_key])[1:].astype(np.float32)
                written.append(self._path(d, "probability.nii.gz"))
                _save_nifti(written[-1], np.moveaxis(probability, 0, -1), affine, _source(d[self.volume_key]))
            plain, outlined = draw_slices(volume, labels, affine)
            if self.write_overlay:
                written.append(self._path(d, "overlay.png"))
                save_png(written[-1], outlined)
            sizes = {path.relative_to(self.output_dir).as_posix(): path.stat().st_size for path in written}
            d["outputs"] = {**d.get("outputs", {}), **sizes}
            d["thumbnails"] = [thumbnail(plain), thumbnail(outlined)]
            d["preview"] = thumbnail(plain, side=PREVIEW_SIDE)
        return d

    def _save_labels(self, d: Mapping[Hashable, Any], labels: np.ndarray, affine: np.ndarray) -> Path:
        source = _source(d[self.volume_key])
        if source and is_series(source):
            path = self._path(d, "labels.dcm")
            write_series_segmentation(
                path, source, labels, affine, self.structures, self.keep_identifiers, **self.algorithm
            )
            return path
        path = self._path(d, "labels.nii.gz")
        _save_nifti(path, labels.astype(np.uint8), affine, source, intent="label")
        return path

    def _path(self, d: Mapping[Hashable, Any], ending: str) -> Path:
        return self.output_dir / f"{d['name']}_{ending}"


def _source(volume: Any) -> str:
    """File or folder that a volume was read from; empty where it was in memory."""
    return str(getattr(volume, "meta", {}).get(ImageMetaKey.FILENAME_OR_OBJ, ""))


def _save_nifti(path: Path, values: np.ndarray, affine: np.ndarray, source: str, intent: str = "none") -> None:
    """Write values on a volume's grid, under the header of its file where that is NIfTI."""
    original = None if not source or is_series(source) else nibabel.load(source)
    header = original.header.copy() if isinstance(original, nibabel.Nifti1Pair) else None
    image = nibabel.Nifti1Image(values, affine, header)
    image.set_data_dtype(values.dtype)
    image.header.set_intent(intent)
    image.header["cal_min"], image.header["cal_max"] = 0, 0  # the original's range of display
    if header is None:
        image.header.set_xyzt_units("mm")
    with written_atomically(path) as unfinished:
        nibabel.save(image, unfinished)

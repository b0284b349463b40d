"""The last transform of inference: masks, probabilities and overlays as files."""

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
from skimage.morphology import skeletonize

from sre_monai.io.dicom import require_dicom_extra
from sre_monai.io.dicom_segmentation import write_dicom_segmentation
from sre_monai.io.files import written_atomically
from sre_monai.io.png import save_png
from sre_monai.retina.overlay import draw_vessels
from sre_monai.runs.folder.thumbnail import thumbnail
from sre_monai.visualize.picture import plane_to_picture, to_bytes, to_picture

EXTENSIONS = (".png", ".nii.gz", ".dcm")
LABELS = {
    "mask": "Retinal vessels",
    "probability": "Probability of retinal vessels",
    "skeleton": "Skeleton of retinal vessels",
}
BLOOD_VESSEL, RETINA = ("59820001", "Blood Vessel"), ("5665001", "Retina")  # SNOMED CT
BROWSER_EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")  # of photographs that any browser shows
PREVIEW_SIDE = 1600  # pixels


class SaveVesselsd(MapTransform):
    """Write the results of one photograph.

    Writes ``OUT/<name>_mask`` and on request ``OUT/<name>_probability``, ``OUT/<name>_skeleton`` and
    ``OUT/<name>_overlay.png``, where ``name`` is the item's own entry and may hold sub-folders. As PNG a mask and a
    skeleton have the values 0 and 255, a probability 16 bit (0–65535 for 0–1); as NIfTI 0 and 1, and float32; as
    DICOM they are Segmentations that refer to the photograph, which must be DICOM, too (see
    `sre_monai.io.write_dicom_segmentation`). Pixels are those of the stored photograph; an EXIF orientation is
    carried over, so that viewers turn mask and photograph alike. Files are written atomically.

    Leaves in the item: in ``outputs`` the written files, relative to the folder, with their sizes in bytes; in
    ``thumbnails`` two small pictures; in ``preview`` a larger picture of a photograph that browsers can't show.

    Args:
        keys: key of the vessel mask, bool of shape (1, W, H), on the photograph's own grid, see `VesselMaskd`.
        output_dir: folder of the results.
        probability_key: key of the probability of a vessel, shape (1, W, H), values 0–1, if it is to be written.
        photograph_key: key of the photograph, shape (3, W, H), values 0–255.
        fov_key: key of the field of view, outlined in the overlay.
        output_ext: ``".png"``, ``".nii.gz"`` or ``".dcm"``.
        write_probability: whether to write the probability.
        write_overlay: whether to write the photograph with the vessels drawn on it.
        write_skeleton: whether to write the mask thinned to one pixel.
        keep_identifiers: whether a DICOM Segmentation names the patient, as its photograph does.
        algorithm: name and parameters of what made the mask, to be recorded in DICOM Segmentations.

    Raises:
        ValueError: for an unknown extension.
        ImportError: for ``".dcm"`` without the extra ``dicom``.

    Examples:
        >>> SaveVesselsd("mask", "output", write_probability=True)  # doctest: +SKIP
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | os.PathLike[str],
        probability_key: str = "pred",
        photograph_key: str = "photograph",
        fov_key: str = "photograph_fov",
        output_ext: str = ".png",
        write_probability: bool = False,
        write_overlay: bool = True,
        write_skeleton: bool = False,
        keep_identifiers: bool = False,
        algorithm: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(keys)
        if output_ext not in EXTENSIONS:
            raise ValueError(f"output_ext must be one of {EXTENSIONS}, got {output_ext!r}.")
        if output_ext == ".dcm":
            require_dicom_extra()
        self.output_dir = Path(output_dir)
        self.probability_key = probability_key
        self.photograph_key = photograph_key
        self.fov_key = fov_key
        self.output_ext = output_ext
        self.write_probability = write_probability
        self.write_overlay = write_overlay
        self.write_skeleton = write_skeleton
        self.keep_identifiers = keep_identifiers
        self.algorithm = dict(algorithm or {})

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files and return a copy of the data that lists them."""
        d = dict(data)
        for key in self.key_iterator(d):
            written = self._write(d, convert_to_numpy(d[key]).astype(bool, copy=False))
            d |= {**written, "outputs": {**d.get("outputs", {}), **written["outputs"]}}
        return d

    def _write(self, d: Mapping[Hashable, Any], mask: np.ndarray) -> dict[Hashable, Any]:
        """Write all files; their sizes, and pictures for the report."""
        name, photograph = d["name"], d[self.photograph_key]
        meta = getattr(photograph, "meta", {})
        orientation = int(meta.get("exif_orientation", 1))
        maps = {"mask": (mask, 255)}
        if self.write_probability:
            maps["probability"] = (convert_to_numpy(d[self.probability_key]), 65535)
        if self.write_skeleton:
            maps["skeleton"] = (skeletonize(mask[0])[None], 255)
        written = []
        for kind, (values, white) in maps.items():
            written.append(self._path(name, kind, self.output_ext))
            if self.output_ext == ".dcm":
                self._save_dicom(written[-1], values, photograph, LABELS[kind])
            else:
                _save(written[-1], values, white, orientation)
        planes = to_bytes(photograph)
        picture = planes.transpose(2, 1, 0)
        is_shown = Path(str(meta.get("filename_or_obj", ""))).suffix.lower() in BROWSER_EXTENSIONS
        pictures: dict[Hashable, Any] = {"thumbnails": [thumbnail(picture, orientation)]}
        if not is_shown:
            pictures["preview"] = thumbnail(picture, orientation, side=PREVIEW_SIDE)
        draw_vessels(planes, mask, d[self.fov_key])
        pictures["thumbnails"].append(thumbnail(picture, orientation))
        if self.write_overlay:
            written.append(self._path(name, "overlay", ".png"))
            save_png(written[-1], to_picture(planes), orientation)
        sizes = {path.relative_to(self.output_dir).as_posix(): path.stat().st_size for path in written}
        return {"outputs": sizes, **pictures}

    def _save_dicom(self, path: Path, values: np.ndarray, photograph: Any, label: str) -> None:
        """Write a map (1, W, H) as a DICOM Segmentation."""
        write_dicom_segmentation(
            path,
            photograph.meta[ImageMetaKey.FILENAME_OR_OBJ],
            values[0].T,
            label=label,
            keep_identifiers=self.keep_identifiers,
            structure=BLOOD_VESSEL,
            region=RETINA,
            content_label="VESSELS",
            **self.algorithm,
        )

    def _path(self, name: str, kind: str, extension: str) -> Path:
        return self.output_dir / f"{name}_{kind}{extension}"


def _save(path: Path, values: np.ndarray, white: int, orientation: int) -> None:
    """Write a map (1, W, H) of values 0–1; in a PNG the greatest value is `white`."""
    plane = values[0]
    if path.suffix == ".png":
        pixels = plane_to_picture(plane) * np.uint8(white) if plane.dtype == bool else _scaled(plane.T, white)
        save_png(path, pixels, orientation)
        return
    with written_atomically(path) as unfinished:
        image = nibabel.Nifti1Image(plane.astype(np.uint8 if plane.dtype == bool else np.float32), np.eye(4))
        nibabel.save(image, unfinished)


def _scaled(values: np.ndarray, white: int) -> np.ndarray:
    """Scale to integers, without a copy of the whole in higher precision."""
    result = np.empty(values.shape, np.min_scalar_type(white))
    for row, out in zip(values, result, strict=True):
        out[:] = np.rint(white * row.astype(np.float64))
    return result

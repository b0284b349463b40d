"""The last transform of inference: masks, probabilities and overlays as files."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy
from skimage.morphology import skeletonize

from sre_monai.files import written_atomically
from sre_monai.metrics.vessel_scores import check_threshold
from sre_monai.png import save_png
from sre_monai.transforms.field_of_view import get_field_of_view
from sre_monai.transforms.quality import has_few_vessels
from sre_monai.visualize.overlay import draw_vessels
from sre_monai.visualize.picture import plane_to_picture, to_picture
from sre_monai.visualize.thumbnail import thumbnail

__all__ = ["SaveVesselsd"]

EXTENSIONS = (".png", ".nii.gz")


class SaveVesselsd(MapTransform):
    """Cut a vessel probability map at a threshold and write the results of one photograph.

    Writes ``OUT/<name>_mask`` and on request ``OUT/<name>_probability``, ``OUT/<name>_skeleton`` and
    ``OUT/<name>_overlay.png``, where ``name`` is the item's own entry and may hold sub-folders. As PNG a mask and a
    skeleton have the values 0 and 255, a probability 16 bit (0–65535 for 0–1); as NIfTI 0 and 1, and float32. Pixels
    are those of the stored photograph; an EXIF orientation is carried over, so that viewers turn mask and photograph
    alike. Each file is whole or absent.

    Leaves in the item: in ``report`` the fraction of vessel pixels in the field of view, ``vessel_density``, the
    ``mean_probability`` there, and the flag ``few vessels`` (see `sre_monai.transforms.quality`); in ``outputs`` the
    written files, relative to the folder, with their sizes in bytes; in ``thumbnails`` two small pictures; in ``link``
    the overlay that they link to.

    Args:
        keys: key of the probability map, shape (1, W, H), values 0–1, on the photograph's own grid.
        output_dir: folder of the results.
        photograph_key: key of the photograph, shape (3, W, H), values 0–255.
        fov_key: key of the field of view; outside nothing is a vessel.
        threshold: a pixel is a vessel at or above.
        output_ext: ``".png"`` or ``".nii.gz"``.
        write_probability: whether to write the probability.
        write_overlay: whether to write the photograph with the vessels drawn on it.
        write_skeleton: whether to write the mask thinned to one pixel.

    Raises:
        ValueError: for an unknown extension, or a threshold outside 0–1.

    Examples:
        >>> SaveVesselsd("pred", "output", write_probability=True)  # doctest: +SKIP
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | os.PathLike[str],
        photograph_key: str = "photograph",
        fov_key: str = "photograph_fov",
        threshold: float = 0.5,
        output_ext: str = ".png",
        write_probability: bool = False,
        write_overlay: bool = True,
        write_skeleton: bool = False,
    ) -> None:
        super().__init__(keys)
        if output_ext not in EXTENSIONS:
            raise ValueError(f"output_ext must be one of {EXTENSIONS}, got {output_ext!r}.")
        self.output_dir = Path(output_dir)
        self.photograph_key = photograph_key
        self.fov_key = fov_key
        self.threshold = check_threshold(threshold)
        self.output_ext = output_ext
        self.write_probability = write_probability
        self.write_overlay = write_overlay
        self.write_skeleton = write_skeleton

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files and return a copy of the data with the figures for the report."""
        d = dict(data)
        for key in self.key_iterator(d):
            fov = convert_to_numpy(get_field_of_view(d, key, self.fov_key))
            probability = convert_to_numpy(torch.as_tensor(d[key]).float()) * fov
            mask = (probability >= self.threshold) & fov
            d["outputs"], d["thumbnails"] = self._write(
                d["name"], d[self.photograph_key], probability=probability, mask=mask, fov=fov
            )
            d["link"] = f"{d['name']}_overlay.png" if self.write_overlay else ""
            area = int(fov.sum())
            density = int(mask.sum()) / area
            report = d.get("report", {})
            flags = [report.get("quality", ""), "few vessels" if has_few_vessels(density) else ""]
            d["report"] = {
                **report,
                "quality": "; ".join(filter(None, flags)),
                "vessel_density": round(density, 4),
                "mean_probability": round(float(probability.sum(dtype=np.float64)) / area, 4),
            }
        return d

    def _write(
        self, name: str, photograph: torch.Tensor, probability: np.ndarray, mask: np.ndarray, fov: np.ndarray
    ) -> tuple[dict[str, int], list[str]]:
        """Write all files; their sizes, and thumbnails of photograph and overlay."""
        orientation = int(getattr(photograph, "meta", {}).get("exif_orientation", 1))
        maps = {"mask": (mask, 255)}
        if self.write_probability:
            maps["probability"] = (probability, 65535)
        if self.write_skeleton:
            maps["skeleton"] = (skeletonize(mask[0])[None], 255)
        written = []
        for kind, (values, white) in maps.items():
            written.append(self._path(name, kind, self.output_ext))
            _save(written[-1], values, white, orientation)
        picture = to_picture(photograph)
        thumbnails = [thumbnail(picture, orientation)]
        overlay = draw_vessels(picture, mask, fov)
        thumbnails.append(thumbnail(overlay, orientation))
        if self.write_overlay:
            written.append(self._path(name, "overlay", ".png"))
            save_png(written[-1], overlay, orientation)
        sizes = {path.relative_to(self.output_dir).as_posix(): path.stat().st_size for path in written}
        return sizes, thumbnails

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

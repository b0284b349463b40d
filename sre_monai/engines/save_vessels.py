"""The end of inference: masks, probabilities and pictures as files."""

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

from sre_monai.files import save_png, written_atomically
from sre_monai.transforms.field_of_view import field_of_view_diameter, get_field_of_view
from sre_monai.visualize import vessel_overlay

__all__ = ["SaveVesselsd"]

EXTENSIONS = (".png", ".nii.gz")


class SaveVesselsd(MapTransform):
    """Cut a vessel probability map at a threshold and write the results of one photograph.

    Writes ``OUT/<name>_mask`` and on request ``OUT/<name>_probability`` and ``OUT/<name>_overlay.png``, where ``name``
    is the item's own entry and may hold sub-folders. As PNG a mask has the values 0 and 255, a probability 16 bit
    (0–65535 for 0–1); as NIfTI 0 and 1, and float32. Pixels are those of the stored photograph; an EXIF orientation is
    carried over, so that viewers turn mask and photograph alike. Each file is whole or absent.

    Leaves figures for the report in the item under ``report``: field of view's diameter, share of vessel pixels in the
    field of view, and mean probability there.

    Args:
        keys: key of the probability map, shape (1, W, H), values 0–1, on the photograph's own grid.
        output_dir: folder of the results.
        photograph_key: key of the photograph, shape (3, W, H), values 0–255.
        fov_key: key of the field of view; outside nothing is a vessel.
        threshold: a pixel is a vessel at or above.
        output_ext: ``".png"`` or ``".nii.gz"``.
        write_probability: whether to write the probability.
        write_overlay: whether to write the photograph with the vessels drawn on it.

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
        fov_key: str = "fov",
        threshold: float = 0.5,
        output_ext: str = ".png",
        write_probability: bool = False,
        write_overlay: bool = True,
    ) -> None:
        super().__init__(keys)
        if output_ext not in EXTENSIONS:
            raise ValueError(f"output_ext must be one of {EXTENSIONS}, got {output_ext!r}.")
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie in 0–1, got {threshold}.")
        self.output_dir = Path(output_dir)
        self.photograph_key = photograph_key
        self.fov_key = fov_key
        self.threshold = threshold
        self.output_ext = output_ext
        self.write_probability = write_probability
        self.write_overlay = write_overlay

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files and return a copy of the data with the figures for the report."""
        d = dict(data)
        for key in self.key_iterator(d):
            fov = get_field_of_view(d, key, self.fov_key).cpu()
            probability = torch.where(fov, torch.as_tensor(d[key]).cpu().float(), 0.0)
            mask = probability >= self.threshold
            photograph = d[self.photograph_key]
            self._write(d["name"], photograph, probability, mask, fov)
            d["report"] = {
                "fov_diameter_px": f"{field_of_view_diameter(fov):.1f}",
                "vessel_density": f"{mask[fov].float().mean():.4f}",
                "mean_probability": f"{probability[fov].mean():.4f}",
            }
        return d

    def _write(
        self, name: str, photograph: torch.Tensor, probability: torch.Tensor, mask: torch.Tensor, fov: torch.Tensor
    ) -> None:
        path = self.output_dir / name
        orientation = int(getattr(photograph, "meta", {}).get("exif_orientation", 1))
        _save(path.with_name(f"{path.name}_mask{self.output_ext}"), mask, 255, orientation)
        if self.write_probability:
            _save(path.with_name(f"{path.name}_probability{self.output_ext}"), probability, 65535, orientation)
        if self.write_overlay:
            overlay = vessel_overlay(torch.as_tensor(photograph).cpu(), mask, fov)
            save_png(path.with_name(f"{path.name}_overlay.png"), overlay, orientation)


def _save(path: Path, values: torch.Tensor, white: int, orientation: int) -> None:
    """Write a map (1, W, H) of values 0–1; in a PNG the greatest value is `white`."""
    plane = convert_to_numpy(values)[0]
    if path.suffix == ".png":
        pixels = np.rint(white * plane.T.astype(np.float64)).astype(np.min_scalar_type(white))
        save_png(path, pixels, orientation)
        return
    with written_atomically(path) as unfinished:
        image = nibabel.Nifti1Image(plane.astype(np.uint8 if plane.dtype == bool else np.float32), np.eye(4))
        nibabel.save(image, unfinished)

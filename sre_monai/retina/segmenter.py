"""Vessel segmentation as one call: what the retina bundle's ``inference.json`` does, also for images in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

import numpy as np
import torch
from monai.utils import convert_to_numpy
from PIL import Image

from sre_monai.inferers.bundle_segmenter import BundleSegmenter
from sre_monai.io.decode import image_from_array
from sre_monai_cli.bundles import RETINA

Photograph: TypeAlias = str | os.PathLike[str] | np.ndarray | Image.Image


@dataclass(frozen=True, eq=False)
class VesselSegmentation:
    """The vessels of a photograph, on its own pixels.

    Arrays have the photograph's height and width, as ``numpy.asarray(PIL.Image.open(file))`` has them: an EXIF
    orientation is not applied.

    Attributes:
        mask: bool of shape (H, W), True on a vessel.
        probability: of a vessel, float32 of shape (H, W), 0–1; 0 outside the field of view.
        field_of_view: bool of shape (H, W), True inside.
        quality: what ``report.csv`` says of the photograph: its columns ``quality`` (flags), ``width``, ``height``,
            ``fov_diameter_px``, ``working_scale``, ``brightness`` and ``sharpness``, and what DICOM photographs tell.
        measures: what it says of the vessels: ``vessel_density``, ``mean_probability``, ``skeleton_length_px``, and
            with the option ``measures`` the columns of ``vessels.csv``.
        segments: with the option ``measures`` a table with a row for each vessel segment (pandas); otherwise None.
        note: such as "the first of several pages was read"; mostly empty.
    """

    mask: np.ndarray
    probability: np.ndarray
    field_of_view: np.ndarray
    quality: Mapping[str, Any]
    measures: Mapping[str, Any]
    segments: Any = None
    note: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Reasons to distrust the result, such as ``"blurred"``; none for a good photograph."""
        return tuple(filter(None, self.quality["quality"].split("; ")))


class VesselSegmenter(BundleSegmenter):
    """Segments the vessels of fundus photographs with the retina bundle.

    Parses ``inference.json`` of the bundle that came with the package, as the command ``sre-monai segment`` does: the
    masks are the same. Loads the network once. May be called from several threads at the same time; the network
    processes their photographs in turn. May be pickled and copied, as for the workers of a ``DataLoader``: a copy is
    made anew from the arguments, whose files must be there.

    Args:
        checkpoint: file with other weights.
        device: where the network runs, such as ``"cuda:0"``; by default a GPU, if there is one.
        threshold: a pixel is a vessel at or above this probability; by default that of the bundle.
        working_diameter: diameter of the field of view that the network sees, in pixels; by default that of the bundle.
        bundle_root: folder of another bundle. Its configuration is code that runs: give only one you trust.
        options: further entries of the configuration by their id, such as ``window_size=512``, or
            ``**{"inferer#overlap": 0.5}``. Values are data: text is never evaluated.

    Raises:
        FileNotFoundError: when there is no such checkpoint or bundle.
        ValueError: for an unknown option, or a value out of range.

    Examples:
        >>> segmenter = VesselSegmenter(threshold=0.4)
        >>> result = segmenter.segment("docs/sample/eye_565x584.png")
        >>> result.mask.shape, result.flags
        ((584, 565), ())
    """

    what = "photograph"

    def __init__(
        self,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        threshold: float | None = None,
        working_diameter: float | None = None,
        bundle_root: str | os.PathLike[str] = RETINA,
        **options: Any,
    ) -> None:
        super().__init__(
            bundle_root,
            checkpoint=None if checkpoint is None else os.path.expanduser(checkpoint),
            device=None if device is None else str(device),
            threshold=threshold,
            working_diameter=working_diameter,
            **options,
        )

    @overload
    def segment(self, photograph: Photograph) -> VesselSegmentation: ...

    @overload
    def segment(self, photograph: list[Photograph] | tuple[Photograph, ...]) -> list[VesselSegmentation]: ...

    def segment(
        self, photograph: Photograph | list[Photograph] | tuple[Photograph, ...]
    ) -> VesselSegmentation | list[VesselSegmentation]:
        """Segment a photograph, or each of a list.

        Args:
            photograph: a file, in any format that ``sre-monai segment`` reads; an image of Pillow, of which the current
                frame is used; or an array of shape (H, W), (H, W, 3) or (H, W, 4): grey, RGB or RGBA. It is uint8;
                uint16, scaled by the depth that its values have; or of any other type with numbers in 0–255, or
                floating point in 0–1. Of a list, images of the same size go through the network together on a GPU.

        Returns:
            The result, or a list of results in the same order. Where there are more photographs than results fit in
            memory, use ``map(segmenter.segment, photographs)``.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when this is not a photograph; the message says what is wrong.
        """
        several = isinstance(photograph, (list, tuple))
        photographs = list(photograph) if isinstance(photograph, (list, tuple)) else [photograph]
        results = [_result(*found) for found in self._segment(photographs)]
        return results if several else results[0]

    def _image(self, source: Any) -> Image.Image:
        """Make an image of Pillow, which `sre_monai.io.RGBReader` takes."""
        if isinstance(source, np.ndarray):
            return image_from_array(source)
        if isinstance(source, Image.Image):
            return source
        raise ValueError(f"a path, an array or an image of Pillow is expected, got {type(source).__name__}.")


def _result(item: Mapping[str, Any], done: Mapping[str, Any]) -> VesselSegmentation:
    """Make the result of a photograph of its item, before and after the network."""
    quality = {name: done["report"][name] for name in item["report"]}
    return VesselSegmentation(
        mask=_as_picture(done["mask"]),
        probability=_as_picture(done["pred"]),
        field_of_view=_as_picture(done["photograph_fov"]) > 0,
        quality=quality,
        measures={name: value for name, value in done["report"].items() if name not in quality},
        segments=getattr(done.get("measures"), "segments", None),
        note=item["image"].meta.get("note", ""),
    )


def _as_picture(image: torch.Tensor) -> np.ndarray:
    """From (1, W, H) to (H, W)."""
    return np.ascontiguousarray(convert_to_numpy(image)[0].T)

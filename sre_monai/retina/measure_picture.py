"""A picture of what was measured: zones, the vessels in the equivalents and how wide they are, bifurcations."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy
from PIL import Image, ImageDraw, ImageFont

from sre_monai.io.png import save_png
from sre_monai.retina.measures.zones import ZONES
from sre_monai.runs.folder.thumbnail import thumbnail
from sre_monai.visualize.picture import to_bytes, to_picture

if TYPE_CHECKING:
    from sre_monai.retina.measures.vessel_measures import VesselMeasures

COLORS = {"vessel": (0, 229, 255), "artery": (255, 96, 80), "vein": (86, 140, 255)}
MARKS = {"vessel": (255, 255, 255), "artery": (255, 205, 60), "vein": (150, 235, 255)}
RING, TEXT = (255, 255, 255), (255, 255, 255)
TINT = 0.35
PREVIEW_SIDE = 1600  # pixels
PARTS_OF_SIDE = 600  # lines are the shorter side over this wide, and text ten times as high


def draw_measures(picture: np.ndarray, masks: Mapping[str, np.ndarray], measures: VesselMeasures) -> np.ndarray:
    """Draw what the measures of a photograph were made from.

    Vessels are tinted, arteries red and veins blue where they are known. White circles are the disc's margin and the
    borders of the zones. The vessels in CRAE and CRVE of zone B (or, if it is not measured, of zone C) have their centre
    lines and their calibres, in µm or else in pixels. A dot is a bifurcation, with its angle in degrees.

    Args:
        picture: the photograph, uint8 of shape (H, W, 3).
        masks: bool of shape (H, W), by ``"vessel"``, ``"artery"`` and ``"vein"``.
        measures: what `sre_monai.retina.measure_vessels` gave.

    Returns:
        The picture, uint8 of the same shape.
    """  # noqa: E501
    drawn = picture.copy()
    kinds = [kind for kind in ("artery", "vein") if kind in masks] or ["vessel"]
    for kind in kinds:
        drawn[masks[kind]] = np.rint((1 - TINT) * drawn[masks[kind]] + TINT * np.array(COLORS[kind]))
    canvas = Image.fromarray(drawn)
    draw = ImageDraw.Draw(canvas)
    width = max(1, round(min(picture.shape[:2]) / PARTS_OF_SIDE))
    font = ImageFont.load_default(10 * width)
    evidence = measures.evidence
    if evidence.disc is not None:
        x, y, diameter = evidence.disc
        for edge in sorted({0.0, *(edge for zone in ZONES for edge in (zone.inner, zone.outer))}):
            radius = (0.5 + edge) * diameter
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=RING, width=width)
    forks = evidence.bifurcations
    for fork in forks[forks["structure"].isin(kinds)].itertuples():
        box = (fork.x - 2 * width, fork.y - 2 * width, fork.x + 2 * width, fork.y + 2 * width)
        draw.ellipse(box, fill=MARKS[fork.structure])
        position = (fork.x + 3 * width, fork.y)
        draw.text(position, f"{fork.angle_deg:.0f}°", MARKS[fork.structure], font, stroke_width=width, stroke_fill=0)
    zone = min((vessel.zone for vessel in evidence.entered), default="")
    for vessel, text in _calibres(measures, zone):
        points = [tuple(point) for point in vessel.points.tolist()]
        draw.line(points, COLORS[vessel.structure], 2 * width)
        middle = points[len(points) // 2]
        draw.text(middle, text, TEXT, font, anchor="mm", stroke_width=width, stroke_fill=COLORS[vessel.structure])
    if zone:
        draw.text((4 * width, 4 * width), _legend(measures, zone), TEXT, font, stroke_width=width, stroke_fill=0)
    return np.asarray(canvas)


class SaveMeasurePictured(MapTransform):
    """Write a picture of what was measured as ``OUT/<name>_measures.png``, and pictures for the report.

    Adds to the item's ``outputs``, ``thumbnails`` and ``preview``, see `sre_monai.runs.folder.FolderEvaluator`.

    Args:
        keys: key of the mask of all vessels, bool of shape (1, W, H).
        output_dir: folder of the results.
        photograph_key: key of the photograph, shape (3, W, H), values 0–255.
        measures_key: key of the `sre_monai.retina.VesselMeasures`, see `MeasureVesselsd`.
        write_picture: whether to write the file.

    Examples:
        >>> SaveMeasurePictured("mask", "output")  # doctest: +SKIP
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | os.PathLike[str],
        photograph_key: str = "photograph",
        measures_key: str = "measures",
        write_picture: bool = True,
    ) -> None:
        super().__init__(keys)
        self.output_dir = Path(output_dir)
        self.photograph_key = photograph_key
        self.measures_key = measures_key
        self.write_picture = write_picture

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the picture and return a copy of the data that lists it."""
        d = dict(data)
        for key in self.key_iterator(d):
            photograph = d[self.photograph_key]
            orientation = int(getattr(photograph, "meta", {}).get("exif_orientation", 1))
            picture = to_picture(to_bytes(photograph))
            kinds = {"vessel": key, "artery": "artery", "vein": "vein"}
            masks = {kind: convert_to_numpy(d[name])[0].T > 0 for kind, name in kinds.items() if name in d}
            drawn = draw_measures(picture, masks, d[self.measures_key])
            d["thumbnails"] = [thumbnail(picture, orientation), thumbnail(drawn, orientation)]
            d["preview"] = thumbnail(drawn, orientation, side=PREVIEW_SIDE)
            if self.write_picture:
                path = self.output_dir / f"{d['name']}_measures.png"
                save_png(path, drawn, orientation)
                written = {path.relative_to(self.output_dir).as_posix(): path.stat().st_size}
                d["outputs"] = {**d.get("outputs", {}), **written}
        return d


def _calibres(measures: VesselMeasures, zone: str) -> Iterator[tuple[Any, str]]:
    """The vessels in the equivalents of a zone, each with its calibre in words."""
    um_per_pixel = measures.values.get("um_per_pixel")
    for vessel in measures.evidence.entered:
        if vessel.zone == zone:
            calibre = vessel.calibre_px * (um_per_pixel or 1)
            yield vessel, f"{calibre:.0f}" if um_per_pixel else f"{calibre:.1f}"


def _legend(measures: VesselMeasures, zone: str) -> str:
    """The equivalents of a zone in words; Pillow's own font has no µ."""
    unit, name = ("um", "micrometres") if "um_per_pixel" in measures.values else ("px", "pixels")
    values = [measures.values.get(f"{zone}_{each}") for each in (f"crae_{unit}", f"crve_{unit}", "avr")]
    crae, crve, avr = ("-" if value is None or np.isnan(value) else f"{value:.3g}" for value in values)
    return f"{zone.replace('_', ' ')}: CRAE {crae}, CRVE {crve}, AVR {avr}; calibres in {name}"

"""Measures of a photograph's vessels for the report, and its vessel segments as a table."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy

from sre_monai.io.files import printable
from sre_monai.io.pixel_size import check_um_per_pixel
from sre_monai.io.tables import write_table
from sre_monai.retina.field_of_view import get_field_of_view
from sre_monai.retina.measures.measure_names import measure_columns

MEASURES = measure_columns()
"""Columns of ``vessels.csv`` where only vessels are known, defined in ``docs/measures.md``."""

SEGMENTS = (
    *(
        "file",
        "structure",
        "segment",
        "start_x",
        "start_y",
        "end_x",
        "end_y",
        "length_px",
        "chord_px",
        "tortuosity",
        "curvature",
    ),
    *("calibre_mean_px", "calibre_sd_px", "length_um", "chord_um", "calibre_mean_um", "calibre_sd_um"),
)
"""Columns of ``segments.csv``."""

DIGITS = 6
NEEDS_EXTRA = "vessel measures need more packages: pip install 'sre-monai[measure]'."


class MeasureVesselsd(MapTransform):
    """Measure the vessels of a mask inside the field of view.

    Adds the values of `sre_monai.retina.measure_vessels` to ``report``, by the names that `measure_columns` gives, with
    six digits; what is undefined or has no known unit is empty. Adds the measures themselves to the item.

    On request it writes the vessel segments to a CSV file with the columns `SEGMENTS`, and lists it in ``outputs``. At
    the end of a run over a folder, `sre_monai.runs.folder.GatheredTable` puts these files together.

    The size of a pixel is the option ``um_per_pixel``, or else the item's own entry ``um_per_pixel`` (from a list of
    images), or else that of the metadata of the photograph (set by its reader).

    Args:
        keys: key of the vessel mask, bool of shape (1, W, H), on the photograph's own grid, see `VesselMaskd`.
        artery_key: key of the mask of arteries, of the same shape. An item without it has no arteries that are known;
            so it is with the other two.
        vein_key: key of the mask of veins.
        disc_key: key of the mask of the optic disc.
        fov_key: key of the field of view, shape (1, W, H).
        photograph_key: key of the photograph, whose metadata may have ``um_per_pixel``.
        measures_key: key for the `sre_monai.retina.VesselMeasures`.
        um_per_pixel: size of a pixel in µm, for all photographs.
        structures: kinds of vessels whose columns the report has, of ``"vessel"``, ``"artery"`` and ``"vein"``.
        with_disc: whether it has the columns of the disc and the zones around it.
        output_dir: folder of the results, if the segments are to be written.
        segments_dir: folder for the segments' files, within ``output_dir``.
        least_spur: as in `sre_monai.retina.measure_vessels`, and so are the others.
        largest_hole: holes up to this area are filled.
        tortuosity_limit: the greatest tortuosity of a segment.
        least_zone_share: of a zone, the share inside the field of view from which it is measured.
        disc_diameter_um: diameter of the optic disc that is assumed where the size of a pixel isn't known.

    Raises:
        ValueError: when the pixel size is not a positive number, an option is out of range, or the extra ``measure`` is
            not installed.

    Examples:
        >>> item = {"mask": torch.eye(40)[None] > 0, "photograph_fov": torch.ones(1, 40, 40)}
        >>> report = MeasureVesselsd("mask", um_per_pixel=10)(item)["report"]
        >>> report["segments"], report["length_mm"]
        (1, 0.551543)
    """

    def __init__(
        self,
        keys: KeysCollection,
        artery_key: str = "artery",
        vein_key: str = "vein",
        disc_key: str = "disc",
        fov_key: str = "photograph_fov",
        photograph_key: str = "photograph",
        measures_key: str = "measures",
        um_per_pixel: float | None = None,
        structures: Collection[str] = ("vessel",),
        with_disc: bool = False,
        output_dir: str | os.PathLike[str] | None = None,
        segments_dir: str = ".journal/segments",
        least_spur: float = 1.0,
        largest_hole: float | None = None,
        tortuosity_limit: float = math.pi,
        least_zone_share: float = 0.75,
        disc_diameter_um: float | None = None,
    ) -> None:
        super().__init__(keys)
        self.mask_keys = {"arteries": artery_key, "veins": vein_key, "disc": disc_key}
        self.fov_key = fov_key
        self.photograph_key = photograph_key
        self.measures_key = measures_key
        self.um_per_pixel = None if um_per_pixel is None else check_um_per_pixel(um_per_pixel)
        self.columns = measure_columns(structures, with_disc)
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.segments_dir = segments_dir
        self.options: Any = {
            "least_spur": least_spur,
            "largest_hole": largest_hole,
            "tortuosity_limit": tortuosity_limit,
            "least_zone_share": least_zone_share,
            "disc_diameter_um": disc_diameter_um,
        }
        try:
            from sre_monai.retina.measures.vessel_measures import check_measuring
        except ImportError:
            raise ValueError(NEEDS_EXTRA) from None
        check_measuring(**self.options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with its measures."""
        from sre_monai.retina import measure_vessels  # of the extra, and slow to import

        d = dict(data)
        for key in self.key_iterator(d):
            fov = convert_to_numpy(get_field_of_view(d, key, self.fov_key))[0].T
            further: dict[str, Any] = {name: _picture(d[mask]) for name, mask in self.mask_keys.items() if mask in d}
            measures = measure_vessels(_picture(d[key]), fov, self._um_per_pixel(d), **further, **self.options)
            cells = {name: _cell(measures.values.get(name, "")) for name in self.columns}
            d["report"] = {**d.get("report", {}), **cells}
            d[self.measures_key] = measures
            if self.output_dir is not None:
                d["outputs"] = {**d.get("outputs", {}), **self._write_segments(d, measures.segments)}
        return d

    def _um_per_pixel(self, d: Mapping[Hashable, Any]) -> float | None:
        """Size of the photograph's pixels, if it is known from anywhere."""
        if self.um_per_pixel is not None:
            return self.um_per_pixel
        meta = getattr(d.get(self.photograph_key), "meta", {})
        size = d.get("um_per_pixel", meta.get("um_per_pixel") or None)  # 0 in the metadata: not known
        return None if size is None else check_um_per_pixel(size)

    def _write_segments(self, d: Mapping[Hashable, Any], segments: Any) -> dict[str, int]:
        """Write the photograph's segments; the file and its size."""
        assert self.output_dir is not None
        path = self.output_dir / self.segments_dir / f"{d['name']}.csv"
        named = {"file": printable(d["file"])}
        rows = [
            {**dict.fromkeys(SEGMENTS, ""), **named, "segment": number} | {name: _cell(v) for name, v in row.items()}
            for number, row in enumerate(segments.to_dict("records"), start=1)
        ]
        write_table(path, rows, SEGMENTS)
        return {path.relative_to(self.output_dir).as_posix(): path.stat().st_size}


def check_measure_options(measures: bool, um_per_pixel: float | None, write_segments: bool) -> None:
    """Refuse options of the measures when nothing is measured.

    Args:
        measures: whether vessels are measured.
        um_per_pixel: size of a pixel, or None.
        write_segments: whether vessel segments are written.

    Raises:
        ValueError: naming the option.

    Examples:
        >>> check_measure_options(True, 7.5, False)
    """
    given = {"um_per_pixel": um_per_pixel is not None, "write_segments": write_segments}
    for name in (name for name, is_given in given.items() if is_given and not measures):
        raise ValueError(f"{name} has no effect without measures: add --measures True, or leave {name} out.")


def _picture(mask: Any) -> np.ndarray:
    """From a mask (1, W, H) to bool of (H, W)."""
    return convert_to_numpy(mask)[0].T > 0


def _cell(value: Any) -> Any:
    """A value with six digits; empty where it is undefined."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else float(f"{value:.{DIGITS}g}")

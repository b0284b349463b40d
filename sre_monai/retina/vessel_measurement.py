"""Measures of a photograph's vessels for the report, and its vessel segments as a table."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy

from sre_monai.io.files import printable
from sre_monai.io.pixel_size import check_um_per_pixel
from sre_monai.io.tables import write_table
from sre_monai.retina.field_of_view import get_field_of_view

MEASURES = (
    *("um_per_pixel", "fov_area_px", "fov_area_mm2", "area_density"),
    *("length_px", "length_mm", "length_density_per_px", "length_density_per_mm"),
    *("segments", "branch_points", "end_points"),
    *("calibre_mean_px", "calibre_median_px", "calibre_sd_px", "calibre_mean_um", "calibre_median_um", "calibre_sd_um"),
    *("tortuosity", "curvature_per_px", "curvature_per_mm"),
    *("fractal_d0", "fractal_d1", "fractal_d2", "lacunarity"),
)
"""Columns of ``vessels.csv``, defined in ``docs/measures.md``."""

SEGMENTS = (
    *("file", "segment", "start_x", "start_y", "end_x", "end_y", "length_px", "chord_px", "tortuosity", "curvature"),
    *("calibre_mean_px", "calibre_sd_px", "length_um", "chord_um", "calibre_mean_um", "calibre_sd_um"),
)
"""Columns of ``segments.csv``."""

DIGITS = 6
NEEDS_EXTRA = "vessel measures need more packages: pip install 'sre-monai[measure]'."


class MeasureVesselsd(MapTransform):
    """Measure the vessels of a mask inside the field of view.

    Adds the values of `sre_monai.retina.measure_vessels` to ``report``, by the names in `MEASURES`, with six digits;
    what is undefined or has no known unit is empty. Adds the measures themselves to the item.

    On request it writes the vessel segments to a CSV file with the columns `SEGMENTS`, and lists it in ``outputs``. At
    the end of a run over a folder, `sre_monai.runs.folder.GatheredTable` puts these files together.

    The size of a pixel is the option ``um_per_pixel``, or else the item's own entry ``um_per_pixel`` (from a list of
    images), or else that of the metadata of the photograph (set by its reader).

    Args:
        keys: key of the vessel mask, bool of shape (1, W, H), on the photograph's own grid, see `VesselMaskd`.
        fov_key: key of the field of view, shape (1, W, H).
        photograph_key: key of the photograph, whose metadata may have ``um_per_pixel``.
        measures_key: key for the `sre_monai.retina.VesselMeasures`.
        um_per_pixel: size of a pixel in µm, for all photographs.
        output_dir: folder of the results, if the segments are to be written.
        segments_dir: folder for the segments' files, within ``output_dir``.
        least_spur: as in `sre_monai.retina.measure_vessels`, and so are the others.
        largest_hole: holes up to this area are filled.
        tortuosity_limit: the greatest tortuosity of a segment.

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
        fov_key: str = "photograph_fov",
        photograph_key: str = "photograph",
        measures_key: str = "measures",
        um_per_pixel: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        segments_dir: str = ".journal/segments",
        least_spur: float = 1.0,
        largest_hole: float | None = None,
        tortuosity_limit: float = math.pi,
    ) -> None:
        super().__init__(keys)
        self.fov_key = fov_key
        self.photograph_key = photograph_key
        self.measures_key = measures_key
        self.um_per_pixel = None if um_per_pixel is None else check_um_per_pixel(um_per_pixel)
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.segments_dir = segments_dir
        self.options: Any = {
            "least_spur": least_spur,
            "largest_hole": largest_hole,
            "tortuosity_limit": tortuosity_limit,
        }
        try:
            from sre_monai.retina.measures.vessel_measures import check_pruning
        except ImportError:
            raise ValueError(NEEDS_EXTRA) from None
        check_pruning(**self.options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with its measures."""
        from sre_monai.retina import measure_vessels  # of the extra, and slow to import

        d = dict(data)
        for key in self.key_iterator(d):
            fov = convert_to_numpy(get_field_of_view(d, key, self.fov_key))[0].T
            measures = measure_vessels(convert_to_numpy(d[key])[0].T > 0, fov, self._um_per_pixel(d), **self.options)
            cells = {name: _cell(measures.values.get(name, "")) for name in MEASURES}
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
            {**dict.fromkeys(SEGMENTS, ""), **named, "segment": number, **{name: _cell(v) for name, v in row.items()}}
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


def _cell(value: Any) -> Any:
    """A value with six digits; empty where it is undefined."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else float(f"{value:.{DIGITS}g}")

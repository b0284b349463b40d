"""All measures of a photograph's vessels."""

from __future__ import annotations

import math
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from sre_monai.io.pixel_size import check_um_per_pixel
from sre_monai.retina.measures.box_sums import sum_table
from sre_monai.retina.measures.fractal_dimension import fractal_dimensions_of_sums
from sre_monai.retina.measures.lacunarity import lacunarity_of_sums
from sre_monai.retina.measures.segments import VesselGraph, vessel_graph

UM_PER_MM = 1000.0
LEAST_HOLE, PART_OF_HOLE = 10, 1 / 20_000  # px, and of the field of view's area: smaller gaps are of the mask


class VesselMeasures(NamedTuple):
    """The measures of a photograph, defined in ``docs/measures.md``.

    Attributes:
        values: measures by name. Names end in their unit; those in µm and mm are there where the pixel size is known.
        segments: a row per vessel segment, see :class:`~sre_monai.retina.VesselGraph`.
    """

    values: dict[str, float]
    segments: pd.DataFrame


def measure_vessels(
    mask: np.ndarray,
    fov: np.ndarray | None = None,
    um_per_pixel: float | None = None,
    *,
    least_spur: float = 1.0,
    largest_hole: float | None = None,
    tortuosity_limit: float = math.pi,
) -> VesselMeasures:
    """Measure the vessels of a mask inside the field of view.

    Turned by multiples of 90° or mirrored, mask and field of view give exactly the same values.

    Args:
        mask: where vessels are, bool of shape (H, W), as NumPy has a picture of Pillow and
            `sre_monai.VesselSegmentation` its mask. MONAI's maps are (W, H): transpose them.
        fov: field of view, bool of the same shape; the whole image by default.
        um_per_pixel: size of a pixel in µm, if known.
        least_spur: side branches with a free end are left out when shorter, in calibres of the vessel where they begin;
            0 keeps all.
        largest_hole: holes up to this area in pixels are filled before lines and calibres are measured; by default
            1/20,000 of the field of view's area, and at least 10; 0 fills none.
        tortuosity_limit: the greatest tortuosity of a segment, even if its ends almost meet; by default that of a
            circle across its diameter.

    Returns:
        The measures. Without vessels, densities and numbers are 0, and calibre, tortuosity, curvature, fractal
        dimensions and lacunarity are NaN.

    Raises:
        ValueError: when the shapes differ, the field of view is empty, the pixel size is not positive, or an option is
            out of range.

    Examples:
        >>> mask = np.zeros((64, 64), bool)
        >>> mask[:, 30:33] = True
        >>> values = measure_vessels(mask, um_per_pixel=5).values
        >>> values["calibre_median_px"], values["calibre_median_um"], values["segments"]
        (3.0, 15.0, 1)
    """
    fov = np.ones_like(mask) if fov is None else fov
    _check(mask, fov)
    um_per_pixel = None if um_per_pixel is None else check_um_per_pixel(um_per_pixel)
    check_pruning(least_spur, largest_hole, tortuosity_limit)
    area = int(fov.sum())
    largest_hole = max(LEAST_HOLE, PART_OF_HOLE * area) if largest_hole is None else largest_hole
    window = _bounding_box(fov)
    mask, fov = (mask & fov)[window], fov[window]
    graph = vessel_graph(mask, least_spur, largest_hole, tortuosity_limit)
    graph.segments[["start_y", "end_y"]] += window[0].start
    graph.segments[["start_x", "end_x"]] += window[1].start
    values: dict[str, float] = {"fov_area_px": area, "area_density": int(mask.sum()) / area}
    values |= _graph_values(graph, area)
    table = sum_table(mask)
    values |= {f"fractal_{name}": value for name, value in fractal_dimensions_of_sums(table)._asdict().items()}
    values["lacunarity"] = lacunarity_of_sums(table, fov)
    if um_per_pixel is not None:
        values |= _in_um(values, um_per_pixel)
        for column in [name for name in graph.segments if name.endswith("_px")]:
            graph.segments[column.replace("_px", "_um")] = graph.segments[column] * um_per_pixel
    return VesselMeasures(values, graph.segments)


def check_pruning(least_spur: float, largest_hole: float | None, tortuosity_limit: float) -> None:
    """Refuse options of `measure_vessels` that are out of range.

    Args:
        least_spur: 0 or more.
        largest_hole: 0 or more, or None.
        tortuosity_limit: 1 or more.

    Raises:
        ValueError: naming the option.

    Examples:
        >>> check_pruning(1.0, None, 0.5)
        Traceback (most recent call last):
        ValueError: tortuosity_limit must be a number of at least 1, got 0.5.
    """
    given = {"least_spur": least_spur, "largest_hole": largest_hole, "tortuosity_limit": tortuosity_limit}
    for name, value in given.items():
        least = int(name == "tortuosity_limit")
        if value is not None and not (isinstance(value, Real) and value >= least):
            raise ValueError(f"{name} must be a number of at least {least}, got {value!r}.")


def _check(mask: np.ndarray, fov: np.ndarray) -> None:
    if mask.ndim != 2 or mask.shape != fov.shape or mask.dtype != bool or fov.dtype != bool:
        raise ValueError(
            "A mask and a field of view of one shape (H, W) and of type bool are expected, got "
            f"{mask.shape} {mask.dtype} and {fov.shape} {fov.dtype}."
        )
    if not fov.any():
        raise ValueError("The field of view is empty: nothing can be measured.")


def _bounding_box(fov: np.ndarray) -> tuple[slice, slice]:
    """Smallest window that holds the field of view."""
    inside = [np.flatnonzero(fov.any(axis=other)) for other in (1, 0)]
    return slice(int(inside[0][0]), int(inside[0][-1]) + 1), slice(int(inside[1][0]), int(inside[1][-1]) + 1)


def _graph_values(graph: VesselGraph, area: int) -> dict[str, float]:
    """Measures of the centre lines."""
    segments, calibres = graph.segments, graph.calibres
    length = float(segments["length_px"].sum())
    open_segments = segments[segments["chord_px"] > 0]
    chord = float((open_segments["length_px"] / open_segments["tortuosity"]).sum())
    measured = len(calibres) > 0
    return {
        "length_px": length,
        "length_density_per_px": length / area,
        "segments": len(segments),
        "branch_points": graph.branch_points,
        "end_points": graph.end_points,
        "calibre_mean_px": float(calibres.mean()) if measured else np.nan,
        "calibre_median_px": float(np.median(calibres)) if measured else np.nan,
        "calibre_sd_px": float(calibres.std()) if measured else np.nan,
        "tortuosity": float(open_segments["length_px"].sum()) / chord if chord else np.nan,
        "curvature_per_px": float(segments["curvature"].sum()) / length if length else np.nan,
    }


def _in_um(values: dict[str, float], um_per_pixel: float) -> dict[str, float]:
    """The measures with a unit, in µm and mm."""
    mm_per_pixel = um_per_pixel / UM_PER_MM
    return {
        "um_per_pixel": um_per_pixel,
        "fov_area_mm2": values["fov_area_px"] * mm_per_pixel**2,
        "length_mm": values["length_px"] * mm_per_pixel,
        "length_density_per_mm": values["length_density_per_px"] / mm_per_pixel,
        "calibre_mean_um": values["calibre_mean_px"] * um_per_pixel,
        "calibre_median_um": values["calibre_median_px"] * um_per_pixel,
        "calibre_sd_um": values["calibre_sd_px"] * um_per_pixel,
        "curvature_per_mm": values["curvature_per_px"] / mm_per_pixel,
    }

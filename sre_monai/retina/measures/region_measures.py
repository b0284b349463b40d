"""What is measured of one kind of vessels within one region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sre_monai.retina.measures.box_sums import sum_table
from sre_monai.retina.measures.fractal_dimension import fractal_dimensions_of_sums
from sre_monai.retina.measures.lacunarity import lacunarity_of_sums
from sre_monai.retina.measures.segments import VesselGraph, VesselLines
from sre_monai.retina.measures.tortuosity import tortuosities


def measure_region(
    mask: np.ndarray, graph: VesselGraph, forks: pd.DataFrame, region: np.ndarray, tortuosity_limit: float
) -> dict[str, float]:
    """Measure vessels within a region.

    Args:
        mask: the vessels, bool of shape (H, W).
        graph: their graph.
        forks: their bifurcations.
        region: bool of the same shape, not empty.
        tortuosity_limit: the greatest tortuosity of a segment.

    Returns:
        The measures by their names.
    """
    window = bounding_box(region)
    table = sum_table((mask & region)[window])
    vessels = graph.vessels.inside(region)
    area = int(region.sum())
    length = float(vessels.lines.length.sum())
    inside = forks[region[tuple(np.rint(forks[["y", "x"]].to_numpy()).astype(int).T)]]
    values = {
        "area_density": int(table[-1, -1]) / area,
        "length_px": length,
        "length_density_per_px": length / area,
        "segments": len(vessels.lines.starts),
        "branch_points": _count(graph.branches, region),
        "end_points": _count(graph.ends, region),
        **calibre_statistics(vessels),
        **tortuosities(vessels, tortuosity_limit),
        "bifurcations": len(inside),
        "branching_angle_median_deg": float(inside["angle_deg"].median()),
        "branching_coefficient_median": float(inside["coefficient"].median()),
        "branching_exponent_median": float(inside["exponent"].median()),
    }
    values |= {f"fractal_{name}": value for name, value in fractal_dimensions_of_sums(table)._asdict().items()}
    values["lacunarity"] = lacunarity_of_sums(table, region[window])
    return values


def calibre_statistics(vessels: VesselLines) -> dict[str, float]:
    """Mean, median and standard deviation of the calibres, weighted by the length that each stands for."""
    order = np.argsort(vessels.calibres, kind="stable")[: vessels.is_measured.sum()]  # NaN is last
    if not len(order):
        return dict.fromkeys(("calibre_mean_px", "calibre_median_px", "calibre_sd_px"), np.nan)
    calibres, weights = vessels.calibres[order], vessels.lines.weights[order]
    mean = float(np.average(calibres, weights=weights))
    middle = np.searchsorted(weights.cumsum(), weights.sum() / 2)
    deviation = float(np.sqrt(np.average((calibres - mean) ** 2, weights=weights)))
    return {"calibre_mean_px": mean, "calibre_median_px": float(calibres[middle]), "calibre_sd_px": deviation}


def bounding_box(region: np.ndarray) -> tuple[slice, slice]:
    """Smallest window that holds a region, which is not empty."""
    inside = [np.flatnonzero(region.any(axis=other)) for other in (1, 0)]
    return slice(int(inside[0][0]), int(inside[0][-1]) + 1), slice(int(inside[1][0]), int(inside[1][-1]) + 1)


def _count(points: np.ndarray, region: np.ndarray) -> int:
    """Number of points in a region."""
    return int(region[tuple(np.rint(points).astype(int).T)].sum())

"""Vessel measures of shapes whose values are known, drawn at every angle; a table of the errors.

    python -m benchmarks drawn_shapes --angle_step 5

A shape is drawn at each angle with its middle in several places between the pixels: the mean over the places is the
measure's own error. What one place adds is the drawing's: at 45° the edges of a straight bar can only lie 0.7 pixels
apart.
"""

from collections.abc import Callable, Sequence
from math import pi
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from benchmarks.results import table_of_means
from sre_monai.retina import measure_vessels
from sre_monai.retina.measures.equivalents import ARTERIES, VEINS, central_equivalent

SIDE = 301
PLACES = ((0.03, 0.07), (0.23, 0.47), (0.43, -0.13), (-0.37, 0.27), (-0.17, -0.33))  # even along axes and diagonals
WIDTHS = (4, 6, 8, 12, 16, 24)
LENGTH = 240
ARTERY_WIDTHS, VEIN_WIDTHS = (8, 9.5, 11, 7.5, 10, 12), (12, 14, 16, 11, 13.5, 15)
CHOICES: dict[str, dict[str, object]] = {}

Place = tuple[float, float]


def bar(width: float, angle: float, place: Place = PLACES[0], length: float = LENGTH, side: int = SIDE) -> np.ndarray:
    """A straight vessel through the middle of the image."""
    along, across = _axes(angle, place, side)
    return (np.abs(across) < width / 2) & (np.abs(along) < length / 2)


def stroke(points: np.ndarray, width: float, angle: float, place: Place = PLACES[0], side: int = SIDE) -> np.ndarray:
    """A vessel of one width along a curve about the middle of the image."""
    along, across = _axes(angle, place, side)
    distance, _ = KDTree(points).query(np.stack([along, across], axis=-1), distance_upper_bound=width)
    return distance < width / 2


def arc(radius: float, span: float) -> np.ndarray:
    """Points of an arc."""
    angles = np.linspace(-span / 2, span / 2, 4000)
    points = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points - points.mean(axis=0)


def sinusoid(amplitude: float, wavelength: float, length: float = LENGTH) -> np.ndarray:
    """Points of a sinusoid."""
    along = np.linspace(-length / 2, length / 2, 6000)
    return np.stack([along, amplitude * np.sin(2 * pi * along / wavelength)], axis=1)


def fork(width: float, angle: float, between: float, place: Place = PLACES[0]) -> np.ndarray:
    """A vessel that divides into two of 0.8 of its width."""
    mask = np.zeros((SIDE, SIDE), bool)
    for turn, part in ((180.0, 1.0), (between / 2, 0.8), (-between / 2, 0.8)):
        along, across = _axes(angle + turn, place, SIDE)
        mask |= (np.abs(across) < part * width / 2) & (along > 0) & (along < LENGTH / 2)
    return mask


def fan(angle: float, widths: Sequence[float], place: Place = PLACES[0], side: int = 461) -> np.ndarray:
    """Straight vessels that leave a disc at equal angles."""
    mask = np.zeros((side, side), bool)
    for number, width in enumerate(widths):
        along, across = _axes(angle + 360 * number / len(widths), place, side)
        mask |= (np.abs(across) < width / 2) & (along > 45)
    return mask


def disc(diameter: float = 80, place: Place = PLACES[0], side: int = 461) -> np.ndarray:
    """The disc that the fan leaves."""
    return np.hypot(*_axes(0, place, side)) < diameter / 2


def _axes(angle: float, place: Place, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of all pixels along and across a direction, from a place near the middle of the image."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    x, y, turn = x - place[0], y - place[1], np.radians(angle)
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def measure_fan(angle: float, place: Place) -> dict[str, float]:
    """Measure a fan of six arteries and six veins; the errors of CRAE, CRVE and AVR in zones B and C in per cent."""
    masks = {"arteries": fan(angle, ARTERY_WIDTHS, place), "veins": fan(angle + 30, VEIN_WIDTHS, place)}
    values = measure_vessels(None, disc(458), **masks, disc=disc(place=place)).values
    crae, crve = central_equivalent(ARTERY_WIDTHS, ARTERIES), central_equivalent(VEIN_WIDTHS, VEINS)
    expected = {"crae_px": crae, "crve_px": crve, "avr": crae / crve}
    zones = ("zone_b", "zone_c")
    return {
        f"{zone}_{name}": 100 * (values[f"{zone}_{name}"] / expected[name] - 1) for zone in zones for name in expected
    }


def shapes() -> dict[str, tuple[Callable[[float, Place], np.ndarray], dict[str, float]]]:
    """Each shape: how it is drawn at an angle and a place, and what its measures should be."""
    known: dict[str, tuple[Callable[[float, Place], np.ndarray], dict[str, float]]] = {}
    for width in WIDTHS:
        known[f"bar, {width} px wide"] = (
            lambda angle, place, width=width: bar(width, angle, place),
            {"calibre_mean_px": width, "tortuosity": 1, "curvature_per_px": 0, "branch_points": 0, "end_points": 2},
        )
    curves = [(f"arc, radius {radius}", arc(radius, span), width) for radius, span, width in ARCS]
    curves += [(f"sinusoid, {a} by {length} px", sinusoid(a, length), width) for a, length, width in SINUSOIDS]
    for name, points, width in curves:
        step = np.diff(points, axis=0)
        turn = np.abs(np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))).sum()
        length = np.hypot(*step.T).sum()
        known[f"{name}, {width} px wide"] = (
            lambda angle, place, points=points, width=width: stroke(points, width, angle, place),
            {
                "calibre_mean_px": width,
                "tortuosity": length / np.hypot(*(points[-1] - points[0])),
                "curvature_per_px": turn / length,
                "branch_points": 0,
                "end_points": 2,
            },
        )
    for width in (8, 12, 16):
        known[f"fork, {width} px wide"] = (
            lambda angle, place, width=width: fork(width, angle, 70, place),
            {
                "branch_points": 1,
                "end_points": 3,
                "branching_angle_median_deg": 70,
                "branching_coefficient_median": 1.28,
            },
        )
    return known


ARCS = ((30, pi, 6), (60, pi, 8), (100, 1.5, 16))
SINUSOIDS = ((10, 60, 6), (20, 100, 8), (6, 80, 8))


def main(output_dir: Path = Path("output/drawn_shapes"), angle_step: int = 5, places: int = len(PLACES)) -> str:
    """Measure every shape at angles in degrees, each at the first places between the pixels."""
    figures: dict[str, dict[str, float]] = {}
    angles = range(0, 180, angle_step)
    for name, (draw, expected) in shapes().items():
        found = [[measure_vessels(draw(angle, place)).values for place in PLACES[:places]] for angle in angles]
        figures[name] = {}
        for measure, value in expected.items():
            values = np.array([[one[measure] for one in at_angle] for at_angle in found])
            figures[name] |= _errors(measure, values, value)
    fans = [[measure_fan(angle, place) for place in PLACES[:places]] for angle in range(0, 60, angle_step)]
    for measure in fans[0][0]:
        values = np.array([[one[measure] for one in at_angle] for at_angle in fans])
        figures[f"fan, {measure}"] = {"calibre % least": values.min(), "calibre % most": values.max()}
    table = table_of_means({name: [errors] for name, errors in figures.items()}, COLUMNS)
    output_dir.mkdir(parents=True, exist_ok=True)
    (output_dir / "table.md").write_text(table + "\n", encoding="utf-8")
    return table


COLUMNS = {
    "calibre or equivalent: error in %": "{calibre % least:+.2f} to {calibre % most:+.2f}",
    "movement in %": "{calibre movement:.2f}",
    "tortuosity: error in %": "{tortuosity least:+.2f} to {tortuosity most:+.2f}",
    "curvature (1/px)": "{curvature least:.5f} to {curvature most:.5f}, expected {curvature:.5f}",
    "branch points": "{branch points least:.0f} to {branch points most:.0f}",
    "end points": "{end points least:.0f} to {end points most:.0f}",
    "branching angle (°)": "{angle least:.1f} to {angle most:.1f}",
    "branching coefficient": "{coefficient least:.2f} to {coefficient most:.2f}",
}
SHORT = {
    "branch_points": "branch points",
    "end_points": "end points",
    "curvature_per_px": "curvature",
    "branching_angle_median_deg": "angle",
    "branching_coefficient_median": "coefficient",
}


def _errors(measure: str, values: np.ndarray, expected: float) -> dict[str, float]:
    """Least and greatest value or error of a measure over the angles (first axis) and places (second axis)."""
    if measure == "calibre_mean_px":
        error = 100 * (values.mean(axis=1) / expected - 1)
        return {"calibre % least": error.min(), "calibre % most": error.max(), "calibre movement": np.ptp(error)}
    if measure == "tortuosity":
        error = 100 * (values / expected - 1)
        return {"tortuosity least": error.min(), "tortuosity most": error.max()}
    name = SHORT[measure]
    return {f"{name} least": values.min(), f"{name} most": values.max(), name: expected}
